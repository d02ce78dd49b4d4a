//! The index: the ledger's state as ordered rows, shown at every size that was published.
//!
//! What is published lies in an overlay in memory at once (`generation`). A thread (`writer`)
//! moves it into a tree of sled, off the path on which anybody is answered. Rows do not lie in
//! sled one by one, which costs it tens of microseconds, a kilobyte of memory and a lock on all
//! readers each: they are packed into blocks of ascending keys (`block`), blocks make runs (`run`),
//! and runs are merged so that there are few (`merge`). Blocks and runs never change. One row, the
//! manifest, says which runs make the state and up to which entry it was applied, so that a state
//! is there as a whole or not at all.
//!
//! A view (`view`) holds the overlay and the runs of its size, and so sees one state as long as it
//! is held, whatever is published, stored or merged meanwhile; blocks that no state needs are
//! removed once no view holds them.
//!
//! Everything here can be rebuilt from the log. An index that fails, does not read, or was open
//! when the machine went down is set aside, and the log is applied anew.

mod backing;
mod block;
mod cursor;
mod fault;
mod folder;
mod generation;
mod manifest;
mod merge;
mod run;
mod shared;
mod view;
mod writer;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::domain::TreeHash;
use crate::ledger::Changes;
use crate::merkle;

use backing::{Backing, MemoryBacking, SledBacking};
pub use fault::IndexError;
use folder::Folder;
use manifest::Contents;
use shared::Shared;
pub use view::IndexView;
use writer::Writer;

/// The most entries that may wait to be stored.
pub const BACKLOG_ENTRIES_MAX: u64 = 64 * 1024;
/// The most bytes of rows that may wait to be stored.
pub const BACKLOG_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How an index stores what is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexOptions {
    /// The bytes of its tree that sled keeps in memory.
    pub cache_bytes: u64,
    /// So many entries are stored as soon as they are published.
    pub store_entries: u64,
    /// Fewer entries wait so long for more.
    pub store_after: Duration,
}

impl Default for IndexOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 64 * 1024 * 1024,
            store_entries: 16 * 1024,
            store_after: Duration::from_secs(1),
        }
    }
}

/// Up to which entry an index holds the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The number of entries whose changes it holds; 0 for a fresh index.
    pub size: u64,
    /// The root of the log at that size.
    pub root: TreeHash,
}

impl Applied {
    /// Returns the state before the first entry.
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
    /// Says whether no more should be published before something has been stored.
    pub fn is_full(&self) -> bool {
        self.entries >= BACKLOG_ENTRIES_MAX || self.bytes >= BACKLOG_BYTES_MAX
    }
}

/// The index; handles are cheap to clone and show the same rows.
///
/// When the last handle goes without [`Index::close`], what is not stored yet is applied from the
/// log at the next start.
#[derive(Debug, Clone)]
pub struct Index {
    handle: Arc<Handle>,
}

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    set_aside: Option<String>,
}

impl Index {
    /// Begins an empty index that is kept in memory only.
    pub fn memory() -> Self {
        let backing = Arc::new(MemoryBacking::default());
        Self::begin(backing, Contents::default(), None, IndexOptions::default())
    }

    /// Opens the index in `folder`, or makes it; says up to which entry it holds the state.
    ///
    /// An index that cannot be believed is set aside and a fresh one made: it holds nothing, and
    /// [`Index::set_aside_because`] says why.
    ///
    /// # Errors
    /// Fails when another process has it open, or files cannot be made or written there.
    pub fn open(folder: &Path, options: IndexOptions) -> Result<(Self, Applied), IndexError> {
        let folder = Folder::new(folder)?;
        let mut reason = folder.doubt()?;
        if reason.is_none() {
            folder.mark_open()?;
            match open_tree(&folder, options) {
                Ok((backing, contents)) => {
                    let applied = contents.applied;
                    let index = Self::begin(backing, contents, Some(folder), options);
                    return Ok((index, applied));
                }
                Err(error @ IndexError::Locked { .. }) => return Err(error),
                Err(error) => reason = Some(fault::with_causes(&error)),
            }
        }
        tracing::warn!(reason, "the index is set aside and will be rebuilt");
        folder.set_aside()?;
        folder.mark_open()?;
        let (backing, contents) = open_tree(&folder, options)?;
        let applied = contents.applied;
        let mut handle = Handle::begin(backing, contents, Some(folder), options);
        handle.set_aside = reason;
        let handle = Arc::new(handle);
        Ok((Self { handle }, applied))
    }

    /// Moves the index in `folder` away, so that it is rebuilt when it is next opened.
    ///
    /// # Errors
    /// Fails when its files cannot be moved.
    pub fn set_aside(folder: &Path) -> Result<(), IndexError> {
        Folder::new(folder)?.set_aside()
    }

    fn begin(
        backing: Arc<dyn Backing>,
        contents: Contents,
        folder: Option<Folder>,
        options: IndexOptions,
    ) -> Self {
        let handle = Arc::new(Handle::begin(backing, contents, folder, options));
        Self { handle }
    }

    /// Returns why an index that was here was set aside when this one was opened.
    pub fn set_aside_because(&self) -> Option<&str> {
        self.handle.set_aside.as_deref()
    }

    /// Shows what the entries up to `size` changed to every view that is taken from now on.
    ///
    /// Views that are held do not change. Publishing never waits; see [`Index::wait_for_room`].
    ///
    /// # Errors
    /// [`IndexError::OutOfOrder`] unless `size` is above the size shown so far; otherwise the
    /// index has failed or been closed, and shows nothing new any more.
    pub fn publish(&self, changes: &Changes, size: u64, root: TreeHash) -> Result<(), IndexError> {
        self.handle.shared.publish(changes, Applied { size, root })
    }

    /// Returns the rows as of the last published size; they stay so while the view is held.
    pub fn view(&self) -> IndexView {
        IndexView::of(&self.handle.shared)
    }

    /// Returns what has been published and is not stored yet.
    pub fn backlog(&self) -> Backlog {
        self.handle.shared.backlog()
    }

    /// Returns up to which entry the state is stored.
    pub fn stored(&self) -> Applied {
        self.handle.shared.stored()
    }

    /// Waits until the backlog is not full, but not longer than `at_most`; says whether it is not.
    ///
    /// # Errors
    /// The index has failed or been closed.
    pub fn wait_for_room(&self, at_most: Duration) -> Result<bool, IndexError> {
        let deadline = Instant::now().checked_add(at_most);
        self.handle.shared.wait_for_room(deadline)
    }

    /// Stores everything that has been published by now, and waits for it.
    ///
    /// # Errors
    /// The index has failed or been closed.
    pub fn flush(&self) -> Result<(), IndexError> {
        self.handle.shared.flush()
    }

    /// Stores everything that has been published, syncs it, and marks the index as closed.
    ///
    /// After that views fail and nothing can be published.
    ///
    /// # Errors
    /// Fails where storing does; the next start rebuilds what is not stored.
    pub fn close(&self) -> Result<(), IndexError> {
        let flushed = self.flush();
        self.handle.stop();
        flushed.and_then(|()| self.handle.shared.close())
    }
}

impl Handle {
    fn begin(
        backing: Arc<dyn Backing>,
        contents: Contents,
        folder: Option<Folder>,
        options: IndexOptions,
    ) -> Self {
        let shared = Arc::new(Shared::new(backing, &contents, folder));
        let mut writer = Writer::new(Arc::clone(&shared), contents, options);
        let thread = std::thread::Builder::new()
            .name("index-writer".to_owned())
            .spawn(move || writer.run());
        let thread = match thread {
            Ok(thread) => Some(thread),
            Err(error) => {
                shared.fail(&format!("its thread could not be started: {error}"));
                None
            }
        };
        Self {
            shared,
            thread: Mutex::new(thread),
            set_aside: None,
        }
    }

    /// Ends the thread and waits for it.
    fn stop(&self) {
        self.shared.stop();
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            self.shared.fail("its thread panicked");
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop();
    }
}

fn open_tree(
    folder: &Folder,
    options: IndexOptions,
) -> Result<(Arc<dyn Backing>, Contents), IndexError> {
    let backing = match SledBacking::open(&folder.tree(), options.cache_bytes) {
        Ok(backing) => Arc::new(backing),
        Err(error) if error.says_locked() => {
            let folder = folder.tree();
            return Err(IndexError::Locked { folder });
        }
        Err(error) => return Err(IndexError::failed(&error)),
    };
    let contents = Contents::read(backing.as_ref()).map_err(|error| IndexError::failed(&error))?;
    Ok((backing, contents))
}
