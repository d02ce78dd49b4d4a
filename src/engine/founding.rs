//! Founding a ledger: entry 0 is decided and made durable as every entry is, but by itself.

use bytes::Bytes;
use tokio::sync::oneshot;

use super::attachments::{Handed, MemoryAttachments};
use super::batch::Batch;
use super::commit::seal;
use super::door;
use super::receipt::SignedBytes;
use crate::domain::{Action, Entry, EntryError, LedgerId, Reason, Rejection, Signer, UnixMillis};
use crate::keys::StrictVerifier;
use crate::ledger::{MemoryView, Submission, Verdict, ViewFault, decide};
use crate::merkle::Frontier;
use crate::store::log::{LogFault, LogStore};

/// Why a ledger is not founded.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// The command is refused.
    #[error("the founding command is refused")]
    Refused(#[from] Rejection),
    /// The log has entries.
    #[error("the log has entries, so that the ledger is founded; choose an empty folder")]
    NotEmpty,
    /// The command names another log key than the one that signs the checkpoint.
    #[error("the founding command names another log key than the one that was given")]
    WrongLogKey,
    /// The command cannot be an entry.
    #[error("the founding command is no entry")]
    Entry(#[from] EntryError),
    /// Rows in memory cannot be read.
    #[error("the founding command could not be decided")]
    View(#[from] ViewFault),
    /// The log cannot be written.
    #[error("the founding command could not be made durable")]
    Log(#[from] LogFault),
}

/// Records the founding command on an empty log; returns the ledger's id when it is durable.
///
/// # Errors
/// See [`FoundError`]; nothing was written, except perhaps after [`FoundError::Log`].
pub fn found(
    log: &mut dyn LogStore,
    signer: &dyn Signer,
    now: UnixMillis,
    signed: &SignedBytes,
) -> Result<LedgerId, FoundError> {
    if log.size() != 0 {
        return Err(FoundError::NotEmpty);
    }
    let inspected = door::inspect(signed)?;
    let submission = Submission {
        index: 0,
        recorded_at: now,
        public_key: inspected.public_key,
        signature_valid: inspected.verify(&StrictVerifier),
        id: inspected.id,
        command: &inspected.command,
    };
    let store = MemoryAttachments::default();
    let handed = Handed::stored(&store);
    let outcome = match decide(&MemoryView::new(), submission, &StrictVerifier, &handed)? {
        Verdict::Accepted(outcome) => outcome,
        Verdict::Rejected(rejection) => return Err(inspected.explain(rejection).into()),
        Verdict::Repeated { .. } => return Err(FoundError::NotEmpty),
    };
    let Action::Found(found) = &inspected.command.action else {
        let message = "entry 0 is the founding command";
        return Err(Rejection::new(Reason::Malformed, message).into());
    };
    if found.log_key != signer.public_key() {
        return Err(FoundError::WrongLogKey);
    }
    let entry = Entry {
        recorded_at: now,
        public_key: inspected.public_key,
        signature: inspected.signature,
        command: inspected.bytes.clone(),
    };
    let leaf: Bytes = entry.leaf()?;
    let mut batch = Batch::after(0, 1);
    // Nobody waits for this answer: the return value is it.
    let (reply, _) = oneshot::channel();
    batch.accept(reply, entry, leaf, outcome.changes);
    let sealed = seal(&batch, &Frontier::new(), found.origin.clone(), &[signer]);
    log.append(&sealed.of(&batch))?;
    Ok(inspected.id.into())
}
