//! What is kept on disk: the log in segments, the index in sled, the blobs.

pub mod blobs;
mod hash_file;
pub mod index;
pub mod log;
pub mod tables;

pub use hash_file::{hash_file, hash_reader};
