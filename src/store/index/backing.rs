//! What an index is kept in: an ordered map of bytes, in sled or in memory.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;

/// Why what an index is kept in does not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum BackingError {
    /// sled failed.
    #[error("sled failed")]
    Sled(#[from] sled::Error),
    /// sled panicked.
    #[error("sled panicked: {0}")]
    Panic(String),
    /// A file of it could not be synced or removed.
    #[error("{path} could not be synced")]
    Sync {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It has been closed.
    #[error("the index has been closed")]
    Closed,
    /// A test made it fail.
    #[cfg(test)]
    #[error("made to fail by a test")]
    Injected,
}

impl BackingError {
    /// Says whether another process has it open.
    pub fn says_locked(&self) -> bool {
        // sled has no kind of its own for this.
        let text = "could not acquire lock";
        matches!(self, Self::Sled(sled::Error::Io(error)) if error.to_string().contains(text))
    }
}

/// An ordered map of bytes.
///
/// After a crash of the process it holds what was put in before the last [`Backing::flush`] that
/// returned, and of later changes any first part. After a crash of the machine nothing may be
/// expected of it unless it was closed.
pub(super) trait Backing: Debug + Send + Sync {
    /// Returns the value under `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, BackingError>;

    /// Puts a value under `key`.
    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), BackingError>;

    /// Removes the value under `key`.
    fn remove(&self, key: &[u8]) -> Result<(), BackingError>;

    /// Returns the first key that is `from` or above it.
    fn key_from(&self, from: &[u8]) -> Result<Option<Bytes>, BackingError>;

    /// Waits until all changes so far have left the process.
    fn flush(&self) -> Result<(), BackingError>;

    /// Syncs everything to the disk and closes it; everything after that fails.
    fn close(&self) -> Result<(), BackingError>;
}

/// A map in memory.
#[derive(Debug, Default)]
pub(super) struct MemoryBacking {
    rows: RwLock<BTreeMap<Bytes, Bytes>>,
}

impl Backing for MemoryBacking {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, BackingError> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        Ok(rows.get(key).cloned())
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), BackingError> {
        let (key, value) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        rows.insert(key, value);
        Ok(())
    }

    fn remove(&self, key: &[u8]) -> Result<(), BackingError> {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        rows.remove(key);
        Ok(())
    }

    fn key_from(&self, from: &[u8]) -> Result<Option<Bytes>, BackingError> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        let from = Bytes::copy_from_slice(from);
        Ok(rows.range(from..).next().map(|(key, _)| key.clone()))
    }

    fn flush(&self) -> Result<(), BackingError> {
        Ok(())
    }

    fn close(&self) -> Result<(), BackingError> {
        Ok(())
    }
}

/// A sled tree; panics of sled come back as errors.
#[derive(Debug)]
pub(super) struct SledBacking {
    folder: PathBuf,
    db: RwLock<Option<sled::Db>>,
}

impl SledBacking {
    /// Opens the tree in `folder`, or makes it.
    pub fn open(folder: &Path, cache_bytes: u64) -> Result<Self, BackingError> {
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity(cache_bytes)
            .flush_every_ms(Some(COLLECT_EVERY_MS));
        Ok(Self {
            folder: folder.to_owned(),
            db: RwLock::new(Some(guarded(|| config.open())?)),
        })
    }

    fn with<T>(&self, act: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, BackingError> {
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        let db = db.as_ref().ok_or(BackingError::Closed)?;
        guarded(|| act(db))
    }
}

/// How often sled looks for segments of its file that can be written anew, in milliseconds.
const COLLECT_EVERY_MS: u64 = 200;

impl Backing for SledBacking {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, BackingError> {
        let value = self.with(|db| db.get(key))?;
        Ok(value.map(Bytes::from_owner))
    }

    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), BackingError> {
        self.with(|db| db.insert(key, value)).map(drop)
    }

    fn remove(&self, key: &[u8]) -> Result<(), BackingError> {
        self.with(|db| db.remove(key)).map(drop)
    }

    fn key_from(&self, from: &[u8]) -> Result<Option<Bytes>, BackingError> {
        let found = self.with(|db| db.range(from..).keys().next().transpose())?;
        Ok(found.map(Bytes::from_owner))
    }

    fn flush(&self) -> Result<(), BackingError> {
        self.with(|db| db.flush()).map(drop)
    }

    fn close(&self) -> Result<(), BackingError> {
        self.flush()?;
        let db = {
            let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
            db.take()
        };
        guarded(|| {
            drop(db);
            Ok(())
        })?;
        // sled's own sync does not empty the cache of a drive.
        sync_all(&self.folder)
    }
}

fn guarded<T>(act: impl FnOnce() -> sled::Result<T>) -> Result<T, BackingError> {
    // sled is not asked again after a panic: the index is set aside.
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(result) => Ok(result?),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            Err(BackingError::Panic(text.unwrap_or("no message").to_owned()))
        }
    }
}

/// Syncs every file below `folder`, and the folders.
fn sync_all(folder: &Path) -> Result<(), BackingError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| BackingError::Sync { path, source }
    };
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if path.is_dir() {
            sync_all(&path)?;
        } else {
            let file = File::open(&path).map_err(failed(&path))?;
            file.sync_all().map_err(failed(&path))?;
        }
    }
    let this = File::open(folder).map_err(failed(folder))?;
    this.sync_all().map_err(failed(folder))
}
