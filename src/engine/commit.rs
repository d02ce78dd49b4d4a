//! The thread that commits: one batch at a time becomes durable, then visible, and goes on to be
//! answered.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::answers::Recorded;
use super::attachments::{AttachmentFault, AttachmentStore};
use super::batch::{Batch, BatchTree};
use super::crash::{self, Point};
use super::intake::Intake;
use super::published::{Publication, Published};
use super::replay::ROOM_WAIT;
use super::signers::LogSigners;
use crate::domain::{Origin, Reason, Rejection, Signer, TreeHash};
use crate::ledger::{CharterRow, State, View, ViewFault, decode, key};
use crate::merkle::{Checkpoint, Frontier, sign_checkpoint};
use crate::store::index::{Index, IndexError};
use crate::store::log::{self, LogFault, LogStore};

/// What a batch becomes when it is closed: its place in the tree, and its signed checkpoint.
pub(super) struct Sealed {
    pub(super) tree: BatchTree,
    pub(super) root: TreeHash,
    pub(super) note: Arc<str>,
    hashes: Vec<TreeHash>,
}

/// Appends a batch to the tree and signs the checkpoint after it: with the log's key, and where
/// the batch changes that, with the new one too.
pub(super) fn seal(
    batch: &Batch,
    before: &Frontier,
    origin: Origin,
    signers: &[&dyn Signer],
) -> Sealed {
    let (tree, hashes) = BatchTree::append(before, &batch.leaves);
    let (size, root) = (tree.after.size(), tree.after.root());
    let checkpoint = Checkpoint { origin, size, root };
    Sealed {
        note: sign_checkpoint(&checkpoint, signers).into(),
        tree,
        root,
        hashes,
    }
}

impl Sealed {
    /// Returns the batch as the log takes it.
    pub(super) fn of<'a>(&'a self, batch: &'a Batch) -> log::Batch<'a> {
        log::Batch {
            first_index: batch.first_index,
            leaves: &batch.leaves,
            hashes: &self.hashes,
            checkpoint: &self.note,
        }
    }
}

/// Why a batch was not committed.
#[derive(Debug, thiserror::Error)]
enum CommitFault {
    #[error("a computed attachment was not stored")]
    Attachment(#[from] AttachmentFault),
    #[error("the log did not take the batch")]
    Log(#[from] LogFault),
    #[error("the secret of the log's new key was there when its change was decided, and is gone")]
    LogKey,
    #[error("the index has failed")]
    Index(#[from] IndexError),
    #[error("the batch is durable but its state cannot be read")]
    View(#[from] ViewFault),
}

/// The writer's side of the log: the committer's, but for cosignatures, which come between batches.
pub(super) type SharedLog = Arc<Mutex<Box<dyn LogStore>>>;

/// Locks the log; what a panic left of it is for the log to judge.
pub(super) fn locked(log: &SharedLog) -> MutexGuard<'_, Box<dyn LogStore>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The committer.
pub(super) struct Committer {
    pub(super) intake: Arc<Intake>,
    pub(super) log: SharedLog,
    /// The key that signs now, and all that may.
    pub(super) signer: Arc<dyn Signer>,
    pub(super) signers: Arc<dyn LogSigners>,
    pub(super) frontier: Frontier,
    pub(super) index: Index,
    pub(super) attachments: Arc<dyn AttachmentStore>,
    pub(super) publication: Arc<Publication>,
    /// Goes last: when its other end finds it closed, the log is.
    pub(super) recorded: SyncSender<Recorded>,
}

impl Committer {
    /// Runs until the decider is gone and its last batch is committed, and closes the index.
    pub(super) fn run(mut self) {
        while let Some(batch) = self.intake.to_commit() {
            match self.commit(batch) {
                Ok(()) => self.intake.committed(),
                Err(fault) => self.give_up(&fault),
            }
        }
        if let Err(fault) = self.index.close() {
            let error = &fault as &dyn std::error::Error;
            tracing::warn!(
                error,
                "the index is not closed in order and will be rebuilt"
            );
        }
    }

    fn give_up(&self, fault: &CommitFault) {
        tracing::error!(error = fault as &dyn std::error::Error, "cannot commit");
        let (rejection, for_good) = refusal(fault);
        self.intake.not_committed(rejection, for_good);
    }

    fn commit(&mut self, batch: Batch) -> Result<(), CommitFault> {
        let before = self.publication.current();
        if batch.leaves.is_empty() {
            // Everything that these answers rest on is durable: batches come one after the other.
            let (tree, _) = BatchTree::append(&self.frontier, &[]);
            self.answer(batch, tree, Arc::clone(&before.checkpoint));
            return Ok(());
        }
        let origin = before.charter.origin.clone();
        let next = match self.next_signer(&batch) {
            Ok(next) => next,
            Err(fault) => {
                batch.fail(&refusal(&fault).0);
                return Err(fault);
            }
        };
        let signers = [Some(&self.signer), next.as_ref()];
        let signers: Vec<&dyn Signer> = signers.into_iter().flatten().map(Arc::as_ref).collect();
        let sealed = seal(&batch, &self.frontier, origin, &signers);
        if let Err(fault) = self.write(&batch, &sealed) {
            batch.fail(&refusal(&fault).0);
            return Err(fault);
        }
        // COMMIT POINT: the batch is synced. From here on it is part of the log whatever happens.
        // Leaves entries that nobody was told of; resending finds them.
        crash::at(Point::Committed);
        self.signer = next.unwrap_or_else(|| Arc::clone(&self.signer));
        let Sealed {
            tree, root, note, ..
        } = sealed;
        let (size, recorded_at) = (tree.after.size(), batch.recorded_at());
        self.index.publish(&batch.changes, size, root)?;
        crash::at(Point::Indexed); // Leaves an index that may be ahead of what readers have seen.
        let view = self.index.view();
        let changed = batch.changes.get(&key::<CharterRow>(&())).is_some();
        let charter = match changed {
            true => charter(&view)?,
            false => before.charter.clone(),
        };
        self.publication.publish(Published {
            size,
            root,
            checkpoint: Arc::clone(&note),
            recorded_at: recorded_at.unwrap_or(before.recorded_at),
            view,
            charter,
        });
        locked(&self.log).published(size, &root);
        self.frontier = tree.after.clone();
        crash::at(Point::Published); // Leaves entries that readers saw and nobody was told of.
        self.answer(batch, tree, note);
        Ok(())
    }

    /// Returns the key that signs after a batch, if the batch changes it.
    fn next_signer(&self, batch: &Batch) -> Result<Option<Arc<dyn Signer>>, CommitFault> {
        let key = key::<CharterRow>(&());
        let Some(Some(changed)) = batch.changes.get(&key) else {
            return Ok(None);
        };
        let log_key = decode::<CharterRow>(&key, changed)?.log_key;
        if log_key == self.signer.public_key() {
            return Ok(None);
        }
        let signer = self.signers.signer(&log_key);
        signer.map(Some).ok_or(CommitFault::LogKey)
    }

    fn answer(&self, batch: Batch, tree: BatchTree, checkpoint: Arc<str>) {
        let recorded = Recorded {
            batch,
            tree,
            checkpoint,
        };
        // The other end is gone only after a panic there, which has stopped writing; whoever
        // waits finds that it is not answered and asks why.
        let _ = self.recorded.send(recorded);
    }

    /// Makes durable what the batch needs, then the batch.
    fn write(&mut self, batch: &Batch, sealed: &Sealed) -> Result<(), CommitFault> {
        for (hash, bytes) in &batch.produced {
            self.attachments.store(hash, bytes)?;
        }
        crash::at(Point::Produced); // Leaves attachments that no entry names: harmless.
        // Meanwhile the next batch and the queue fill, and then submitters wait.
        while !self.index.wait_for_room(ROOM_WAIT)? {}
        crash::at(Point::BeforeAppend); // Leaves nothing: nobody was answered.
        Ok(locked(&self.log).append(&sealed.of(batch))?)
    }
}

/// Returns the charter in force; its absence is a fault.
pub(super) fn charter(view: &dyn View) -> Result<CharterRow, ViewFault> {
    let charter = State::new(view).get::<CharterRow>(&())?;
    charter.ok_or_else(|| ViewFault::new("the ledger has no charter"))
}

/// Returns what submitters are told, and whether nothing more may be written.
fn refusal(fault: &CommitFault) -> (Rejection, bool) {
    if let CommitFault::Log(LogFault::NoSpace { .. }) = fault {
        let message = "the disk has no room for more entries";
        return (Rejection::new(Reason::NoSpace, message), false);
    }
    let message = "a write failed, so that it is not known whether the command is recorded; \
                   once the server is restarted, send it again and its first receipt comes back";
    (Rejection::new(Reason::StoreFault, message), true)
}
