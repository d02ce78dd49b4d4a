//! The auditor: takes the log in as it comes, and says in the end what is not as it must be.

use bytes::Bytes;

use super::accounts::{AccountBalance, compare_accounts};
use super::finding::{Finding, FindingKind, Place};
use super::memory::Memory;
use super::named_blobs::NamedBlob;
use super::progress::{Part, Progress, Promise, Shown};
use super::receipts::{Receipts, chain};
use super::replay::Replay;
use super::report::Report;
use super::signed::NamedKeys;
use super::sources::Sources;
use super::verified::verify_leaves;
use crate::domain::{KeptReceipt, LedgerId, TreeHash};
use crate::keys::VerifyingKeys;
use crate::merkle::{KeyHistory, VerifierKey, empty_root, open_checkpoint};

/// How many decoded keys are remembered.
const KEYS_REMEMBERED: usize = 4_096;

/// What the auditor knows beforehand, and all that it trusts.
#[derive(Debug, Clone)]
pub struct Pins {
    /// The ledger's id.
    pub ledger: LedgerId,
    /// Keys of its log; at least one. Those that the log changed them to follow from it.
    pub log_keys: Vec<VerifierKey>,
}

/// What an audit leaves behind.
#[derive(Debug)]
pub struct Ended {
    /// What it found.
    pub report: Report,
    /// What to remember for the next one; none where the shown log is not one to go on from.
    pub memory: Option<Memory>,
}

/// Replays a log that somebody else keeps.
pub struct Auditor<S> {
    pins: Pins,
    verifier: VerifyingKeys,
    named_keys: NamedKeys,
    /// How many entries were taken in.
    taken: u64,
    /// Verified, and waiting for its turn in the replay.
    pending: Part,
    progress: Progress<S>,
}

impl<S: Sources> Auditor<S> {
    /// Returns an auditor that has seen nothing yet.
    ///
    /// `newest` is the server's newest checkpoint, a signed note, asked for before the entries:
    /// the log may not end before it.
    pub fn new(pins: Pins, sources: S, kept: &[KeptReceipt], newest: Option<&str>) -> Self {
        let verifier = VerifyingKeys::new(KEYS_REMEMBERED);
        let origin = pins.log_keys.first().map(|key| key.name.clone());
        let mut report = Report::new(pins.ledger, origin, empty_root());
        let (receipts, invalid) = Receipts::open(kept, &pins, &verifier);
        invalid.into_iter().for_each(|finding| report.find(finding));
        report.checked.receipts = receipts.len();
        let promised: Vec<(u64, TreeHash)> = receipts.roots().collect();
        let mut progress = Progress::new(sources, receipts, report);
        for (size, root) in promised {
            progress.promise(size, Promise::Receipt, root);
        }
        let mut auditor = Self {
            named_keys: NamedKeys::pinned(&pins),
            pins,
            verifier,
            taken: 0,
            pending: Part::default(),
            progress,
        };
        newest.into_iter().for_each(|note| auditor.expect(note));
        auditor
    }

    /// Returns an auditor that goes on where an earlier one has stopped, or that, where the memory
    /// has no state, replays all again and knows what the log must come to.
    pub fn resume(
        pins: Pins,
        sources: S,
        kept: &[KeptReceipt],
        newest: Option<&str>,
        memory: Memory,
    ) -> Self {
        let mut auditor = Self::new(pins, sources, kept, newest);
        let note = memory.checkpoint.as_bytes();
        let opened = open_checkpoint(note, &auditor.pins.log_keys, &auditor.verifier);
        if let Ok(remembered) = opened {
            let (size, root) = (remembered.size, remembered.root);
            auditor.progress.promise(size, Promise::Remembered, root);
        }
        auditor.progress.resume(memory);
        auditor.taken = auditor.progress.frontier.size();
        if let Some(keys) = &auditor.progress.keys {
            auditor.named_keys.know(keys);
        }
        auditor
    }

    /// Says that only some batches come with their checkpoints, as in a static log.
    #[must_use]
    pub fn with_sparse_checkpoints(mut self) -> Self {
        self.progress.sparse = true;
        self
    }

    /// Notes the server's newest checkpoint, a signed note: the log may not end before it.
    pub fn expect(&mut self, newest: &str) {
        match open_checkpoint(newest.as_bytes(), &self.pins.log_keys, &self.verifier) {
            Ok(checkpoint) => {
                let (size, root) = (checkpoint.size, checkpoint.root);
                self.progress.promise(size, Promise::Newest, root);
            }
            Err(error) => {
                let message = format!("the newest checkpoint: {}", chain(&error));
                let kind = FindingKind::CheckpointInvalid;
                self.find(Finding::new(kind, Place::Log, message));
            }
        }
    }

    /// Adds what was found in another way than by taking entries in.
    pub fn find(&mut self, finding: Finding) {
        self.progress.report.find(finding);
    }

    /// Says what could not be checked, and why.
    pub fn leave_out(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.progress.report.leave_out(what, why);
    }

    /// Returns how many entries were taken in, those of earlier audits included.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Returns the hashes of the leaves that were replayed, from the first entry on.
    pub fn leaves(&self) -> &[TreeHash] {
        &self.progress.leaves
    }

    /// Returns the root over the leaves that were replayed.
    pub fn root(&self) -> TreeHash {
        self.progress.frontier.root()
    }

    /// Returns the newest checkpoint that is as it must be, with its size.
    pub fn verified(&self) -> Option<&(u64, String)> {
        self.progress.verified.as_ref()
    }

    /// Returns what to compare the log with when it is asked again: the newest good checkpoint, and
    /// with `leaves` the tree under it.
    pub fn seen(&self, leaves: bool) -> Option<Memory> {
        let (size, note) = self.verified()?;
        let mut seen = Memory::of_checkpoint(self.pins.ledger, note.clone());
        if leaves {
            let count = usize::try_from(*size).unwrap_or(usize::MAX);
            seen.leaves = self.leaves().iter().take(count).copied().collect();
        }
        Some(seen)
    }

    /// Returns the bytes that entries name, in their order, each as often as it is named.
    pub fn named_blobs(&self) -> &[NamedBlob] {
        &self.progress.blobs
    }

    /// Returns what was found and counted so far.
    pub fn report(&self) -> &Report {
        &self.progress.report
    }

    /// Returns what was found and counted so far, to add to it.
    pub fn report_mut(&mut self) -> &mut Report {
        &mut self.progress.report
    }

    /// Takes in entries in their order, and the checkpoints of the batches that end among them,
    /// each with the size that the server says it is of.
    ///
    /// These leaves are verified while the ones before are replayed. After entries that do not
    /// follow on those before, which is a finding, nothing is taken in any more.
    pub fn push(&mut self, first_index: u64, leaves: Vec<Bytes>, checkpoints: &[(u64, String)]) {
        if self.progress.out_of_order {
            return;
        }
        if first_index != self.taken {
            let message = "the server went on with another entry than the next one";
            let finding = Finding::new(FindingKind::OrderWrong, Place::Entry(self.taken), message);
            let (expected, found) = (self.taken, first_index);
            self.find(finding.differs(expected, found));
            self.progress.out_of_order = true;
            return;
        }
        let count = u64::try_from(leaves.len()).unwrap_or(u64::MAX);
        self.taken = self.taken.saturating_add(count);
        let before = std::mem::take(&mut self.pending);
        let (verifier, named_keys, pins) = (&self.verifier, &mut self.named_keys, &self.pins);
        let verify = || {
            let leaves = verify_leaves(leaves, verifier);
            named_keys.take_in(&leaves, pins);
            let open = |(size, note): &(u64, String)| {
                let signed = named_keys.open(note, verifier);
                let note = note.clone();
                (*size, Shown { note, signed })
            };
            let checkpoints = checkpoints.iter().map(open).collect();
            (leaves, checkpoints)
        };
        let progress = &mut self.progress;
        let replay = || progress.take_in(before, pins, verifier);
        let ((leaves, checkpoints), ()) = rayon::join(verify, replay);
        self.pending = Part {
            first_index,
            leaves,
            checkpoints,
        };
    }

    /// Replays what is verified and waits, so that everything taken in is in the report.
    pub fn catch_up(&mut self) {
        let last = std::mem::take(&mut self.pending);
        self.progress.take_in(last, &self.pins, &self.verifier);
    }

    /// Ends the audit. `accounts` are all accounts as the server shows them at the size of the
    /// log that was taken in, or the reason why they were not to be had.
    pub fn finish(self, accounts: Result<&[AccountBalance], String>) -> Report {
        self.end(accounts).report
    }

    /// Ends the audit as [`finish`](Self::finish), and returns what to remember, too.
    pub fn end(mut self, accounts: Result<&[AccountBalance], String>) -> Ended {
        self.catch_up();
        let (progress, pins) = (&mut self.progress, &self.pins);
        if let Some(keys) = &progress.keys {
            check_pinned(keys, pins, &mut progress.report);
        }
        let size = progress.frontier.size();
        progress.report.size = size;
        progress.report.root = progress.frontier.root();
        for finding in progress.receipts.beyond(size) {
            progress.report.find(finding);
        }
        for (promised, promises) in progress.promises.range(size.saturating_add(1)..) {
            let newest = |(promise, _): &(Promise, TreeHash)| *promise == Promise::Newest;
            if promises.iter().any(newest) {
                let message = "the log ends before the server's own newest checkpoint";
                let finding = Finding::new(FindingKind::LogTruncated, Place::Log, message);
                let finding = finding.differs(format!("{promised} entries"), size);
                progress.report.find(finding);
            }
        }
        if size == 0 {
            let message = "the log shown is empty: not even its founding was to be seen";
            let finding = Finding::new(FindingKind::LogTruncated, Place::Log, message);
            progress.report.find(finding);
        } else if progress.last_checkpoint < size {
            let message = "no checkpoint covers the entries from this one on";
            let place = Place::Entry(progress.last_checkpoint);
            let finding = Finding::new(FindingKind::NotCovered, place, message);
            progress.report.find(finding);
        }
        compare(&progress.replay, accounts, &mut progress.report);
        Ended {
            report: progress.report.clone(),
            memory: self.progress.memory(),
        }
    }
}

/// Checks that a pinned key is one of the log's: the one that it was founded with, or a later one.
fn check_pinned(keys: &KeyHistory, pins: &Pins, report: &mut Report) {
    if pins.log_keys.iter().any(|key| keys.contains(key)) {
        return;
    }
    let message = "the log was founded with a key that is not pinned, and never had one that is";
    let finding = Finding::new(FindingKind::FoundingDiffers, Place::Entry(0), message);
    let pinned = pins.log_keys.iter().map(ToString::to_string);
    let pinned = pinned.collect::<Vec<_>>().join(" ");
    report.find(finding.differs(pinned, keys.at(0)));
}

/// Compares the rows with each other, and the accounts with those shown.
fn compare<S: Sources>(
    replay: &Replay<S>,
    accounts: Result<&[AccountBalance], String>,
    report: &mut Report,
) {
    if let Some(stopped) = replay.stopped() {
        report.complete = false;
        report.leave_out("accounts, invariants and later commands", stopped);
        return;
    }
    replay.check_invariants(report);
    match (accounts, replay.accounts()) {
        (Ok(shown), Ok(replayed)) => {
            for finding in compare_accounts(&replayed, shown) {
                report.find(finding);
            }
            report.checked.accounts = u64::try_from(replayed.len()).unwrap_or(u64::MAX);
        }
        (Err(why), _) => report.leave_out("accounts", why),
        (_, Err(fault)) => {
            let (kind, place) = (FindingKind::InvariantBroken, Place::State);
            report.find(Finding::new(kind, place, chain(&fault)));
        }
    }
}
