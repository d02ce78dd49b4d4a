//! The audit of a party that may not see the whole log: its own entries, and its own lines.

use bytes::Bytes;
use serde_json::Value;

use super::auditor::Pins;
use super::finding::{Finding, FindingKind, Place};
use super::receipts::{Receipts, chain};
use super::report::Report;
use super::verified::verify_leaf;
use crate::domain::{KeptReceipt, PartyName, Period, PoolName, TreeHash};
use crate::keys::VerifyingKeys;
use crate::merkle::{Checkpoint, empty_root, leaf_hash, open_checkpoint, verify_inclusion};

/// How many decoded keys are remembered.
const KEYS_REMEMBERED: usize = 64;
/// The steps whose lines give a party something or take it away.
const AMOUNT_STEPS: std::ops::RangeInclusive<u64> = 4..=14;
/// The step whose line says what comes out.
const PAYOUT_STEP: u64 = 15;

/// An entry as the server shows it.
#[derive(Debug, Clone)]
pub struct ShownEntry {
    /// Its index.
    pub index: u64,
    /// Its exact bytes.
    pub leaf: Bytes,
    /// Its inclusion proof under the checkpoint.
    pub inclusion_proof: Vec<TreeHash>,
}

/// A settlement as the server shows it to a party.
#[derive(Debug, Clone)]
pub struct ShownSettlement {
    /// The pool.
    pub pool: PoolName,
    /// The period.
    pub period: Period,
    /// The index of the entry that booked it.
    pub settled_index: u64,
    /// The root over its lines.
    pub output_root: TreeHash,
    /// How many lines it has.
    pub lines: u64,
}

/// A line as the server shows it.
#[derive(Debug, Clone)]
pub struct ShownLine {
    /// Its number in the result, from 0.
    pub number: u64,
    /// The line as canonical JSON, which is the leaf.
    pub json: String,
    /// Its inclusion proof under the output root.
    pub inclusion_proof: Vec<TreeHash>,
}

/// Audits what one party may see.
pub struct OwnAuditor {
    party: PartyName,
    verifier: VerifyingKeys,
    checkpoint: Option<Checkpoint>,
    receipts: Receipts,
    report: Report,
}

impl OwnAuditor {
    /// Returns the auditor of a party under the server's newest checkpoint, a signed note.
    pub fn new(pins: &Pins, party: PartyName, kept: &[KeptReceipt], newest: &str) -> Self {
        let verifier = VerifyingKeys::new(KEYS_REMEMBERED);
        let origin = pins.log_keys.first().map(|key| key.name.clone());
        let mut report = Report::new(pins.ledger, origin, empty_root());
        let (receipts, invalid) = Receipts::open(kept, pins, &verifier);
        invalid.into_iter().for_each(|finding| report.find(finding));
        report.checked.receipts = receipts.len();
        let opened = open_checkpoint(newest.as_bytes(), &pins.log_keys, &verifier);
        let checkpoint = match opened {
            Ok(checkpoint) => {
                report.size = checkpoint.size;
                report.root = checkpoint.root;
                report.checked.checkpoints = 1;
                Some(checkpoint)
            }
            Err(error) => {
                let kind = FindingKind::CheckpointInvalid;
                report.find(Finding::new(kind, Place::Log, chain(&error)));
                None
            }
        };
        for finding in receipts.beyond(report.size) {
            report.find(finding);
        }
        for (what, why) in [
            (
                "entries of others",
                "they are shown to operator and auditors only",
            ),
            (
                "other parties' money and how settlements came to be",
                "this needs every entry",
            ),
        ] {
            report.leave_out(what, why);
        }
        Self {
            party,
            verifier,
            checkpoint,
            receipts,
            report,
        }
    }

    /// Returns the size of the checkpoint that entries are proved under; 0 where it is invalid.
    pub fn size(&self) -> u64 {
        self.report.size
    }

    /// Checks an entry: its place under the checkpoint, its signature, and any receipt for it.
    pub fn entry(&mut self, shown: &ShownEntry) {
        let place = || Place::Entry(shown.index);
        let verified = verify_leaf(shown.leaf.clone(), &self.verifier);
        let contradicted = self
            .receipts
            .compare(shown.index, &shown.leaf, &verified.hash);
        contradicted
            .into_iter()
            .for_each(|finding| self.report.find(finding));
        if let Some(Checkpoint { size, root, .. }) = &self.checkpoint {
            let proof = &shown.inclusion_proof;
            if let Err(error) = verify_inclusion(shown.index, *size, &verified.hash, proof, root) {
                let (kind, message) = (FindingKind::RootDiffers, error.to_string());
                self.report.find(Finding::new(kind, place(), message));
            }
        }
        match verified.content {
            Ok(entry) => {
                let counts = &mut self.report.checked;
                counts.entries = counts.entries.saturating_add(1);
                if entry.signature_valid {
                    counts.signatures = counts.signatures.saturating_add(1);
                } else {
                    let message = format!("the signature of {} is not good", entry.command.actor);
                    let kind = FindingKind::SignatureInvalid;
                    self.report.find(Finding::new(kind, place(), message));
                }
            }
            Err(fault) => {
                let kind = FindingKind::EntryUnreadable;
                self.report
                    .find(Finding::new(kind, place(), fault.to_string()));
            }
        }
    }

    /// Adds what was found in another way.
    pub fn find(&mut self, finding: Finding) {
        self.report.find(finding);
    }

    /// Says what could not be shown, and why.
    pub fn leave_out(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.report.leave_out(what, why);
    }

    /// Checks the party's lines of a settlement: their proofs, and that they add up.
    pub fn settlement(&mut self, settlement: &ShownSettlement, lines: &[ShownLine]) {
        let settled_index = settlement.settled_index;
        let find = |report: &mut Report, number: u64, message: String| {
            let place = Place::Line {
                settled_index,
                number,
            };
            report.find(Finding::new(FindingKind::LineInvalid, place, message));
        };
        let mut sum = Some(0i64);
        let mut amounts = false;
        let mut outcome = None;
        for line in lines {
            let (root, size) = (&settlement.output_root, settlement.lines);
            let leaf = leaf_hash(line.json.as_bytes());
            let proof = &line.inclusion_proof;
            if let Err(error) = verify_inclusion(line.number, size, &leaf, proof, root) {
                find(&mut self.report, line.number, error.to_string());
                continue;
            }
            self.report.checked.lines = self.report.checked.lines.saturating_add(1);
            let Some(read) = LineAmount::read(&line.json, &self.party) else {
                continue;
            };
            if AMOUNT_STEPS.contains(&read.step) {
                sum = sum.and_then(|sum| sum.checked_add(read.amount));
                amounts = true;
            } else if read.step == PAYOUT_STEP {
                outcome = Some((line.number, read));
            }
        }
        let last = settlement.lines.saturating_sub(1);
        if let Some((number, message)) = payout_fault(amounts, sum, outcome, last) {
            find(&mut self.report, number, message);
        }
        let (pool, period) = (&settlement.pool, &settlement.period);
        self.report.leave_out(
            format!(
                "that the lines of {pool} {period} are those of the result in entry {settled_index}"
            ),
            "the whole result is shown to operator and auditors only",
        );
    }

    /// Ends the audit.
    pub fn finish(self) -> Report {
        self.report
    }
}

/// Says what is wrong between what lines give and the line that says what comes out of it; `last`
/// is the number of the result's last line.
fn payout_fault(
    amounts: bool,
    sum: Option<i64>,
    payout: Option<(u64, LineAmount)>,
    last: u64,
) -> Option<(u64, String)> {
    let Some((number, payout)) = payout else {
        let message = "lines give the party amounts, but none says what comes out";
        return amounts.then(|| (last, message.to_owned()));
    };
    let expected = sum.and_then(|sum| sum.checked_add(payout.carried_in));
    if expected == Some(payout.amount) {
        return None;
    }
    let expected = expected.map_or_else(|| "more than 64 bits".to_owned(), |sum| sum.to_string());
    let amount = payout.amount;
    let message = format!("it is {amount}, but what came before adds up to {expected}");
    Some((number, message))
}

/// What a line gives the party or takes away.
struct LineAmount {
    step: u64,
    amount: i64,
    carried_in: i64,
}

impl LineAmount {
    /// Reads a line; none where it is of another party, or of none.
    fn read(json: &str, party: &PartyName) -> Option<Self> {
        let line: Value = serde_json::from_str(json).ok()?;
        if line.get("party")?.as_str()? != party.as_str() {
            return None;
        }
        let because = line.get("because");
        let carried_in = because.and_then(|because| because.get("carried_in"));
        Some(Self {
            step: line.get("step")?.as_u64()?,
            amount: line.get("amount")?.as_i64()?,
            carried_in: carried_in.and_then(Value::as_i64).unwrap_or(0),
        })
    }
}
