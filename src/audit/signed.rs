//! Who signed the checkpoints of a log, which may have changed its key.

use super::auditor::Pins;
use super::receipts::chain;
use super::verified::VerifiedLeaf;
use crate::domain::{Action, Origin, PublicKey, Verifier};
use crate::merkle::{Checkpoint, KeyHistory, VerifierKey, open_signed};

/// A checkpoint, and the keys that have signed it.
pub(super) struct Signed {
    pub checkpoint: Checkpoint,
    by: Vec<VerifierKey>,
}

impl Signed {
    /// Checks that the keys in force signed it; `before` is the size of the checkpoint before it.
    pub fn judge(&self, keys: Option<&KeyHistory>, before: u64, size: u64) -> Result<(), String> {
        let Some(keys) = keys else {
            return Err("no founding says which key signs it".to_owned());
        };
        let required = keys.signers(before, size);
        match required.iter().find(|key| !self.by.contains(key)) {
            None => Ok(()),
            Some(key) => Err(format!(
                "{key} has not signed it, which was the log's key then"
            )),
        }
    }
}

/// The keys that may have signed a checkpoint: those that are pinned, and those that the log's own
/// entries name. Which of them must have signed is for the replay to say.
pub(super) struct NamedKeys {
    keys: Vec<VerifierKey>,
    name: Option<Origin>,
}

impl NamedKeys {
    pub fn pinned(pins: &Pins) -> Self {
        Self {
            keys: pins.log_keys.clone(),
            name: None,
        }
    }

    /// Takes in the keys that leaves name.
    ///
    /// A ledger id is the hash of its founding, so who pins the id pins the first key with it.
    pub fn take_in(&mut self, leaves: &[VerifiedLeaf], pins: &Pins) {
        for entry in leaves.iter().filter_map(|leaf| leaf.content.as_ref().ok()) {
            match &entry.command.action {
                Action::Found(found) if entry.id.0 == pins.ledger.0 => {
                    self.name = Some(found.origin.clone());
                    self.add(found.log_key);
                }
                Action::AmendCharter(amend) => {
                    if let Some(new) = &amend.log_key {
                        self.add(new.key);
                    }
                }
                _ => {}
            }
        }
    }

    /// Takes in the keys of a log whose first entries an earlier audit has seen.
    pub fn know(&mut self, keys: &KeyHistory) {
        let first = keys.at(0);
        self.name = Some(first.name);
        self.add(first.key);
        keys.later().for_each(|(_, key)| self.add(*key));
    }

    fn add(&mut self, key: PublicKey) {
        let named = self.name.clone().map(|name| VerifierKey { name, key });
        let new = named.filter(|named| !self.keys.contains(named));
        self.keys.extend(new);
    }

    /// Opens a checkpoint that some of the keys have signed.
    pub fn open(&self, note: &str, verifier: &dyn Verifier) -> Result<Signed, String> {
        let opened = open_signed(note.as_bytes(), &self.keys, verifier);
        let (checkpoint, by) = opened.map_err(|error| chain(&error))?;
        let by = by.into_iter().cloned().collect();
        Ok(Signed { checkpoint, by })
    }
}
