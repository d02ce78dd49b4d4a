//! The worker: it looks for open requests whenever something has changed, and takes one step with
//! each that can go on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::runtime::Handle;

use super::board::{Board, Progress, Stage};
use super::{JobOptions, ServiceKeys, plan};
use crate::domain::ContentHash;
use crate::engine::Engine;
use crate::ledger::{Locator, OpenRequestRow, State, ValuationRequestRow, View, ViewFault};
use crate::store::blobs::Blobs;
use crate::store::log::Disk;

/// How long after a fault that may pass a step is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Why a request does not go on now.
#[derive(Debug)]
pub(super) enum Halt {
    /// These bytes are not stored.
    Blobs(Stage, Vec<ContentHash>, String),
    /// The service's party has no key here.
    Key(String),
    /// Something failed that may pass.
    Later(String),
    /// It will never be answered.
    Failed(String),
}

impl From<ViewFault> for Halt {
    fn from(fault: ViewFault) -> Self {
        Self::Later(chain(&fault))
    }
}

/// Says what went wrong, with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// The thread's own.
pub(super) struct Worker {
    pub(super) engine: Engine,
    pub(super) blobs: Blobs,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) keys: Arc<dyn ServiceKeys>,
    pub(super) runtime: Handle,
    pub(super) board: Arc<Board>,
    stop: Arc<AtomicBool>,
    /// Why requests do not go on, by the request.
    halted: BTreeMap<Locator, Halt>,
}

impl Worker {
    pub fn new(
        options: JobOptions,
        runtime: Handle,
        board: Arc<Board>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self {
            engine: options.engine,
            blobs: options.blobs,
            disk: options.disk,
            keys: options.keys,
            runtime,
            board,
            stop,
            halted: BTreeMap::new(),
        }
    }

    /// Works until told to stop.
    pub fn run(mut self, woken: &Receiver<()>) {
        while !self.stopped() {
            let later = match self.look() {
                Ok(()) => self
                    .halted
                    .values()
                    .any(|halt| matches!(halt, Halt::Later(_))),
                Err(fault) => {
                    let error = &fault as &dyn std::error::Error;
                    tracing::error!(error, "open valuations cannot be read");
                    true
                }
            };
            let wake = if later {
                woken.recv_timeout(RETRY_AFTER)
            } else {
                woken.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            if wake == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Takes a step with each open request that can go on, the oldest first.
    fn look(&mut self) -> Result<(), ViewFault> {
        let view = self.engine.published().view.clone();
        let open = open_requests(&view)?;
        let places: BTreeSet<Locator> = open.iter().map(|(at, _)| *at).collect();
        let answered: Vec<Locator> = self.halted.keys().copied().collect();
        for at in answered.into_iter().filter(|at| !places.contains(at)) {
            self.halted.remove(&at);
        }
        self.board.keep(&places);
        plan::forget_others(self.disk.as_ref(), open.iter().map(|(_, row)| row.id));
        for (at, request) in open {
            if self.stopped() {
                return Ok(());
            }
            if self
                .halted
                .get(&at)
                .is_some_and(|halt| self.still_holds(halt))
            {
                continue;
            }
            self.halted.remove(&at);
            if let Err(halt) = self.step(at, &request) {
                self.halt(at, &request, halt);
            }
        }
        Ok(())
    }

    /// Says whether what a request was halted for is as it was.
    fn still_holds(&self, halt: &Halt) -> bool {
        match halt {
            Halt::Blobs(_, hashes, _) => hashes.iter().any(|hash| self.blobs.size(hash).is_none()),
            Halt::Key(_) | Halt::Later(_) => false,
            Halt::Failed(_) => true,
        }
    }

    fn halt(&mut self, at: Locator, request: &ValuationRequestRow, halt: Halt) {
        let (id, index) = (request.id, at.index);
        let (stage, note) = match &halt {
            Halt::Blobs(stage, _, note) => (*stage, note),
            Halt::Key(note) => (Stage::WaitsForKey, note),
            Halt::Later(note) => (Stage::Queued, note),
            Halt::Failed(note) => (Stage::Failed, note),
        };
        tracing::info!(%id, index, ?stage, note, "the valuation does not go on now");
        self.board.tell(at, Progress::at(stage, note.clone()));
        self.halted.insert(at, halt);
    }
}

fn open_requests(view: &dyn View) -> Result<Vec<(Locator, ValuationRequestRow)>, ViewFault> {
    let state = State::new(view);
    let mut open = Vec::new();
    state.each::<OpenRequestRow>(|key, _| {
        let row = match Locator::from_key(key) {
            Some(at) => state.get::<ValuationRequestRow>(&at)?.map(|row| (at, row)),
            None => None,
        };
        open.push(row.ok_or_else(|| ViewFault::new("an open request has no row"))?);
        Ok(())
    })?;
    Ok(open)
}
