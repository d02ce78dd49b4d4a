//! The keys by which a client knows a log: those that are pinned, and those that they vouch for.
//!
//! A log changes its key by an entry, and the checkpoint of that entry's batch is signed by the
//! old key and the new one. So who trusts the old key verifies that checkpoint, then that the entry
//! is in it, and from then on trusts the key that the entry names, and the old one no longer.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::answer;
use super::{ClientError, Pins};
use crate::domain::{Action, ENTRY_HEADER_BYTES, LedgerId, TreeHash, Verifier};
use crate::merkle::{
    Checkpoint, CheckpointError, SignedNote, VerifierKey, leaf_hash, open_checkpoint,
    verify_inclusion,
};
use crate::wire::{decode_command, proto};

/// A change of a log's key, as the server proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKeyChange {
    /// The index of the entry.
    pub index: u64,
    /// Its leaf.
    pub leaf: Bytes,
    /// The proof that the leaf is in the checkpoint.
    pub inclusion_proof: Vec<TreeHash>,
    /// The checkpoint, as a signed note.
    pub checkpoint: String,
}

impl LogKeyChange {
    pub(super) fn read(message: proto::LogKeyChange) -> Result<Self, ClientError> {
        let proof = message.inclusion_proof.iter();
        Ok(Self {
            index: message.index,
            leaf: message.leaf,
            inclusion_proof: proof
                .map(|hash| answer::bytes("log_key_changes.inclusion_proof", hash))
                .collect::<Result<_, _>>()?,
            checkpoint: message.checkpoint,
        })
    }
}

/// The keys that a client trusts, and for which sizes of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TrustedKeys {
    ledger: LedgerId,
    pinned: Vec<VerifierKey>,
    /// Keys that were learned, by the index of the entry that put each in force.
    learned: BTreeMap<u64, VerifierKey>,
}

impl TrustedKeys {
    /// Trusts what is pinned.
    pub fn pinned(pins: &Pins) -> Self {
        Self {
            ledger: pins.ledger,
            pinned: pins.log_keys.clone(),
            learned: BTreeMap::new(),
        }
    }

    /// Returns the keys of which one must have signed a checkpoint of this size.
    pub fn at(&self, size: u64) -> &[VerifierKey] {
        let learned = self.learned.range(..size).next_back();
        learned.map_or(self.pinned.as_slice(), |(_, key)| std::slice::from_ref(key))
    }

    /// Returns the keys for a checkpoint whose signatures are not checked yet.
    pub fn of(&self, note: &str) -> &[VerifierKey] {
        let parsed = SignedNote::parse(note.as_bytes()).ok();
        let said = parsed.and_then(|note| note.text().parse::<Checkpoint>().ok());
        // What is no checkpoint is refused under any key.
        self.at(said.map_or(0, |said| said.size))
    }

    /// Returns the keys that were learned, in the order of the log.
    pub fn learned(&self) -> impl Iterator<Item = &VerifierKey> {
        self.learned.values()
    }

    /// Opens a checkpoint under the keys that sign one of its size.
    pub fn open(&self, note: &str, verifier: &dyn Verifier) -> Result<Checkpoint, CheckpointError> {
        open_checkpoint(note.as_bytes(), self.of(note), verifier)
    }

    /// Learns from changes, oldest first; one that a trusted key does not vouch for teaches
    /// nothing.
    pub fn follow(&mut self, changes: &[LogKeyChange], verifier: &dyn Verifier) {
        // Two changes may share a checkpoint, which the key between them need not have signed.
        let mut vouched: Option<&LogKeyChange> = None;
        for change in changes {
            let known = vouched.is_some_and(|before| before.checkpoint == change.checkpoint);
            if !known && self.open_before(change, verifier).is_none() {
                continue;
            }
            vouched = Some(change);
            if let Some(key) = self.put_in_force(change) {
                self.learned.insert(change.index, key);
            }
        }
    }

    /// Opens the checkpoint of a change under the keys in force before its entry.
    fn open_before(&self, change: &LogKeyChange, verifier: &dyn Verifier) -> Option<Checkpoint> {
        let (note, trusted) = (change.checkpoint.as_bytes(), self.at(change.index));
        open_checkpoint(note, trusted, verifier).ok()
    }

    /// Returns the key that an entry puts in force, if it is in its checkpoint, which is vouched
    /// for.
    fn put_in_force(&self, change: &LogKeyChange) -> Option<VerifierKey> {
        let note = SignedNote::parse(change.checkpoint.as_bytes()).ok()?;
        let checkpoint: Checkpoint = note.text().parse().ok()?;
        let (leaf, proof) = (leaf_hash(&change.leaf), &change.inclusion_proof);
        let (size, root) = (checkpoint.size, &checkpoint.root);
        verify_inclusion(change.index, size, &leaf, proof, root).ok()?;
        let command = decode_command(change.leaf.get(ENTRY_HEADER_BYTES..)?).ok()?;
        match command.action {
            Action::AmendCharter(amend) if command.ledger == Some(self.ledger) => {
                amend.log_key.map(|new| VerifierKey {
                    name: checkpoint.origin,
                    key: new.key,
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AmendCharter, Command, Entry, NewLogKey, Nonce, Signer, UnixMillis};
    use crate::keys::{SecretKey, StrictVerifier};
    use crate::merkle::{MemoryTree, inclusion_proof, sign_checkpoint};
    use crate::wire::encode_command;

    const LEDGER: LedgerId = LedgerId([1; 32]);
    const ORIGIN: &str = "log.example/keys";

    fn secret(number: u8) -> SecretKey {
        SecretKey::from_seed(&[number; 32])
    }

    fn named(number: u8) -> VerifierKey {
        VerifierKey {
            name: ORIGIN.parse().unwrap(),
            key: secret(number).public_key(),
        }
    }

    fn trusted(numbers: &[u8]) -> TrustedKeys {
        TrustedKeys::pinned(&Pins {
            ledger: LEDGER,
            log_keys: numbers.iter().map(|number| named(*number)).collect(),
        })
    }

    /// The leaf of a change to a key, in some ledger.
    fn leaf(number: u8, ledger: LedgerId) -> Bytes {
        let signature = secret(9).sign(b"nobody looks at it");
        let command = Command {
            ledger: Some(ledger),
            actor: "operator".parse().unwrap(),
            nonce: Nonce([number; 16]),
            created_at: UnixMillis(1),
            action: AmendCharter {
                time_window_ms: 1_000,
                log_key: Some(NewLogKey {
                    key: secret(number).public_key(),
                    possession: signature,
                }),
            }
            .into(),
        };
        let entry = Entry {
            recorded_at: UnixMillis(1),
            public_key: secret(9).public_key(),
            signature,
            command: encode_command(&command).into(),
        };
        entry.leaf().unwrap()
    }

    fn note(tree: &MemoryTree, signers: &[u8]) -> String {
        let keys: Vec<SecretKey> = signers.iter().map(|number| secret(*number)).collect();
        let keys: Vec<&dyn Signer> = keys.iter().map(|key| key as &dyn Signer).collect();
        let checkpoint = Checkpoint {
            origin: ORIGIN.parse().unwrap(),
            size: tree.size(),
            root: tree.root(),
        };
        sign_checkpoint(&checkpoint, &keys)
    }

    /// A log of changes, each in a batch of its own: `(index, new key, signers)`.
    fn changes(made: &[(Bytes, &[u8])]) -> Vec<LogKeyChange> {
        let mut tree = MemoryTree::new();
        let mut changes = Vec::new();
        for (leaf, signers) in made {
            let index = tree.size();
            tree.push(leaf_hash(leaf));
            changes.push(LogKeyChange {
                index,
                leaf: leaf.clone(),
                inclusion_proof: inclusion_proof(index, tree.size(), &tree).unwrap(),
                checkpoint: note(&tree, signers),
            });
        }
        changes
    }

    #[test]
    fn who_trusts_a_key_follows_the_log_from_it_on() {
        let log = changes(&[(leaf(2, LEDGER), &[1, 2]), (leaf(3, LEDGER), &[2, 3])]);
        for pinned in [1, 2] {
            let mut keys = trusted(&[pinned]);
            keys.follow(&log, &StrictVerifier);
            assert_eq!(keys.at(2), [named(3)], "pinned is {pinned}");
            assert_eq!(keys.at(1), [named(2)]);
            assert_eq!(keys.at(0), [named(pinned)]);
        }
        // The old key is not trusted for what comes later.
        let mut keys = trusted(&[1]);
        keys.follow(&log, &StrictVerifier);
        let mut tree = MemoryTree::new();
        (0..5u8).for_each(|n| tree.push(leaf_hash(&[n])));
        assert!(keys.open(&note(&tree, &[3]), &StrictVerifier).is_ok());
        assert!(keys.open(&note(&tree, &[1]), &StrictVerifier).is_err());
        assert!(keys.open(&note(&tree, &[2]), &StrictVerifier).is_err());
        let mut stranger = trusted(&[7]);
        stranger.follow(&log, &StrictVerifier);
        assert_eq!(stranger.learned().count(), 0);
    }

    #[test]
    fn two_changes_may_share_a_checkpoint() {
        let leaves = [leaf(2, LEDGER), leaf(3, LEDGER)];
        let mut tree = MemoryTree::new();
        leaves.iter().for_each(|leaf| tree.push(leaf_hash(leaf)));
        let log: Vec<LogKeyChange> = (0u64..)
            .zip(leaves)
            .map(|(index, leaf)| LogKeyChange {
                index,
                leaf,
                inclusion_proof: inclusion_proof(index, 2, &tree).unwrap(),
                checkpoint: note(&tree, &[1, 3]),
            })
            .collect();
        let mut keys = trusted(&[1]);
        keys.follow(&log, &StrictVerifier);
        assert_eq!(keys.at(2), [named(3)]);
    }

    #[test]
    fn what_no_trusted_key_vouches_for_teaches_nothing() {
        let honest = changes(&[(leaf(2, LEDGER), &[1, 2])]);
        let refused = |change: LogKeyChange| {
            let mut keys = trusted(&[1]);
            keys.follow(&[change], &StrictVerifier);
            assert_eq!(keys.learned().count(), 0);
        };
        refused(changes(&[(leaf(2, LEDGER), &[2])]).remove(0));
        refused(changes(&[(leaf(2, LedgerId([9; 32])), &[1, 2])]).remove(0));
        for change in [
            LogKeyChange {
                index: 1,
                ..honest[0].clone()
            },
            LogKeyChange {
                leaf: leaf(3, LEDGER),
                ..honest[0].clone()
            },
            LogKeyChange {
                leaf: Bytes::from_static(b"none"),
                ..honest[0].clone()
            },
            LogKeyChange {
                inclusion_proof: vec![TreeHash([0; 32])],
                ..honest[0].clone()
            },
            LogKeyChange {
                checkpoint: String::new(),
                ..honest[0].clone()
            },
        ] {
            refused(change);
        }
    }
}
