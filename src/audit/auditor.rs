//! The auditor: takes the log in as it comes, and says in the end what is not as it must be.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::accounts::{AccountBalance, compare_accounts};
use super::finding::{Finding, FindingKind, Place};
use super::receipts::{Receipts, chain};
use super::replay::Replay;
use super::report::Report;
use super::signed::{NamedKeys, Signed};
use super::sources::Sources;
use super::verified::{VerifiedLeaf, verify_leaves};
use crate::domain::{Action, KeptReceipt, LedgerId, TreeHash, UnixMillis};
use crate::keys::VerifyingKeys;
use crate::merkle::{Checkpoint, Frontier, KeyHistory, VerifierKey, empty_root, open_checkpoint};

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

/// Who promised that the log has a root at a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Promise {
    /// The server, with its newest checkpoint.
    Newest,
    /// The checkpoint of a kept receipt.
    Receipt,
}

/// Part of the log, verified as far as it can be without what came before.
#[derive(Default)]
struct Part {
    first_index: u64,
    leaves: Vec<VerifiedLeaf>,
    checkpoints: BTreeMap<u64, Result<Signed, String>>,
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

/// What the replay has come to; one thread at a time works on it.
struct Progress<S> {
    replay: Replay<S>,
    frontier: Frontier,
    receipts: Receipts,
    promises: BTreeMap<u64, Vec<(Promise, TreeHash)>>,
    last_time: UnixMillis,
    last_checkpoint: u64,
    /// The keys of the log, from its founding on.
    keys: Option<KeyHistory>,
    /// Once roots differ they differ at every later size, which is not said again.
    roots_differ: bool,
    out_of_order: bool,
    report: Report,
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
        let mut promises: BTreeMap<u64, Vec<_>> = BTreeMap::new();
        for (size, root) in receipts.roots() {
            promises
                .entry(size)
                .or_default()
                .push((Promise::Receipt, root));
        }
        match newest.map(|note| open_checkpoint(note.as_bytes(), &pins.log_keys, &verifier)) {
            Some(Ok(Checkpoint { size, root, .. })) => {
                promises
                    .entry(size)
                    .or_default()
                    .push((Promise::Newest, root));
            }
            Some(Err(error)) => {
                let message = format!("the newest checkpoint: {}", chain(&error));
                let kind = FindingKind::CheckpointInvalid;
                report.find(Finding::new(kind, Place::Log, message));
            }
            None => {}
        }
        let progress = Progress {
            replay: Replay::new(sources),
            frontier: Frontier::new(),
            receipts,
            promises,
            last_time: UnixMillis(0),
            last_checkpoint: 0,
            keys: None,
            roots_differ: false,
            out_of_order: false,
            report,
        };
        Self {
            named_keys: NamedKeys::pinned(&pins),
            pins,
            verifier,
            taken: 0,
            pending: Part::default(),
            progress,
        }
    }

    /// Returns how many entries were taken in.
    pub fn taken(&self) -> u64 {
        self.taken
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
            self.progress.report.find(finding.differs(expected, found));
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
            let open = |(size, note): &(u64, String)| (*size, named_keys.open(note, verifier));
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

    /// Ends the audit. `accounts` are all accounts as the server shows them at the size of the
    /// log that was taken in, or the reason why they were not to be had.
    pub fn finish(mut self, accounts: Result<&[AccountBalance], String>) -> Report {
        let last = std::mem::take(&mut self.pending);
        self.progress.take_in(last, &self.pins, &self.verifier);
        let Progress {
            replay,
            frontier,
            receipts,
            promises,
            last_checkpoint,
            keys,
            mut report,
            ..
        } = self.progress;
        if let Some(keys) = keys {
            check_pinned(&keys, &self.pins, &mut report);
        }
        let size = frontier.size();
        report.size = size;
        report.root = frontier.root();
        for finding in receipts.beyond(size) {
            report.find(finding);
        }
        for (promised, promises) in promises.range(size.saturating_add(1)..) {
            if promises
                .iter()
                .any(|(promise, _)| *promise == Promise::Newest)
            {
                let message = "the log ends before the server's own newest checkpoint";
                let finding = Finding::new(FindingKind::LogTruncated, Place::Log, message);
                report.find(finding.differs(format!("{promised} entries"), size));
            }
        }
        if size == 0 {
            let message = "the log shown is empty: not even its founding was to be seen";
            report.find(Finding::new(FindingKind::LogTruncated, Place::Log, message));
        } else if last_checkpoint < size {
            let message = "no checkpoint covers the entries from this one on";
            let place = Place::Entry(last_checkpoint);
            report.find(Finding::new(FindingKind::NotCovered, place, message));
        }
        compare(&replay, accounts, &mut report);
        report
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

impl<S: Sources> Progress<S> {
    /// Replays a part of the log whose leaves are verified.
    fn take_in(&mut self, part: Part, pins: &Pins, verifier: &VerifyingKeys) {
        let end = part.first_index;
        for (index, leaf) in (part.first_index..).zip(part.leaves) {
            self.take_leaf(index, &leaf, pins, verifier);
            let size = index.saturating_add(1);
            if let Some(checkpoint) = part.checkpoints.get(&size) {
                self.check_checkpoint(size, checkpoint);
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
            _ => {}
        }
        self.replay
            .step(index, entry, pins, verifier, &mut self.report);
    }

    fn check_checkpoint(&mut self, size: u64, signed: &Result<Signed, String>) {
        let before = std::mem::replace(&mut self.last_checkpoint, size);
        let place = Place::Checkpoint(size);
        let keys = self.keys.as_ref();
        let judged = signed.as_ref().map_err(Clone::clone).and_then(|signed| {
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
        self.check_root(
            checkpoint.root,
            FindingKind::RootDiffers,
            "the log's own checkpoint",
        );
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
            };
            self.check_root(root, kind, whose);
        }
    }

    fn check_root(&mut self, expected: TreeHash, kind: FindingKind, whose: &str) {
        let found = self.frontier.root();
        if found == expected || (self.roots_differ && kind == FindingKind::RootDiffers) {
            return;
        }
        self.roots_differ |= kind == FindingKind::RootDiffers;
        let size = self.frontier.size();
        let message = format!("{whose} has another root; so this entry or one before it differs");
        let place = Place::Checkpoint(size);
        self.report
            .find(Finding::new(kind, place, message).differs(expected, found));
    }
}
