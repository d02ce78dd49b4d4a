//! The single writer: it puts submissions in one order, decides them, makes them durable, and
//! only then shows them to readers and answers.
//!
//! ```text
//!  submit ─► door ─► queue ─► signatures ─► decide ─► append, sync ─► publish ─► answer
//!            cheap   bounded,  on a pool     one       COMMIT POINT    readers    receipt or
//!            checks  ordered                 thread    one batch       switch     refusal,
//!                                                                                 one thread
//! ```
//!
//! What must stay true: nobody is answered, and no reader sees anything, before it is durable;
//! answers that rest on a batch fall with it; and what is decided depends on the order, the rows
//! and the recorded time alone, so that the log decides the same again.

mod answers;
mod attachments;
mod batch;
mod clock;
mod commit;
mod crash;
mod decider;
mod door;
mod folder;
mod founding;
mod hot;
mod intake;
mod jobs;
mod log_keys;
mod published;
mod receipt;
mod replay;
mod signers;
mod start;
mod stream;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

pub use attachments::{AttachmentFault, AttachmentStore, Handed, HandedFault, MemoryAttachments};
pub use batch::BATCH_ENTRIES_MAX;
pub use clock::{CLOCK_DRIFT_MAX_MS, Clock, ManualClock, SystemClock};
pub use crash::{CRASH_VARIABLE, Point};
pub use folder::{
    FolderOptions, OpenError, OpenedFolder, Reindexed, founding_of, founding_terms, open_folder,
    reindex,
};
pub use founding::{FoundError, found};
pub use intake::{EngineLimits, QUEUE_UNITS_MAX, QUEUE_WAIT_MAX, QUEUE_WAITING_MAX};
pub use jobs::{JobOptions, Jobs, Progress, ServiceKeys, Stage};
pub use log_keys::{ReadKeys, log_keys};
pub use published::{Published, READ_WAIT_MAX};
pub use receipt::{Receipt, SignedBytes};
pub use replay::ReplayFault;
pub use signers::{GivenSigners, LogSigners};
pub use start::{EngineOptions, StartError};
pub use stream::{STREAM_UNANSWERED_MAX, StreamAnswer, StreamInput, StreamOutput};

use crate::domain::{Reason, Rejection};
use crate::store::log::{LogFault, LogReader, LogStore};
use batch::Answer;
use door::Inspected;
use intake::Intake;
use published::Publication;

/// A submission on its way: answered at once, or waiting.
enum Waiting {
    /// Refused by a check that needs no state, or because nothing is taken in.
    Refused(Rejection),
    /// Waits for what was decided to be durable.
    Queued(oneshot::Receiver<Answer>),
}

struct Inner {
    publication: Arc<Publication>,
    log: Arc<dyn LogReader>,
    /// The log as long as the committer has it.
    cosigned: Weak<Mutex<Box<dyn LogStore>>>,
    attachments: Arc<dyn AttachmentStore>,
    clock: Arc<dyn Clock>,
    intake: Arc<Intake>,
    /// Closed when the committer has ended and the log is closed.
    ended: watch::Receiver<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.intake.close();
    }
}

/// The ledger while it runs. Clones are the same engine; when the last is dropped, what was
/// submitted is still recorded, in the background.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

impl Engine {
    /// Starts on what is durable; blocks while the index catches up with the log.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(options: EngineOptions) -> Result<Self, StartError> {
        start::start(options)
    }

    /// Returns the newest durable state.
    pub fn published(&self) -> Arc<Published> {
        self.0.publication.current()
    }

    /// Returns a durable state of at least `min_log_size` entries, waiting for it up to
    /// [`READ_WAIT_MAX`].
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where the log does not get there.
    pub async fn published_at(&self, min_log_size: u64) -> Result<Arc<Published>, Rejection> {
        self.0.publication.at_least(min_log_size).await
    }

    /// Returns the size of the newest durable state, as it changes.
    pub fn sizes(&self) -> watch::Receiver<u64> {
        self.0.publication.sizes()
    }

    /// Records one command; returns when it is durable.
    ///
    /// # Errors
    /// The first check that it fails, in the order of [`Reason`]; a refusal waits, as a receipt
    /// does, until all that it was decided upon is durable. `QUEUE_FULL` where there is no room
    /// for [`QUEUE_WAIT_MAX`].
    pub async fn submit(&self, signed: SignedBytes) -> Result<Receipt, Rejection> {
        let waiting = match door::inspect(&signed) {
            Err(rejection) => Waiting::Refused(rejection),
            Ok(inspected) => {
                let (reply, waiting) = oneshot::channel();
                match self.0.intake.push(inspected, reply).await {
                    Ok(()) => Waiting::Queued(waiting),
                    Err(rejection) => Waiting::Refused(rejection),
                }
            }
        };
        drop(signed);
        self.answer(waiting).await
    }

    /// Opens a stream of submissions that are decided in its order.
    pub fn stream(&self) -> (StreamInput, StreamOutput) {
        stream::open(self)
    }

    /// Waits until writing has stopped for good, by a fault that only a restart mends, and says
    /// why; reads go on. A shutdown is none, and neither is a full disk.
    pub async fn writing_stopped(&self) -> Rejection {
        self.0.intake.stopped().await
    }

    /// Returns the readers' side of the log.
    pub fn log(&self) -> &Arc<dyn LogReader> {
        &self.0.log
    }

    /// Keeps signature lines of witnesses for the checkpoint of a size; waits for the disk.
    ///
    /// # Errors
    /// The log cannot be written, or is closed.
    pub fn cosign(&self, size: u64, lines: &str) -> Result<(), LogFault> {
        let log = self.0.cosigned.upgrade().ok_or(LogFault::Poisoned)?;
        commit::locked(&log).cosign(size, lines)
    }

    /// Returns where attachments lie.
    pub fn attachments(&self) -> &dyn AttachmentStore {
        self.0.attachments.as_ref()
    }

    /// Returns the clock that entries get their time from.
    pub fn clock(&self) -> &dyn Clock {
        self.0.clock.as_ref()
    }

    /// Takes no more submissions and waits until all that were taken are answered and the log is
    /// closed, at most for `deadline`. Says whether it got there.
    ///
    /// What is not answered by then may or may not be recorded; sending it again tells.
    pub async fn shutdown(&self, deadline: Duration) -> bool {
        self.0.intake.close();
        let mut ended = self.0.ended.clone();
        // The channel carries no values: the only change is that its other end is dropped.
        let closed = async { while ended.changed().await.is_ok() {} };
        tokio::time::timeout(deadline, closed).await.is_ok()
    }

    /// Queues a submission of a stream, which waits for room as long as it takes.
    async fn enqueue(&self, inspected: Box<Inspected>) -> Waiting {
        let (reply, waiting) = oneshot::channel();
        match self.0.intake.push_patiently(inspected, reply).await {
            Ok(()) => Waiting::Queued(waiting),
            Err(rejection) => Waiting::Refused(rejection),
        }
    }

    async fn answer(&self, waiting: Waiting) -> Result<Receipt, Rejection> {
        let answer = match waiting {
            Waiting::Refused(rejection) => return Err(rejection),
            Waiting::Queued(waiting) => waiting.await,
        };
        match answer {
            Ok(Answer::Recorded(receipt)) => Ok(receipt),
            Ok(Answer::Refused(rejection)) => Err(rejection),
            Ok(Answer::Repeated(index)) => self.first_receipt(index).await,
            Err(_) => Err(self.0.intake.refusal()),
        }
    }

    /// Returns the receipt of an entry that is durable, with a proof under the newest checkpoint.
    async fn first_receipt(&self, index: u64) -> Result<Receipt, Rejection> {
        let (log, published) = (Arc::clone(&self.0.log), self.published());
        let read = move || receipt::of_entry(index, &published, log.as_ref());
        let made = tokio::task::spawn_blocking(read).await;
        let fault = match made {
            Ok(Ok(receipt)) => return Ok(receipt),
            Ok(Err(fault)) => fault,
            Err(panicked) => Box::new(panicked),
        };
        tracing::error!(index, %fault, "an entry cannot be read back");
        let message = format!("the command is entry {index}, which cannot be read now");
        Err(Rejection::new(Reason::Internal, message))
    }
}
