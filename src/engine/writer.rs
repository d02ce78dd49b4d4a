//! The thread that decides: it takes verified submissions in their order, decides each upon what
//! is durable, what is being committed and what the batch at hand has so far, and hands the batch
//! over when the committer is free or the batch is full. So while one batch syncs the next fills.

use std::sync::Arc;

use super::attachments::Produced;
use super::batch::Batch;
use super::decider::Decider;
use super::intake::{Intake, SignatureState, Submitted, Work};
use super::published::Publication;
use crate::domain::{Reason, Rejection, UnixMillis};
use crate::ledger::{Changes, Layered};
use crate::store::index::{Index, IndexView};

/// The decider with all that is pending.
pub(super) struct Writer {
    intake: Arc<Intake>,
    index: Index,
    publication: Arc<Publication>,
    decider: Decider,
    /// The rows that were durable when the committer got its last batch.
    base: IndexView,
    /// What the batch that the committer has changes; part of `base` once it is published, which
    /// makes no difference to what is read through both.
    committing: Arc<Changes>,
    /// The attachments that its rules computed.
    produced: Produced,
    batch: Batch,
    entries_max: usize,
}

impl Writer {
    /// Returns a writer that goes on after what is published.
    pub(super) fn new(
        intake: Arc<Intake>,
        index: Index,
        publication: Arc<Publication>,
        decider: Decider,
        entries_max: usize,
    ) -> Self {
        let base = index.view();
        let batch = Batch::after(base.size(), entries_max);
        Self {
            intake,
            index,
            publication,
            decider,
            base,
            committing: Arc::default(),
            produced: Produced::new(),
            batch,
            entries_max,
        }
    }

    /// Runs until the intake is closed and everything in it is decided and committed.
    pub(super) fn run(mut self) {
        loop {
            // What the batch has no room for stays in the queue, where it is counted.
            if !self.batch.has_room() {
                self.hand_over();
            }
            match self.intake.work(&self.batch) {
                Work::Submissions(submissions) => {
                    for (submitted, state) in submissions {
                        self.decide(*submitted, state);
                    }
                }
                Work::CommitterFree => self.hand_over(),
                Work::Dropped(rejection) => self.drop_pending(&rejection),
                Work::Finished => break,
            }
        }
        self.intake.decider_ends();
    }

    fn decide(&mut self, submitted: Submitted, state: SignatureState) {
        if !self.batch.has_room() {
            self.hand_over(); // The next entries are long.
        }
        let durable = Layered {
            base: &self.base,
            changes: &self.committing,
        };
        let (decider, batch) = (&mut self.decider, &mut self.batch);
        let decided = decider.decide(&durable, &self.produced, batch, submitted, state);
        if let Err(fault) = decided {
            tracing::error!(error = &fault as &dyn std::error::Error, "cannot decide");
            let message = "the state cannot be read; no writes until the server is restarted";
            let rejection = Rejection::new(Reason::StoreFault, message);
            self.intake.stop(rejection.clone());
            self.drop_pending(&rejection);
        }
    }

    /// Gives the batch to the committer and begins the next.
    fn hand_over(&mut self) {
        let next = self.batch.following();
        let batch = std::mem::replace(&mut self.batch, next);
        let (changes, produced) = (Arc::clone(&batch.changes), batch.produced.clone());
        match self.intake.hand_over(batch) {
            Ok(()) => {
                // The committer was free, so that everything before this batch is published.
                self.base = self.index.view();
                (self.committing, self.produced) = (changes, produced);
            }
            Err(refused) => {
                let (batch, rejection) = *refused;
                self.batch = batch;
                self.drop_pending(&rejection);
            }
        }
    }

    /// Forgets everything that is not durable and tells those who waited for it.
    fn drop_pending(&mut self, rejection: &Rejection) {
        self.base = self.index.view();
        (self.committing, self.produced) = (Arc::default(), Produced::new());
        let next = Batch::after(self.base.size(), self.entries_max);
        std::mem::replace(&mut self.batch, next).fail(rejection);
        let recorded_at: UnixMillis = self.publication.current().recorded_at;
        self.decider.go_back_to(recorded_at);
    }
}
