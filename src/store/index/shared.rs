//! What handles, views and the writer's thread of one index share.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::sync::{RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use crate::ledger::Changes;

use super::backing::Backing;
use super::fault::IndexError;
use super::folder::Folder;
use super::generation::Generation;
use super::manifest::Contents;
use super::run::RunSet;
use super::{Applied, Backlog};

#[derive(Debug)]
pub(super) struct Shared {
    pub backing: Arc<dyn Backing>,
    folder: Option<Folder>,
    /// Held while a layer is added and while a new generation begins, so that no layer is divided.
    publishing: Mutex<()>,
    state: RwLock<State>,
    signal: Mutex<Signal>,
    /// Told when there may be something to store.
    work: Condvar,
    /// Told when something has been stored, or will not be.
    progress: Condvar,
}

/// What is shown. Each change replaces whole values, so that a panic leaves the old or the new.
#[derive(Debug)]
pub(super) struct State {
    /// What views taken now show.
    pub shown: Applied,
    /// What of it the runs hold.
    pub stored: Applied,
    /// Layers that wait to be stored.
    pub filling: Arc<Generation>,
    /// When the first of them came.
    pub filling_since: Option<Instant>,
    /// Layers that are being stored.
    pub frozen: Option<Arc<Generation>>,
    pub runs: Arc<RunSet>,
    /// Why the index does not go on.
    ended: Option<Ended>,
}

#[derive(Debug, Clone)]
enum Ended {
    Failed(Arc<str>),
    Closed,
}

#[derive(Debug, Default)]
struct Signal {
    flush_wanted: bool,
    stop: bool,
}

/// What the writer should do next about the layers that wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Store them.
    Store,
    /// Nothing yet.
    Nothing,
    /// End.
    Stop,
}

impl Shared {
    pub fn new(backing: Arc<dyn Backing>, contents: &Contents, folder: Option<Folder>) -> Self {
        Self {
            backing,
            folder,
            publishing: Mutex::default(),
            state: RwLock::new(State {
                shown: contents.applied,
                stored: contents.applied,
                filling: Arc::default(),
                filling_since: None,
                frozen: None,
                runs: Arc::clone(&contents.runs),
                ended: None,
            }),
            signal: Mutex::default(),
            work: Condvar::new(),
            progress: Condvar::new(),
        }
    }

    pub fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self) -> MutexGuard<'_, Signal> {
        self.signal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publishing(&self) -> MutexGuard<'_, ()> {
        self.publishing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub fn publish(&self, changes: &Changes, shown: Applied) -> Result<(), IndexError> {
        let _publishing = self.publishing();
        let filling = {
            let state = self.read();
            state.check()?;
            let at = state.shown.size;
            if shown.size <= at {
                let given = shown.size;
                return Err(IndexError::OutOfOrder { at, given });
            }
            Arc::clone(&state.filling)
        };
        filling.add(changes, shown.size);
        {
            let mut state = self.write();
            state.shown = shown;
            state.filling_since.get_or_insert_with(Instant::now);
        }
        // Taking the lock orders this before the writer's next look, or after it has begun to wait.
        drop(self.signal());
        self.work.notify_one();
        Ok(())
    }

    pub fn backlog(&self) -> Backlog {
        self.read().backlog()
    }

    pub fn stored(&self) -> Applied {
        self.read().stored
    }

    pub fn wait_for_room(&self, deadline: Option<Instant>) -> Result<bool, IndexError> {
        let has_room = |state: &State| !state.backlog().is_full();
        self.wait(deadline, has_room)
    }

    pub fn flush(&self) -> Result<(), IndexError> {
        let size = {
            let state = self.read();
            state.check()?;
            state.shown.size
        };
        self.signal().flush_wanted = true;
        self.work.notify_one();
        self.wait(None, |state| state.stored.size >= size).map(drop)
    }

    /// Waits until `done`; says whether it is, or the deadline passed before.
    fn wait(
        &self,
        deadline: Option<Instant>,
        done: impl Fn(&State) -> bool,
    ) -> Result<bool, IndexError> {
        let mut signal = self.signal();
        loop {
            {
                let state = self.read();
                if done(&state) {
                    return Ok(true);
                }
                state.check()?;
            }
            signal = match deadline {
                None => self
                    .progress
                    .wait(signal)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Ok(false);
                    }
                    let waited = self.progress.wait_timeout(signal, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Ends the index: it shows nothing new, and the next start rebuilds it.
    pub fn fail(&self, reason: &str) {
        {
            let mut state = self.write();
            if state.ended.is_some() {
                return;
            }
            state.ended = Some(Ended::Failed(Arc::from(reason)));
        }
        tracing::error!(
            reason,
            "the index failed; it will be rebuilt at the next start"
        );
        if let Some(folder) = &self.folder
            && let Err(error) = folder.mark_failed(reason)
        {
            tracing::error!(%error, "the index could not be marked as failed");
        }
        drop(self.signal());
        self.work.notify_all();
        self.progress.notify_all();
    }

    /// Tells the writer to end.
    pub fn stop(&self) {
        self.signal().stop = true;
        self.work.notify_all();
    }

    /// Closes what the index is kept in; the writer has ended, and all is stored.
    pub fn close(&self) -> Result<(), IndexError> {
        let _publishing = self.publishing();
        self.read().check()?;
        if let Err(error) = self.backing.close() {
            self.fail(&super::fault::with_causes(&error));
            return self.read().check();
        }
        self.write().ended = Some(Ended::Closed);
        self.progress.notify_all();
        match &self.folder {
            Some(folder) => folder.mark_closed(),
            None => Ok(()),
        }
    }

    /// Says what the writer should do; waits up to `at_most` while there is nothing.
    pub fn wanted(&self, store_entries: u64, store_after: Duration, at_most: Duration) -> Wanted {
        let mut signal = self.signal();
        let begun = Instant::now();
        loop {
            if signal.stop {
                return Wanted::Stop;
            }
            let waits = {
                let state = self.read();
                if state.ended.is_some() {
                    return Wanted::Stop;
                }
                let Some(since) = state.filling_since else {
                    signal.flush_wanted = false;
                    drop(state);
                    match self.pause(signal, begun, at_most) {
                        Ok(woken) => signal = woken,
                        Err(()) => return Wanted::Nothing,
                    }
                    continue;
                };
                let backlog = state.backlog();
                if signal.flush_wanted
                    || backlog.entries >= store_entries
                    || backlog.bytes >= super::BACKLOG_BYTES_MAX / 4
                    || since.elapsed() >= store_after
                {
                    signal.flush_wanted = false;
                    return Wanted::Store;
                }
                store_after.saturating_sub(since.elapsed())
            };
            let until_due = begun.elapsed().saturating_add(waits).min(at_most);
            match self.pause(signal, begun, until_due) {
                Ok(woken) => signal = woken,
                Err(()) if until_due < at_most => signal = self.signal(),
                Err(()) => return Wanted::Nothing,
            }
        }
    }

    /// Waits for work until `at_most` after `begun`; an error when that time is over.
    fn pause<'a>(
        &'a self,
        signal: MutexGuard<'a, Signal>,
        begun: Instant,
        at_most: Duration,
    ) -> Result<MutexGuard<'a, Signal>, ()> {
        let left = at_most.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(());
        }
        let waited = self.work.wait_timeout(signal, left);
        Ok(waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Begins a new generation; returns the one to store and the size that it leads to.
    pub fn freeze(&self) -> Option<(Arc<Generation>, Applied)> {
        let _publishing = self.publishing();
        let mut state = self.write();
        state.filling_since.take()?;
        let frozen = std::mem::take(&mut state.filling);
        state.frozen = Some(Arc::clone(&frozen));
        Some((frozen, state.shown))
    }

    /// Shows `runs` instead of those before, which it returns; they hold all up to `stored`.
    pub fn show_runs(&self, runs: Arc<RunSet>, stored: Applied) -> Arc<RunSet> {
        let before = {
            let mut state = self.write();
            if state.stored.size < stored.size {
                state.stored = stored;
                state.frozen = None;
            }
            std::mem::replace(&mut state.runs, runs)
        };
        drop(self.signal());
        self.progress.notify_all();
        before
    }
}

impl State {
    fn check(&self) -> Result<(), IndexError> {
        match &self.ended {
            None => Ok(()),
            Some(Ended::Closed) => Err(IndexError::Closed),
            Some(Ended::Failed(reason)) => Err(IndexError::Failed {
                reason: Arc::clone(reason),
            }),
        }
    }

    fn backlog(&self) -> Backlog {
        let frozen = self.frozen.as_ref().map_or(0, |frozen| frozen.bytes());
        Backlog {
            entries: self.shown.size.saturating_sub(self.stored.size),
            bytes: self.filling.bytes().saturating_add(frozen),
        }
    }
}
