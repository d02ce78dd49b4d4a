//! What fixes the bytes of a contribution: BLAKE3 hashes of files, as `b3sum` prints them.
//!
//! Everything here is a function of the bytes and names it is given; opening files is the task of
//! `store`. What is printed is what `b3sum` prints, byte for byte, so that `b3sum --check` can
//! verify our records with no tool of ours.

mod hasher;
mod sum_line;

pub use hasher::{ContentHasher, Hashed};
pub use sum_line::{SumLine, SumLineError};
