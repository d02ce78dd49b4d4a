//! A log in memory that waits and fails when it is told to, and that can be opened again.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::domain::TreeHash;
use crate::merkle::Frontier;
use crate::store::log::{Batch, LogFault, LogReader, LogStore, MemoryLog};

/// How long a test waits for a condition before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// How an append fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing is written.
    Clean,
    /// The batch is written, and the error comes all the same.
    AfterPersisting,
    /// There is no room; nothing is written.
    NoSpace,
}

#[derive(Debug, Default)]
struct State {
    held: bool,
    begun: usize,
    failure: Option<Failure>,
    poisoned: bool,
}

/// Clones are the same log.
#[derive(Clone, Default)]
pub(crate) struct FaultyLog {
    log: Arc<Mutex<MemoryLog>>,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl FaultyLog {
    /// Lets appends wait before they do anything, or lets them go on.
    pub(crate) fn hold(&self, held: bool) {
        self.state.0.lock().unwrap().held = held;
        self.state.1.notify_all();
    }

    /// Makes the next append fail.
    pub(crate) fn fail(&self, failure: Failure) {
        self.state.0.lock().unwrap().failure = Some(failure);
    }

    /// Returns how many appends have begun.
    pub(crate) fn begun(&self) -> usize {
        self.state.0.lock().unwrap().begun
    }

    /// Returns the log as it is opened again after a failure.
    pub(crate) fn reopened(&self) -> Box<Self> {
        Box::new(Self {
            log: Arc::clone(&self.log),
            state: Arc::default(),
        })
    }
}

fn fault() -> LogFault {
    LogFault::Write {
        action: "sync",
        file: "a segment".to_owned(),
        source: std::io::Error::other("the test said so"),
    }
}

impl LogStore for FaultyLog {
    fn size(&self) -> u64 {
        self.log.lock().unwrap().size()
    }

    fn tree(&self) -> Frontier {
        self.log.lock().unwrap().tree()
    }

    fn append(&mut self, batch: &Batch<'_>) -> Result<(), LogFault> {
        let mut state = self.state.0.lock().unwrap();
        state.begun += 1;
        self.state.1.notify_all();
        let held = |state: &mut State| state.held;
        let waited = self.state.1.wait_timeout_while(state, PATIENCE, held);
        let (mut state, timeout) = waited.unwrap();
        assert!(!timeout.timed_out(), "the append was never let go");
        if state.poisoned {
            return Err(LogFault::Poisoned);
        }
        let failure = state.failure.take();
        state.poisoned = matches!(failure, Some(Failure::Clean | Failure::AfterPersisting));
        match failure {
            None => self.log.lock().unwrap().append(batch),
            Some(Failure::Clean) => Err(fault()),
            Some(Failure::AfterPersisting) => {
                self.log.lock().unwrap().append(batch)?;
                Err(fault())
            }
            Some(Failure::NoSpace) => Err(LogFault::NoSpace {
                file: "a segment".to_owned(),
                source: std::io::ErrorKind::StorageFull.into(),
            }),
        }
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        self.log.lock().unwrap().reader()
    }

    fn published(&mut self, _: u64, _: &TreeHash) {}
}
