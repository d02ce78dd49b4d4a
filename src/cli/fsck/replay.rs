//! What fsck checks of entries: signatures, and that the rules accept each at its place.

use std::collections::BTreeMap;

use bytes::Bytes;
use indicatif::ProgressBar;

use crate::cli::data_folder::verifier_key;
use crate::domain::{
    Action, COMMAND_TYPE, ContentHash, ENTRY_HEADER_BYTES, Entry, TreeHash, UnixMillis, Verifier,
    signing_bytes,
};
use crate::keys::VerifyingKeys;
use crate::ledger::{Attachments, MemoryView, Submission, Verdict, decide};
use crate::merkle::{Frontier, KeyHistory, VerifierKey, leaf_hash};
use crate::store::blobs::Blobs;
use crate::store::log::{FsckCaller, FsckFinding, LogKeys};
use crate::wire::{decode_command, new_log_key};

/// How many decoded keys are kept.
const KEYS_KEPT: usize = 65_536;

/// Decides every entry again, in memory.
pub(super) struct Replay {
    verifier: VerifyingKeys,
    /// None before the founding was read.
    log_keys: Option<KeyHistory>,
    rows: MemoryView,
    attachments: Stored,
    tree: Frontier,
    last: UnixMillis,
    /// Told how many entries were read.
    bar: ProgressBar,
    /// Whether an entry could not be applied: what follows is not judged by a state without it.
    lost: bool,
}

/// Attachments as they lie in the folder; what does not verify counts as missing.
struct Stored {
    blobs: Option<Blobs>,
    /// The roots of the sizes that seeds are made from.
    roots: BTreeMap<u64, TreeHash>,
}

impl Attachments for Stored {
    fn get(&self, hash: &ContentHash) -> Option<Bytes> {
        self.blobs.as_ref()?.attachment(hash).ok().flatten()
    }

    fn root(&self, size: u64) -> Option<TreeHash> {
        self.roots.get(&size).copied()
    }
}

impl Replay {
    pub(super) fn new(blobs: Option<Blobs>, bar: ProgressBar) -> Self {
        Self {
            verifier: VerifyingKeys::new(KEYS_KEPT),
            log_keys: None,
            rows: MemoryView::new(),
            attachments: Stored {
                blobs,
                roots: BTreeMap::new(),
            },
            tree: Frontier::new(),
            last: UnixMillis(0),
            bar,
            lost: false,
        }
    }

    fn judge(&mut self, index: u64, leaf: &[u8]) -> Result<(), String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let leaf = Bytes::copy_from_slice(leaf);
        let entry = Entry::from_leaf(&leaf).map_err(|error| text(&error))?;
        if entry.recorded_at < self.last {
            return Err(format!(
                "it was recorded before the entry before it ({})",
                self.last
            ));
        }
        self.last = entry.recorded_at;
        let command = decode_command(&entry.command).map_err(|error| text(&error))?;
        let signed = signing_bytes(COMMAND_TYPE, &entry.command);
        let key = entry.public_key;
        let submission = Submission {
            index,
            recorded_at: entry.recorded_at,
            public_key: key,
            signature_valid: self.verifier.verify(&key, &signed, &entry.signature),
            id: entry.command_id(),
            command: &command,
        };
        if !submission.signature_valid {
            return Err(format!("the signature is not one of {key}"));
        }
        let decided = decide(&self.rows, submission, &self.verifier, &self.attachments);
        self.tree.push(leaf_hash(&leaf));
        if let Action::StartValuation(_) = &command.action {
            let root = self.tree.root();
            self.attachments.roots.insert(self.tree.size(), root);
        }
        match decided.map_err(|error| text(&error))? {
            Verdict::Accepted(outcome) => {
                self.rows.apply(&outcome.changes);
                Ok(())
            }
            Verdict::Repeated { index: first } => {
                Err(format!("it is the command of entry {first} once more"))
            }
            Verdict::Rejected(rejection) => Err(format!("the rules refuse it: {rejection}")),
        }
    }
}

impl LogKeys for Replay {
    fn entry(&mut self, index: u64, leaf: &[u8]) {
        let command = leaf.get(ENTRY_HEADER_BYTES..).unwrap_or_default();
        match (&mut self.log_keys, index) {
            (None, 0) => self.log_keys = founding_key(command).map(KeyHistory::founded),
            (Some(keys), _) => {
                if let Some(key) = new_log_key(command) {
                    keys.change(index, key);
                }
            }
            (None, _) => {}
        }
    }

    fn keys(&self, first_index: u64, size: u64) -> Vec<VerifierKey> {
        let keys = self.log_keys.as_ref();
        keys.map_or_else(Vec::new, |keys| keys.signers(first_index, size))
    }
}

/// Returns the log key that a founding command names.
fn founding_key(command: &[u8]) -> Option<VerifierKey> {
    match decode_command(&Bytes::copy_from_slice(command))
        .ok()?
        .action
    {
        Action::Found(found) => Some(verifier_key(&found)),
        _ => None,
    }
}

impl FsckCaller for Replay {
    fn check(&mut self, index: u64, leaf: &[u8]) -> Vec<String> {
        self.bar.set_position(index.saturating_add(1));
        if self.lost {
            return Vec::new();
        }
        match self.judge(index, leaf) {
            Ok(()) => Vec::new(),
            Err(what) => {
                self.lost = true;
                vec![format!("{what}; later entries are not judged by the rules")]
            }
        }
    }

    fn beside(&mut self) -> Vec<FsckFinding> {
        Vec::new()
    }
}
