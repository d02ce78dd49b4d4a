//! The keys of a log over time: one signs from the entry on that puts it in force.

use std::collections::BTreeMap;

use crate::domain::{Origin, PublicKey};

use super::verifier_key::VerifierKey;

/// Which key of a log signs which of its checkpoints.
///
/// An entry that changes the key takes effect with the checkpoint of its own batch: that one is
/// signed by the old and by the new key, earlier ones by the old and later ones by the new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHistory {
    name: Origin,
    first: PublicKey,
    /// The keys that came later, by the index of the entry that put each in force.
    later: BTreeMap<u64, PublicKey>,
}

impl KeyHistory {
    /// Returns the history of a log that has not changed the key that it was founded with.
    pub fn founded(key: VerifierKey) -> Self {
        Self {
            name: key.name,
            first: key.key,
            later: BTreeMap::new(),
        }
    }

    /// Notes that the entry at `index` put another key in force.
    pub fn change(&mut self, index: u64, key: PublicKey) {
        self.later.insert(index, key);
    }

    /// Returns the keys that came later than the first, each with the index of the entry that put
    /// it in force.
    pub fn later(&self) -> impl Iterator<Item = (u64, &PublicKey)> {
        self.later.iter().map(|(index, key)| (*index, key))
    }

    /// Says whether a key ever was in force.
    pub fn contains(&self, key: &VerifierKey) -> bool {
        let mut keys = self.later.values().chain([&self.first]);
        self.name == key.name && keys.any(|known| *known == key.key)
    }

    /// Returns the key in force after the first `size` entries.
    pub fn at(&self, size: u64) -> VerifierKey {
        let last = self.later.range(..size).next_back();
        VerifierKey {
            name: self.name.clone(),
            key: *last.map_or(&self.first, |(_, key)| key),
        }
    }

    /// Returns the keys of which each signs the checkpoint of a batch: the one in force before it,
    /// and where the batch changes the key, the one in force after it.
    pub fn signers(&self, first_index: u64, size: u64) -> Vec<VerifierKey> {
        let (before, after) = (self.at(first_index), self.at(size));
        match before == after {
            true => vec![after],
            false => vec![before, after],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_keys_sign_the_checkpoint_of_the_change_and_one_every_other() {
        let key = |number| VerifierKey {
            name: "log.example/keys".parse().unwrap(),
            key: PublicKey([number; 32]),
        };
        let mut keys = KeyHistory::founded(key(0));
        assert_eq!(keys.signers(0, 9), [key(0)]);
        keys.change(5, key(1).key);
        keys.change(7, key(2).key);
        assert_eq!(keys.signers(0, 5), [key(0)]);
        assert_eq!(keys.signers(5, 6), [key(0), key(1)]);
        assert_eq!(keys.signers(3, 7), [key(0), key(1)]);
        assert_eq!(keys.signers(6, 7), [key(1)]);
        // Two changes in one batch: who trusts the first key need not know the second.
        assert_eq!(keys.signers(4, 9), [key(0), key(2)]);
        assert_eq!(keys.signers(8, 9), [key(2)]);
        assert_eq!(
            (keys.at(5), keys.at(6), keys.at(8)),
            (key(0), key(1), key(2))
        );
    }
}
