//! What the replay has come to, entry by entry: roots, promises, keys, rows, findings.

use std::collections::{BTreeMap, BTreeSet};

use super::auditor::Pins;
use super::finding::{Finding, FindingKind, Place};
use super::memory::{Memory, Replayed};
use super::named_blobs::{NamedBlob, name_blobs};
use super::receipts::Receipts;
use super::replay::Replay;
use super::report::Report;
use super::signed::Signed;
use super::sources::Sources;
use super::verified::{VerifiedEntry, VerifiedLeaf};
use crate::domain::{Action, TreeHash, UnixMillis};
use crate::keys::VerifyingKeys;
use crate::ledger::{Locator, MemoryView, OpenRequestRow, State};
use crate::merkle::{Frontier, KeyHistory, VerifierKey};

/// Who promised that the log has a root at a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Promise {
    /// The server, with its newest checkpoint.
    Newest,
    /// The checkpoint of a kept receipt.
    Receipt,
    /// The checkpoint that an earlier audit has verified.
    Remembered,
}

/// Part of the log, verified as far as it can be without what came before.
#[derive(Default)]
pub(super) struct Part {
    pub first_index: u64,
    pub leaves: Vec<VerifiedLeaf>,
    pub checkpoints: BTreeMap<u64, Shown>,
}

/// A checkpoint as it was shown, and what its signatures say.
pub(super) struct Shown {
    pub note: String,
    pub signed: Result<Signed, String>,
}

/// What the replay has come to; one thread at a time works on it.
pub(super) struct Progress<S> {
    pub replay: Replay<S>,
    pub frontier: Frontier,
    /// The hashes of all leaves, for the memory and for tiles.
    pub leaves: Vec<TreeHash>,
    pub blobs: Vec<NamedBlob>,
    pub receipts: Receipts,
    pub promises: BTreeMap<u64, Vec<(Promise, TreeHash)>>,
    pub last_time: UnixMillis,
    pub last_checkpoint: u64,
    /// The newest checkpoint that is as it must be, with its size.
    pub verified: Option<(u64, String)>,
    /// The keys of the log, from its founding on.
    pub keys: Option<KeyHistory>,
    /// Whether only some batches come with their checkpoints.
    pub sparse: bool,
    /// Once roots differ they differ at every later size, which is not said again.
    pub roots_differ: bool,
    pub out_of_order: bool,
    pub report: Report,
}

impl<S: Sources> Progress<S> {
    pub fn new(sources: S, receipts: Receipts, report: Report) -> Self {
        Self {
            replay: Replay::new(sources),
            frontier: Frontier::new(),
            leaves: Vec::new(),
            blobs: Vec::new(),
            receipts,
            promises: BTreeMap::new(),
            last_time: UnixMillis(0),
            last_checkpoint: 0,
            verified: None,
            keys: None,
            sparse: false,
            roots_differ: false,
            out_of_order: false,
            report,
        }
    }

    /// Notes that the log must have a root at a size.
    pub fn promise(&mut self, size: u64, promise: Promise, root: TreeHash) {
        let promises = self.promises.entry(size).or_default();
        if !promises.contains(&(promise, root)) {
            promises.push((promise, root));
        }
    }

    /// Goes on from what was remembered; the promises of receipts must have been noted before.
    pub fn resume(&mut self, memory: Memory) {
        let Memory {
            checkpoint,
            mut leaves,
            blobs,
            replayed,
            ..
        } = memory;
        let Some(replayed) = replayed else {
            return;
        };
        leaves.truncate(usize::try_from(replayed.size).unwrap_or(usize::MAX));
        let open = open_requests(&replayed.rows);
        for (index, leaf) in (0..).zip(&leaves) {
            self.frontier.push(*leaf);
            if let Some(finding) = self.receipts.compare_hash(index, leaf) {
                self.report.find(finding);
            }
            let size = self.frontier.size();
            self.keep_promises(size);
            if open.contains(&size) {
                let root = self.frontier.root();
                self.replay.keep_root(size, root);
            }
        }
        self.leaves = leaves;
        self.blobs = blobs;
        self.blobs.retain(|blob| blob.index < replayed.size);
        self.last_time = replayed.last_time;
        self.last_checkpoint = replayed.size;
        self.keys = Some(replayed.keys);
        self.verified = Some((replayed.size, checkpoint));
        self.report.resumed_at = replayed.size;
        self.replay.resume(replayed.rows);
    }

    /// Replays a part of the log whose leaves are verified.
    pub fn take_in(&mut self, part: Part, pins: &Pins, verifier: &VerifyingKeys) {
        let end = part.first_index;
        for (index, leaf) in (part.first_index..).zip(part.leaves) {
            self.take_leaf(index, &leaf, pins, verifier);
            let size = index.saturating_add(1);
            if let Some(shown) = part.checkpoints.get(&size) {
                self.check_checkpoint(size, shown);
            }
            self.keep_promises(size);
        }
        let size = self.frontier.size();
        let sizes = part.checkpoints.keys();
        for stray in sizes.filter(|stray| **stray <= end || **stray > size) {
            let message = format!("it came with the entries {end} to {size}, where no batch ends");
            let place = Place::Checkpoint(*stray);
            self.report
                .find(Finding::new(FindingKind::OrderWrong, place, message));
        }
    }

    fn take_leaf(
        &mut self,
        index: u64,
        leaf: &VerifiedLeaf,
        pins: &Pins,
        verifier: &VerifyingKeys,
    ) {
        self.frontier.push(leaf.hash);
        self.leaves.push(leaf.hash);
        let place = || Place::Entry(index);
        if let Some(finding) = self.receipts.compare(index, &leaf.leaf, &leaf.hash) {
            self.report.find(finding);
        }
        let entry = match &leaf.content {
            Ok(entry) => entry,
            Err(fault) => {
                let kind = FindingKind::EntryUnreadable;
                self.report
                    .find(Finding::new(kind, place(), fault.to_string()));
                self.replay.stop(index, "it cannot be read");
                return;
            }
        };
        self.check_entry(index, entry);
        name_blobs(index, &entry.command.action, &mut self.blobs);
        match (&entry.command.action, &mut self.keys) {
            (Action::Found(found), None) if index == 0 => {
                let (name, key) = (found.origin.clone(), found.log_key);
                self.keys = Some(KeyHistory::founded(VerifierKey { name, key }));
            }
            (Action::AmendCharter(amend), Some(keys)) => {
                if let Some(new) = &amend.log_key {
                    keys.change(index, new.key);
                }
            }
            (Action::StartValuation(_), _) => {
                let (size, root) = (self.frontier.size(), self.frontier.root());
                self.replay.keep_root(size, root);
            }
            _ => {}
        }
        self.replay
            .step(index, entry, pins, verifier, &mut self.report);
    }

    /// Checks what an entry says of itself: signature and time.
    fn check_entry(&mut self, index: u64, entry: &VerifiedEntry) {
        let place = || Place::Entry(index);
        let counts = &mut self.report.checked;
        counts.entries = counts.entries.saturating_add(1);
        if entry.signature_valid {
            counts.signatures = counts.signatures.saturating_add(1);
        } else {
            let message = format!(
                "the signature of {} over its {} does not verify",
                entry.command.actor,
                entry.command.action.kind().name()
            );
            let kind = FindingKind::SignatureInvalid;
            self.report.find(Finding::new(kind, place(), message));
        }
        let time = entry.entry.recorded_at;
        if time < self.last_time {
            let message = "it is older than the entry before it";
            let finding = Finding::new(FindingKind::TimeReversed, place(), message);
            let not_before = format!("{} or later", self.last_time);
            self.report.find(finding.differs(not_before, time));
        }
        self.last_time = self.last_time.max(time);
    }

    fn check_checkpoint(&mut self, size: u64, shown: &Shown) {
        // Without the batches between, nothing says whether one of them changed the key.
        let before = match self.sparse {
            true => size,
            false => self.last_checkpoint,
        };
        self.last_checkpoint = size;
        let place = Place::Checkpoint(size);
        let keys = self.keys.as_ref();
        let judged = shown.signed.as_ref().map_err(Clone::clone);
        let judged = judged.and_then(|signed| {
            let checkpoint = &signed.checkpoint;
            signed.judge(keys, before, size).map(|()| checkpoint)
        });
        let checkpoint = match judged {
            Ok(checkpoint) => checkpoint,
            Err(why) => {
                let kind = FindingKind::CheckpointInvalid;
                self.report.find(Finding::new(kind, place, why));
                return;
            }
        };
        if checkpoint.size != size {
            let message = "the checkpoint is of another size than the server says";
            let finding = Finding::new(FindingKind::CheckpointInvalid, place, message);
            self.report.find(finding.differs(size, checkpoint.size));
            return;
        }
        let counts = &mut self.report.checked;
        counts.checkpoints = counts.checkpoints.saturating_add(1);
        let equal = self.check_root(
            checkpoint.root,
            FindingKind::RootDiffers,
            "the log's own checkpoint",
        );
        if equal {
            self.verified = Some((size, shown.note.clone()));
        }
    }

    /// Compares the root with what was promised for this size.
    fn keep_promises(&mut self, size: u64) {
        for (promise, root) in self.promises.get(&size).cloned().unwrap_or_default() {
            let (kind, whose) = match promise {
                Promise::Newest => (FindingKind::RootDiffers, "the server's newest checkpoint"),
                Promise::Receipt => {
                    let whose = "the checkpoint of a kept receipt, signed by the log's key";
                    (FindingKind::ReceiptContradicted, whose)
                }
                Promise::Remembered => {
                    let whose = "the checkpoint that an earlier audit has verified";
                    (FindingKind::LogForked, whose)
                }
            };
            self.check_root(root, kind, whose);
        }
    }

    /// Says whether the root is the one expected; one that is not is a finding.
    fn check_root(&mut self, expected: TreeHash, kind: FindingKind, whose: &str) -> bool {
        let found = self.frontier.root();
        if found == expected {
            return true;
        }
        if self.roots_differ && kind == FindingKind::RootDiffers {
            return false;
        }
        self.roots_differ |= kind == FindingKind::RootDiffers;
        let size = self.frontier.size();
        let message = format!("{whose} has another root; so this entry or one before it differs");
        let place = Place::Checkpoint(size);
        self.report
            .find(Finding::new(kind, place, message).differs(expected, found));
        false
    }

    /// Returns what is to be remembered: the tree under the newest good checkpoint and, where
    /// nothing at all was found, the rows; none where the shown log is not one to go on from.
    pub fn memory(self) -> Option<Memory> {
        let (size, checkpoint) = self.verified?;
        let contradicted = [
            FindingKind::RootDiffers,
            FindingKind::LogForked,
            FindingKind::LogRolledBack,
            FindingKind::LogTruncated,
            FindingKind::OrderWrong,
            FindingKind::ReceiptContradicted,
        ];
        let findings = &self.report.findings;
        if findings.iter().any(|one| contradicted.contains(&one.kind)) {
            return None;
        }
        let mut leaves = self.leaves;
        leaves.truncate(usize::try_from(size).unwrap_or(usize::MAX));
        let whole = findings.is_empty() && self.frontier.size() == size;
        let rows = self.replay.into_rows().filter(|_| whole);
        let replayed = rows.zip(self.keys).map(|(rows, keys)| Replayed {
            size,
            last_time: self.last_time,
            keys,
            rows,
        });
        Some(Memory {
            ledger: self.report.ledger,
            checkpoint,
            leaves,
            blobs: self.blobs,
            replayed,
        })
    }
}

/// Returns the sizes of the log whose roots seeds of open requests will be made from.
fn open_requests(rows: &MemoryView) -> BTreeSet<u64> {
    let mut sizes = BTreeSet::new();
    let each = State::new(rows).each::<OpenRequestRow>(|key, _| {
        sizes.extend(Locator::from_key(key).map(|at| at.index.saturating_add(1)));
        Ok(())
    });
    // Rows in memory can be read; what is not found here is missed when a seed is made.
    each.map_or_else(|_| BTreeSet::new(), |()| sizes)
}
