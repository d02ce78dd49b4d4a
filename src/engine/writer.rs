//! The thread that decides: it takes verified submissions in their order, decides each upon what
//! is durable, what is being committed and what the batch at hand has so far. Whenever nothing is
//! left to decide it offers the batch to the committer, and takes it back to go on if the
//! committer is still busy. So while one batch syncs the next fills.

use std::sync::Arc;

use super::attachments::Produced;
use super::batch::Batch;
use super::decider::Decider;
use super::hot::HotRows;
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
    /// The rows that were durable when the committer took its last batch, or later ones.
    base: IndexView,
    /// What the batch that the committer has changes; part of `base` once it is published, which
    /// makes no difference to what is read through both.
    committing: Arc<Changes>,
    /// The attachments that its rules computed.
    produced: Produced,
    /// Rows of both together.
    hot: HotRows,
    /// The batch that is filled; empty while one is on offer, and then what follows that one.
    batch: Batch,
    /// What is on offer changes and produces.
    offered: Option<(Arc<Changes>, Produced)>,
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
            hot: HotRows::default(),
            batch,
            offered: None,
            entries_max,
        }
    }

    /// Runs until the intake is closed and everything in it is decided and committed.
    pub(super) fn run(mut self) {
        loop {
            match self.intake.work(&self.batch) {
                Work::Submissions(submissions, withdrawn) => {
                    match withdrawn {
                        Some(batch) => (self.batch, self.offered) = (batch, None),
                        None => self.note_taken(),
                    }
                    for (submitted, state) in submissions {
                        self.decide(submitted, state);
                    }
                }
                Work::Nothing => self.offer(),
                Work::Dropped(rejection) => self.drop_pending(&rejection),
                Work::Finished => break,
            }
        }
        self.intake.decider_ends();
    }

    fn decide(&mut self, submitted: Submitted, state: SignatureState) {
        if !self.batch.has_room() {
            // The next entries are long.
            self.offer();
            self.intake.wait_taken();
            self.note_taken();
        }
        let durable = Layered {
            base: &self.base,
            changes: &self.committing,
        };
        let durable = self.hot.over(&durable);
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

    /// Offers the batch to the committer and begins the next.
    fn offer(&mut self) {
        let next = self.batch.following();
        let batch = std::mem::replace(&mut self.batch, next);
        let shared = (Arc::clone(&batch.changes), batch.produced.clone());
        match self.intake.offer(batch) {
            Ok(()) => self.offered = Some(shared),
            // Void; the intake says why when it is asked for work.
            Err(batch) => self.batch = *batch,
        }
    }

    /// Notes that the committer has taken what was on offer, if anything was.
    fn note_taken(&mut self) {
        if let Some((changes, produced)) = self.offered.take() {
            // It takes a batch once everything before it is published.
            self.base = self.index.view();
            self.hot.apply(&changes);
            (self.committing, self.produced) = (changes, produced);
        }
    }

    /// Forgets everything that is not durable and tells those who waited for it.
    fn drop_pending(&mut self, rejection: &Rejection) {
        self.base = self.index.view();
        (self.committing, self.produced) = (Arc::default(), Produced::new());
        (self.offered, self.hot) = (None, HotRows::default());
        let next = Batch::after(self.base.size(), self.entries_max);
        std::mem::replace(&mut self.batch, next).fail(rejection);
        let recorded_at: UnixMillis = self.publication.current().recorded_at;
        self.decider.go_back_to(recorded_at);
    }
}
