//! What fixes the bytes of a contribution: BLAKE3 hashes of files, as `b3sum` prints them.
