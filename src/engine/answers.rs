//! The thread that answers: it proves what a batch recorded and tells those who wait, while the
//! next batch is already on its way to the disk.
//!
//! What must stay true: a batch comes here only once it, and everything before it, is durable and
//! visible; and batches come in their order.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::batch::{Batch, BatchTree};
use super::crash::{self, Point};
use super::intake::Intake;
use crate::domain::{Reason, Rejection};

/// How many batches wait to be answered beside the one at hand; then committing waits.
pub(super) const BATCHES_WAITING_MAX: usize = 1;

/// A batch that is durable and visible, with what its answers are made of.
pub(super) struct Recorded {
    pub(super) batch: Batch,
    pub(super) tree: BatchTree,
    /// The checkpoint that covers the batch, as a signed note.
    pub(super) checkpoint: Arc<str>,
}

/// Answers until nothing more will be recorded.
pub(super) fn run(recorded: &Receiver<Recorded>, intake: &Intake) {
    for Recorded {
        batch,
        tree,
        checkpoint,
    } in recorded
    {
        if let Err(fault) = batch.answer(&tree, &checkpoint) {
            let error = &fault as &dyn std::error::Error;
            tracing::error!(error, "entries are durable but cannot be proved");
            let message = "entries are recorded but cannot be proved; no writes until the server \
                           is restarted";
            intake.stop(Rejection::new(Reason::Internal, message));
        }
        crash::at(Point::Answered); // Leaves nothing undone.
    }
}
