//! Seeds that nobody could choose: made from a root of the log and from bytes that somebody else
//! had committed to before that root was known.

use super::value_table::Seed;
use crate::domain::{Reveal, TreeHash};

/// What a record says of a seed that was made without a reveal: the operator chooses the order of
/// entries and with it the root.
pub const OPERATORS_SEED: &str = "seed chosen by the operator";

/// What the seed of a valuation is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeedSource {
    /// The root of the log's tree whose last entry is the request.
    pub root: TreeHash,
    /// The number of entries under that root.
    pub size: u64,
    /// What was revealed, and the index of the entry that had committed to it; none without.
    pub revealed: Option<(Reveal, u64)>,
}

impl SeedSource {
    /// Returns the seed: BLAKE3 derive-key with the context `fenrun v1 seed` of the root and, where
    /// there is one, the reveal.
    pub fn seed(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("fenrun v1 seed");
        hasher.update(&self.root.0);
        if let Some((reveal, _)) = &self.revealed {
            hasher.update(&reveal.0);
        }
        hasher.finalize().into()
    }

    /// Returns the seed as a value table states it.
    pub fn stated(&self) -> Seed {
        let from = match self.revealed {
            Some((_, committed)) => format!(
                "the root of the first {} entries of the log and the reveal that entry {committed} \
                 committed to",
                self.size
            ),
            None => OPERATORS_SEED.to_owned(),
        };
        Seed {
            from,
            hex: hex::encode(self.seed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_made_of_root_and_reveal() {
        let source = SeedSource {
            root: TreeHash([1; 32]),
            size: 20,
            revealed: Some((Reveal([2; 32]), 7)),
        };
        let material = [[1; 32], [2; 32]].concat();
        assert_eq!(
            source.seed(),
            blake3::derive_key("fenrun v1 seed", &material)
        );
        assert_eq!(
            source.stated().from,
            "the root of the first 20 entries of the log and the reveal that entry 7 committed to"
        );
        let alone = SeedSource {
            revealed: None,
            ..source
        };
        assert_eq!(alone.seed(), blake3::derive_key("fenrun v1 seed", &[1; 32]));
        assert_eq!(alone.stated().from, OPERATORS_SEED);
    }
}
