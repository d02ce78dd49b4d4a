//! Hashing while bytes arrive, and counting them.

use crate::domain::ContentHash;

/// The hash and the size of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashed {
    /// BLAKE3 of the bytes.
    pub hash: ContentHash,
    /// How many bytes there are.
    pub size: u64,
}

/// Hashes bytes that arrive in parts; the parts' lengths do not matter.
#[derive(Debug, Clone, Default)]
pub struct ContentHasher {
    hasher: blake3::Hasher,
}

impl ContentHasher {
    /// Begins with no bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    /// Returns the number of bytes taken so far.
    pub fn size(&self) -> u64 {
        self.hasher.count()
    }

    /// Returns hash and size of all bytes taken so far.
    pub fn finish(&self) -> Hashed {
        Hashed {
            hash: ContentHash(self.hasher.finalize().into()),
            size: self.size(),
        }
    }
}

impl From<blake3::Hasher> for ContentHasher {
    fn from(hasher: blake3::Hasher) -> Self {
        Self { hasher }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_hash_like_the_whole(parts in prop::collection::vec(
            prop::collection::vec(any::<u8>(), 0..3000), 0..6,
        )) {
            let mut hasher = ContentHasher::new();
            for part in &parts {
                hasher.update(part);
            }
            let whole = parts.concat();
            let expected = Hashed { hash: ContentHash::of(&whole), size: whole.len() as u64 };
            prop_assert_eq!(hasher.finish(), expected);
        }
    }
}
