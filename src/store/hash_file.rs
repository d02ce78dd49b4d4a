//! Hashing files as fast as `b3sum` does: memory-mapped and on all cores where the file allows it.

use std::io::{self, Read};
use std::path::Path;

use crate::content::{ContentHasher, Hashed};

/// Returns hash and size of the file at `path`.
///
/// Large regular files are mapped and hashed by rayon's threads; pipes and small files are read.
/// A file that another process cuts short meanwhile may end this process, as with `b3sum`.
///
/// # Errors
/// Fails when the file cannot be opened or read, as a folder cannot.
pub fn hash_file(path: &Path) -> io::Result<Hashed> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_mmap_rayon(path)?;
    Ok(ContentHasher::from(hasher).finish())
}

/// Returns hash and size of everything that `reader` gives.
///
/// # Errors
/// Fails when the reader does.
pub fn hash_reader(reader: impl Read) -> io::Result<Hashed> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(reader)?;
    Ok(ContentHasher::from(hasher).finish())
}

#[cfg(test)]
mod tests {
    use crate::domain::ContentHash;

    use super::*;

    #[test]
    fn mapped_files_and_readers_hash_alike() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for size in [0usize, 1, 1024, 16 * 1024, 700_001] {
            let bytes: Vec<u8> = (0..251u8).cycle().take(size).collect();
            std::fs::write(&path, &bytes).unwrap();
            let expected = Hashed {
                hash: ContentHash::of(&bytes),
                size: size as u64,
            };
            assert_eq!(hash_file(&path).unwrap(), expected);
            assert_eq!(hash_reader(bytes.as_slice()).unwrap(), expected);
        }
        assert!(hash_file(folder.path()).is_err());
        assert!(hash_file(&folder.path().join("missing")).is_err());
    }
}
