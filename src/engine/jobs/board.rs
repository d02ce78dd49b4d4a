//! How far each open request is, for whoever watches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::ledger::Locator;

/// What happens with a request now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// Others come first.
    #[default]
    Queued,
    /// The reveal that the request's commitment names is not stored yet.
    WaitsForReveal,
    /// Rows that are in use, or the validation set, are not stored.
    WaitsForRows,
    /// No key of an admitted party with the role `service` is here.
    WaitsForKey,
    /// Rows are read.
    Reading,
    /// Values are computed.
    Valuing,
    /// The table is stored and recorded.
    Recording,
    /// It cannot be answered; another request has to be made.
    Failed,
}

/// How far the work on a request is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// What happens now.
    pub stage: Stage,
    /// How much of it is done, of `total`.
    pub done: u64,
    /// How much there is to do; 0 where that is not known.
    pub total: u64,
    /// What it waits for, or why it failed, for people; empty where there is nothing to say.
    pub note: String,
}

impl Progress {
    /// Returns the beginning of a stage.
    pub(super) fn at(stage: Stage, note: impl Into<String>) -> Self {
        Self {
            stage,
            note: note.into(),
            ..Self::default()
        }
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Board(Mutex<BTreeMap<Locator, watch::Sender<Progress>>>);

impl Board {
    pub fn watch(&self, request: Locator) -> watch::Receiver<Progress> {
        self.lock().entry(request).or_default().subscribe()
    }

    /// Says how far a request is.
    pub fn tell(&self, request: Locator, progress: Progress) {
        let mut board = self.lock();
        let sender = board.entry(request).or_default();
        sender.send_if_modified(|told| {
            let changed = *told != progress;
            *told = progress;
            changed
        });
    }

    /// Adds to what is done of the present stage.
    pub fn advance(&self, request: Locator, more: u64) {
        if let Some(sender) = self.lock().get(&request) {
            sender.send_modify(|told| told.done = told.done.saturating_add(more));
        }
    }

    /// Forgets all requests but these; whoever watches another one finds its channel closed.
    pub fn keep(&self, open: &BTreeSet<Locator>) {
        self.lock().retain(|request, _| open.contains(request));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Locator, watch::Sender<Progress>>> {
        // Nothing that is done under the lock can fail halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
