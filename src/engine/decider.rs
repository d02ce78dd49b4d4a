//! Deciding submissions, one after the other, upon what is durable and what is pending.

use std::sync::Arc;

use bytes::Bytes;

use super::batch::{Batch, Reply};
use super::clock::{Clock, ClockWatch};
use super::door::Inspected;
use crate::domain::{ContentHash, Entry, EntryError, Reason, Rejection, UnixMillis, Verifier};
use crate::ledger::{Attachments, Layered, Submission, Verdict, View, ViewFault, decide};

/// Why nothing more can be decided; never the fault of a submission.
#[derive(Debug, thiserror::Error)]
pub(super) enum DecideFault {
    /// The rows cannot be read.
    #[error("a submission could not be decided")]
    View(#[from] ViewFault),
    /// An accepted command does not fit into an entry, which the door rules out.
    #[error("an accepted command is no entry")]
    Entry(#[from] EntryError),
}

/// Decides in the order of the calls.
pub(super) struct Decider {
    clock: Arc<dyn Clock>,
    watch: ClockWatch,
    verifier: Arc<dyn Verifier>,
    /// The time of the newest entry, durable or pending.
    last_recorded: UnixMillis,
}

impl Decider {
    /// Returns a decider that follows an entry of this time.
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        verifier: Arc<dyn Verifier>,
        last_recorded: UnixMillis,
    ) -> Self {
        Self {
            watch: ClockWatch::start(clock.as_ref()),
            clock,
            verifier,
            last_recorded,
        }
    }

    /// Decides one submission upon `base` with the changes of `batch`, and adds it to `batch`.
    ///
    /// # Errors
    /// The storage fails; the batch is as before, without this submission.
    pub(super) fn decide(
        &mut self,
        base: &dyn View,
        batch: &mut Batch,
        inspected: Inspected,
        signature_valid: bool,
        reply: Reply,
    ) -> Result<(), DecideFault> {
        let Some(now) = self.watch.now(self.clock.as_ref()) else {
            let message =
                "the server's wall clock was set while it ran; restart it once it is right";
            batch.refuse(reply, Rejection::new(Reason::ClockFault, message));
            return Ok(());
        };
        let recorded_at = now.max(self.last_recorded);
        let view = Layered {
            base,
            changes: &batch.changes,
        };
        let submission = Submission {
            index: batch.next_index(),
            recorded_at,
            public_key: inspected.public_key,
            signature_valid,
            id: inspected.id,
            command: &inspected.command,
        };
        match decide(&view, submission, self.verifier.as_ref(), &NoAttachments)? {
            Verdict::Accepted(outcome) => {
                let entry = Entry {
                    recorded_at,
                    public_key: inspected.public_key,
                    signature: inspected.signature,
                    command: inspected.bytes,
                };
                let leaf = entry.leaf()?;
                batch.produced.extend(outcome.produced);
                batch.accept(reply, entry, leaf, outcome.changes);
                self.last_recorded = recorded_at;
            }
            Verdict::Repeated { index } => batch.repeat(reply, index),
            Verdict::Rejected(rejection) => batch.refuse(reply, inspected.explain(rejection)),
        }
        Ok(())
    }
}

/// A store without attachments.
pub(super) struct NoAttachments;

impl Attachments for NoAttachments {
    fn get(&self, _: &ContentHash) -> Option<Bytes> {
        None
    }
}
