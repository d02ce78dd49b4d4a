//! The single writer: it puts submissions in one order, decides them, makes them durable, and
//! only then answers and shows them to readers.

mod batch;
mod clock;
mod decider;
mod door;
mod founding;
mod published;
mod receipt;
mod start;
mod stream;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

pub use batch::BATCH_ENTRIES_MAX;
pub use clock::{CLOCK_DRIFT_MAX_MS, Clock, ManualClock, SystemClock};
pub use founding::{FoundError, found};
pub use published::{Published, READ_WAIT_MAX};
pub use receipt::{Receipt, SignedBytes};
pub use start::{EngineOptions, StartError};
pub use stream::{STREAM_UNANSWERED_MAX, StreamAnswer, StreamInput, StreamOutput};
pub use writer::ReplayFault;

use crate::domain::{Reason, Rejection, Verifier};
use crate::keys::VerifyingKeys;
use crate::store::log::LogReader;
use batch::Answer;
use published::Publication;
use writer::Writer;

/// A submission on its way: answered at once, or waiting.
enum Waiting {
    /// Refused by a check that needs no state.
    Refused(Rejection),
    /// Waits for its decision to be durable.
    Queued(oneshot::Receiver<Answer>),
}

struct Inner {
    publication: Arc<Publication>,
    log: Arc<dyn LogReader>,
    clock: Arc<dyn Clock>,
    verifier: Arc<VerifyingKeys>,
    writer: Mutex<Option<Writer>>,
}

/// The ledger while it runs. Clones are the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

impl Engine {
    /// Starts on what is durable.
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

    /// Records one command; returns when it is durable.
    ///
    /// # Errors
    /// The first check that it fails, in the order of [`Reason`]; it also waits until all that it
    /// was decided upon is durable.
    pub async fn submit(&self, signed: SignedBytes) -> Result<Receipt, Rejection> {
        let waiting = self.enqueue(&signed).await;
        self.answer(waiting).await
    }

    /// Opens a stream of submissions that are decided in its order.
    pub fn stream(&self) -> (StreamInput, StreamOutput) {
        stream::open(self)
    }

    /// Returns the readers' side of the log.
    pub fn log(&self) -> &Arc<dyn LogReader> {
        &self.0.log
    }

    /// Returns the clock that entries get their time from.
    pub fn clock(&self) -> &dyn Clock {
        self.0.clock.as_ref()
    }

    /// Takes no more submissions and waits until all that were taken are answered, at most until
    /// `deadline` has passed. Says whether all were.
    pub async fn shutdown(&self, _deadline: Duration) -> bool {
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        *writer = None;
        true
    }

    async fn enqueue(&self, signed: &SignedBytes) -> Waiting {
        let inspected = match door::inspect(signed) {
            Ok(inspected) => inspected,
            Err(rejection) => return Waiting::Refused(rejection),
        };
        let valid = inspected.verify(self.0.verifier.as_ref() as &dyn Verifier);
        let (reply, waiting) = oneshot::channel();
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(writer) = writer.as_mut() else {
            let message = "the server takes no more commands";
            return Waiting::Refused(Rejection::new(Reason::ShuttingDown, message));
        };
        writer.submit(inspected, valid, reply);
        Waiting::Queued(waiting)
    }

    async fn answer(&self, waiting: Waiting) -> Result<Receipt, Rejection> {
        let answer = match waiting {
            Waiting::Refused(rejection) => return Err(rejection),
            Waiting::Queued(waiting) => waiting.await,
        };
        match answer {
            Ok(Answer::Recorded(receipt)) => Ok(receipt),
            Ok(Answer::Refused(rejection)) => Err(rejection),
            Ok(Answer::Repeated(index)) => writer::first_receipt(self, index),
            Err(_) => Err(Rejection::new(
                Reason::ShuttingDown,
                "the server stopped before it answered",
            )),
        }
    }
}
