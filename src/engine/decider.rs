//! Deciding submissions, one after the other, upon what is durable and what is pending.

use std::sync::Arc;

use super::attachments::{AttachmentStore, Handed, Produced};
use super::batch::Batch;
use super::clock::{Clock, ClockWatch};
use super::door::Inspected;
use super::intake::{SignatureState, Submitted};
use super::signers::LogSigners;
use super::verify::key_is_known;
use crate::domain::{Action, Entry, EntryError, Reason, Rejection, UnixMillis, Verifier};
use crate::ledger::{Layered, Submission, Verdict, View, ViewFault, decide};
use crate::store::log::LogReader;

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
    attachments: Arc<dyn AttachmentStore>,
    signers: Arc<dyn LogSigners>,
    log: Arc<dyn LogReader>,
    /// The time of the newest entry, durable or pending.
    last_recorded: UnixMillis,
}

impl Decider {
    /// Returns a decider that follows an entry of this time.
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        verifier: Arc<dyn Verifier>,
        attachments: Arc<dyn AttachmentStore>,
        signers: Arc<dyn LogSigners>,
        log: Arc<dyn LogReader>,
        last_recorded: UnixMillis,
    ) -> Self {
        Self {
            watch: ClockWatch::start(clock.as_ref()),
            clock,
            verifier,
            attachments,
            signers,
            log,
            last_recorded,
        }
    }

    /// Forgets what was pending; the newest entry is of this time.
    pub(super) fn go_back_to(&mut self, last_recorded: UnixMillis) {
        self.last_recorded = last_recorded;
    }

    /// Decides one submission upon `durable` with the changes of `batch`, and adds it to `batch`.
    ///
    /// `committing` are attachments that belong to `durable` but may not be stored yet.
    ///
    /// # Errors
    /// The storage fails; the batch is as before, without this submission.
    pub(super) fn decide(
        &mut self,
        durable: &dyn View,
        committing: &Produced,
        batch: &mut Batch,
        submitted: Submitted,
        signature: SignatureState,
    ) -> Result<(), DecideFault> {
        let Submitted {
            inspected, reply, ..
        } = submitted;
        let Some(now) = self.watch.now(self.clock.as_ref()) else {
            let message =
                "the server's wall clock was set while it ran; restart it once it is right";
            batch.refuse(reply, Rejection::new(Reason::ClockFault, message));
            return Ok(());
        };
        let recorded_at = now.max(self.last_recorded);
        let changes = Arc::clone(&batch.changes);
        let view = Layered {
            base: durable,
            changes: &changes,
        };
        let submission = Submission {
            index: batch.next_index(),
            recorded_at,
            public_key: inspected.public_key,
            signature_valid: self.is_valid(&view, &inspected, signature)?,
            id: inspected.id,
            command: &inspected.command,
        };
        let pending = [committing, &batch.produced];
        let log = Some(self.log.as_ref());
        let handed = Handed::new(self.attachments.as_ref(), log, &pending);
        let verdict = decide(&view, submission, self.verifier.as_ref(), &handed)?;
        let fault = handed.into_fault();
        drop(changes);
        if let Some(fault) = fault {
            tracing::error!(
                error = &fault as &dyn std::error::Error,
                "an attachment or a root is lost"
            );
            batch.refuse(reply, Rejection::new(Reason::Internal, fault.to_string()));
            return Ok(());
        }
        match verdict {
            Verdict::Accepted(_) if !self.can_sign(&inspected.command.action) => {
                let message = "the server does not have the secret of the log's new key";
                batch.refuse(reply, Rejection::new(Reason::LogKeyMissing, message));
            }
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

    /// Says whether the log can be signed once an action is in force. What is outside of the log
    /// may only refuse: a replay does not ask.
    fn can_sign(&self, action: &Action) -> bool {
        let Action::AmendCharter(amend) = action else {
            return true;
        };
        let new = amend.log_key.as_ref();
        new.is_none_or(|new| self.signers.signer(&new.key).is_some())
    }

    /// Says whether the signature is good; verifies it here where the pool did not know the key,
    /// but an entry since then has made it known.
    fn is_valid(
        &self,
        view: &dyn View,
        inspected: &Inspected,
        signature: SignatureState,
    ) -> Result<bool, ViewFault> {
        Ok(match signature {
            SignatureState::Valid => true,
            SignatureState::Invalid => false,
            SignatureState::KeyUnknown => {
                key_is_known(view, &inspected.public_key)?
                    && inspected.verify(self.verifier.as_ref())
            }
        })
    }
}
