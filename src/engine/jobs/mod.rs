//! Valuations that the service was asked for: one thread that finds open requests in the rows,
//! computes their tables and records what they came to, signed by the service's own party.
//!
//! What a valuation is computed from is fixed by its request and, where the log cannot say which
//! bytes were stored by then, by a plan that is durable before anything is read ([`plan`]). So a
//! server that is killed in the middle starts again and comes to the same bytes. A request is open
//! until a `FinishValuation` is in the log; nothing else remembers that there is work to do.

mod board;
mod finish;
mod plan;
mod reading;
mod run;
mod step;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::watch;

pub use board::{Progress, Stage};

use super::{Engine, GivenSigners};
use crate::domain::Signer;
use crate::ledger::Locator;
use crate::store::blobs::Blobs;
use crate::store::log::Disk;
use board::Board;
use run::Worker;

/// Where the secret keys of the service's own party are.
pub trait ServiceKeys: Send + Sync {
    /// Returns all keys that are there; which of them may sign is for the rows to say.
    fn all(&self) -> Vec<Arc<dyn Signer>>;
}

impl ServiceKeys for GivenSigners {
    fn all(&self) -> Vec<Arc<dyn Signer>> {
        self.0.clone()
    }
}

/// What valuations are worked on with.
pub struct JobOptions {
    /// The engine whose requests are answered.
    pub engine: Engine,
    /// The blobs that inputs are read from.
    pub blobs: Blobs,
    /// The data folder, in which plans are kept.
    pub disk: Arc<dyn Disk>,
    /// The keys of the service's party.
    pub keys: Arc<dyn ServiceKeys>,
}

/// The work on valuations while it goes on; it ends when the last handle is dropped.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

struct Inner {
    board: Arc<Board>,
    stop: Arc<AtomicBool>,
    wakes: SyncSender<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        wake(&self.wakes);
    }
}

impl Jobs {
    /// Begins to work, on a thread of its own. Must be called on a runtime.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(options: JobOptions) -> Result<Self, std::io::Error> {
        let (wakes, woken): (SyncSender<()>, Receiver<()>) = sync_channel(1);
        let (board, stop) = (Arc::new(Board::default()), Arc::new(AtomicBool::new(false)));
        let sizes = options.engine.sizes();
        let uploads = options.blobs.uploads();
        drop(tokio::spawn(tell_changes(sizes, wakes.clone())));
        drop(tokio::spawn(tell_changes(uploads, wakes.clone())));
        let worker = Worker::new(
            options,
            Handle::current(),
            Arc::clone(&board),
            Arc::clone(&stop),
        );
        let body = move || worker.run(&woken);
        drop(
            thread::Builder::new()
                .name("value".to_owned())
                .spawn(body)?,
        );
        Ok(Self(Arc::new(Inner { board, stop, wakes })))
    }

    /// Returns how far the work on an open request is, and what becomes of it.
    pub fn progress(&self, request: Locator) -> watch::Receiver<Progress> {
        self.0.board.watch(request)
    }

    /// Takes up no more work; what is under way is begun again at the next start.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::Relaxed);
        wake(&self.0.wakes);
    }
}

/// Wakes the worker; where it has been woken and has not looked yet, once is enough.
fn wake(wakes: &SyncSender<()>) {
    let _ = wakes.try_send(());
}

/// Wakes the worker whenever a number changes, until its source or the worker is gone.
async fn tell_changes(mut numbers: watch::Receiver<u64>, wakes: SyncSender<()>) {
    use std::sync::mpsc::TrySendError;
    while numbers.changed().await.is_ok() {
        if let Err(TrySendError::Disconnected(())) = wakes.try_send(()) {
            return;
        }
    }
}
