//! The core, decided again entry by entry on rows of the auditor's own.

use super::accounts::AccountBalance;
use super::auditor::Pins;
use super::finding::{Finding, FindingKind, Place};
use super::receipts::chain;
use super::report::Report;
use super::sources::{Absent, CheckedSources, Sources};
use super::valuations::recompute;
use super::verified::VerifiedEntry;
use crate::book::Account;
use crate::domain::{Action, Money, Reason, Rejection, TreeHash, Verifier};
use crate::ledger::{
    AccountRow, Attachments, MemoryView, Outcome, State, Submission, Verdict, ViewFault,
    check_invariants, decide,
};

/// The rows as of the last entry that was replayed.
pub(super) struct Replay<S> {
    view: MemoryView,
    sources: CheckedSources<S>,
    /// Why nothing is replayed any more.
    stopped: Option<String>,
}

impl<S: Sources> Replay<S> {
    pub fn new(sources: S) -> Self {
        Self {
            view: MemoryView::new(),
            sources: CheckedSources::new(sources),
            stopped: None,
        }
    }

    /// Goes on with rows that an earlier audit has come to.
    pub fn resume(&mut self, rows: MemoryView) {
        self.view = rows;
    }

    /// Returns the rows after the last entry; none where the replay did not go to the end.
    pub fn into_rows(self) -> Option<MemoryView> {
        self.stopped.is_none().then_some(self.view)
    }

    /// Returns why the replay did not go to the end.
    pub fn stopped(&self) -> Option<&str> {
        self.stopped.as_deref()
    }

    /// Ends the replay: what an entry left behind is not known.
    pub fn stop(&mut self, index: u64, why: &str) {
        if self.stopped.is_none() {
            self.stopped = Some(format!("the state after entry {index} is not known: {why}"));
        }
    }

    /// Keeps the root that the log has at a size, from which a seed will be made.
    pub fn keep_root(&mut self, size: u64, root: TreeHash) {
        self.sources.keep_root(size, root);
    }

    /// Decides an entry again and carries it out.
    ///
    /// An entry whose signature does not verify, which was found before, is decided as if it did,
    /// so that the report shows what it led to.
    pub fn step(
        &mut self,
        index: u64,
        entry: &VerifiedEntry,
        pins: &Pins,
        verifier: &dyn Verifier,
        report: &mut Report,
    ) {
        if self.stopped.is_some() {
            return;
        }
        if let (0, Action::Found(_)) = (index, &entry.command.action) {
            check_founding(entry, pins, report);
        }
        let submission = Submission {
            index,
            recorded_at: entry.entry.recorded_at,
            public_key: entry.entry.public_key,
            signature_valid: true,
            id: entry.id,
            command: &entry.command,
        };
        let attachments: &dyn Attachments = &self.sources;
        match decide(&self.view, submission, verifier, attachments) {
            Ok(Verdict::Accepted(outcome)) => self.accept(index, entry, outcome, report),
            Ok(Verdict::Repeated { index: first }) => {
                let message = format!("the command was recorded before, in entry {first}");
                let kind = FindingKind::EntryRefused;
                report.find(Finding::new(kind, Place::Entry(index), message));
            }
            Ok(Verdict::Rejected(rejection)) => self.refuse(index, entry, &rejection, report),
            Err(fault) => {
                let kind = FindingKind::InvariantBroken;
                report.find(Finding::new(kind, Place::Entry(index), chain(&fault)));
                self.stop(index, "its rows contradict each other");
            }
        }
    }

    fn accept(&mut self, index: u64, entry: &VerifiedEntry, outcome: Outcome, report: &mut Report) {
        self.view.apply(&outcome.changes);
        self.sources.produce(outcome.produced);
        let counts = &mut report.checked;
        counts.commands = counts.commands.saturating_add(1);
        match &entry.command.action {
            Action::Settle(_) => counts.settlements = counts.settlements.saturating_add(1),
            Action::ImportWeights(_) | Action::FinishValuation(_) => {
                recompute(&self.view, &self.sources, index, report);
            }
            _ => {}
        }
    }

    fn refuse(
        &mut self,
        index: u64,
        entry: &VerifiedEntry,
        rejection: &Rejection,
        report: &mut Report,
    ) {
        let kind = entry.command.action.kind().name();
        if rejection.reason == Reason::RulesVersionUnknown {
            self.stop(index, "its rules are too new for this program");
            return;
        }
        let finding = match (rejection.reason, self.sources.take_absent()) {
            (Reason::AttachmentMissing, Some((hash, Absent::NotAtHand(why)))) => {
                self.stop(index, &format!("it needs the bytes {hash}, and {why}"));
                return;
            }
            (Reason::AttachmentMissing, Some((hash, why))) => {
                let message = format!("{kind} needs the bytes {hash}: {why}");
                Finding::new(FindingKind::AttachmentMissing, Place::Entry(index), message)
            }
            _ => {
                let message = format!("the rules refuse {kind}: {rejection}");
                Finding::new(FindingKind::EntryRefused, Place::Entry(index), message)
            }
        };
        report.find(finding);
        self.stop(index, "the rules refuse it");
    }

    /// Checks what must hold between rows.
    pub fn check_invariants(&self, report: &mut Report) {
        let broken = |found| Finding::new(FindingKind::InvariantBroken, Place::State, found);
        match check_invariants(&self.view) {
            Ok(findings) => {
                for finding in findings {
                    let message = format!("not so: {}; {}", finding.invariant, finding.found);
                    report.find(broken(message));
                }
            }
            Err(fault) => report.find(broken(chain(&fault))),
        }
    }

    /// Returns every account with its balance.
    pub fn accounts(&self) -> Result<Vec<AccountBalance>, ViewFault> {
        let mut accounts = Vec::new();
        State::new(&self.view).each::<AccountRow>(|key, row| {
            // A zero byte ends the name in the key.
            let name = std::str::from_utf8(key.strip_suffix(&[0]).unwrap_or(key));
            let account = name.ok().and_then(|name| name.parse::<Account>().ok());
            let Some(account) = account else {
                let message = format!("the account {} has no name", hex::encode(key));
                return Err(ViewFault::new(message));
            };
            accounts.push(AccountBalance {
                name: account.to_string(),
                balance: Money {
                    minor_units: row.balance,
                    currency: account.currency,
                },
                last_index: row.last_index,
            });
            Ok(())
        })?;
        Ok(accounts)
    }
}

/// Compares the founding command with the pinned ledger, whose id is its hash.
fn check_founding(entry: &VerifiedEntry, pins: &Pins, report: &mut Report) {
    if pins.ledger.0 != entry.id.0 {
        let message = "this is the log of another ledger";
        let finding = Finding::new(FindingKind::FoundingDiffers, Place::Entry(0), message);
        report.find(finding.differs(pins.ledger, entry.id));
    }
}
