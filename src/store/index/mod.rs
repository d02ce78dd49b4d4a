//! The index: the ledger's state as ordered rows, shown at every size that was published.
//!
//! What is published lies in an overlay in memory at once. Everything here can be rebuilt from
//! the log, so nothing here is waited for before anybody is answered.

mod generation;
mod view;

#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::domain::TreeHash;
use crate::ledger::Changes;
use crate::merkle;

use generation::Generation;
pub use view::IndexView;

/// The most entries that may wait to be stored.
pub const BACKLOG_ENTRIES_MAX: u64 = 64 * 1024;
/// The most bytes of rows that may wait to be stored.
pub const BACKLOG_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Up to which entry an index holds the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The number of entries whose changes it holds; 0 for a fresh index.
    pub size: u64,
    /// The root of the log at that size.
    pub root: TreeHash,
}

impl Applied {
    /// Before the first entry.
    pub fn nothing() -> Self {
        Self {
            size: 0,
            root: merkle::empty_root(),
        }
    }
}

/// What has been published and is not stored yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Entries.
    pub entries: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

impl Backlog {
    /// Says whether no more may be published before something has been stored.
    pub fn is_full(&self) -> bool {
        self.entries >= BACKLOG_ENTRIES_MAX || self.bytes >= BACKLOG_BYTES_MAX
    }
}

/// Why the index does not go on. The log is not touched by it: the index can be rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Layers were published out of their order.
    #[error("the index stands at size {at} and cannot publish size {given}; sizes only grow")]
    OutOfOrder {
        /// The size that it shows.
        at: u64,
        /// The size of the layer.
        given: u64,
    },
}

/// The index; handles are cheap to clone and show the same rows.
#[derive(Debug, Clone)]
pub struct Index {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    shown: Applied,
    filling: Arc<Generation>,
}

impl Index {
    /// Begins an empty index that is kept in memory only.
    pub fn memory() -> Self {
        Self {
            shared: Arc::new(Shared {
                state: RwLock::new(State {
                    shown: Applied::nothing(),
                    filling: Arc::new(Generation::default()),
                }),
            }),
        }
    }

    /// Shows what the entries up to `size` changed to every view that is taken from now on.
    ///
    /// Views that are held do not change. Only one thread at a time may publish.
    ///
    /// # Errors
    /// [`IndexError::OutOfOrder`] unless `size` is above the size shown so far.
    pub fn publish(&self, changes: Changes, size: u64, root: TreeHash) -> Result<(), IndexError> {
        let (at, filling) = {
            let state = self.shared.read();
            (state.shown.size, Arc::clone(&state.filling))
        };
        if size <= at {
            return Err(IndexError::OutOfOrder { at, given: size });
        }
        filling.add(changes, size);
        self.shared.write().shown = Applied { size, root };
        Ok(())
    }

    /// Returns the rows as of the last published size; they stay so while the view is held.
    pub fn view(&self) -> IndexView {
        let state = self.shared.read();
        IndexView::new(state.shown, Arc::clone(&state.filling))
    }

    /// Returns what has been published and is not stored yet.
    pub fn backlog(&self) -> Backlog {
        Backlog::default()
    }
}

impl Shared {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        // Whoever holds the lock replaces whole values; a panic leaves the old or the new one.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}
