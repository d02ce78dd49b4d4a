//! Collects what is wrong with the parts of a command, so that all of it is listed at once.

use crate::domain::{Reason, Rejection, Violation};
use crate::ledger::decide::Stop;

/// The most faults of one command that are listed; the earliest reasons come first.
pub(crate) const FAILURES_SHOWN_MAX: usize = 100;

/// What is wrong with the parts of a command, with the reason that each gives.
#[derive(Default)]
pub(super) struct Failures(Vec<(Reason, Violation)>);

impl Failures {
    /// Notes what is wrong at a path.
    pub fn add(&mut self, reason: Reason, path: impl Into<String>, text: impl Into<String>) {
        self.0.push((reason, Violation::new(path, text)));
    }

    /// Notes a refusal at a path; a fault of the storage stays an error.
    pub fn note(&mut self, path: impl Into<String>, outcome: Result<(), Stop>) -> Result<(), Stop> {
        match outcome {
            Err(Stop::Rejected(rejection)) => {
                self.add(rejection.reason, path, rejection.message);
                Ok(())
            }
            other => other,
        }
    }

    /// Refuses with the earliest reason, where there is any.
    pub fn check(mut self) -> Result<(), Stop> {
        self.0.sort_by_key(|(reason, _)| *reason);
        let Some((reason, _)) = self.0.first() else {
            return Ok(());
        };
        let reason = *reason;
        let count = self.0.len();
        let violations = self.0.into_iter().map(|(_, violation)| violation);
        let shown = violations.take(FAILURES_SHOWN_MAX).collect();
        let mut rejection = Rejection::with_violations(reason, shown);
        if count > FAILURES_SHOWN_MAX {
            rejection = rejection.fact("violations", count);
        }
        Err(rejection.into())
    }
}
