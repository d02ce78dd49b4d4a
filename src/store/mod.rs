//! What is kept on disk: the log in segments, the index in sled, the blobs.
