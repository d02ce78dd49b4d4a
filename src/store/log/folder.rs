//! A data folder on a real disk, held by one process at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, DiskFile};
use super::real_disk::RealDisk;

/// The file whose lock says that the folder is in use.
const LOCK: &str = "lock";

/// Why a data folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process has it.
    #[error("{folder} is in use by another process; stop that first")]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder, or the lock file in it, cannot be opened.
    #[error("cannot open the data folder {folder}")]
    Open {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A data folder; no other process can open it until this is dropped, or this process ends.
#[derive(Debug)]
pub struct DataFolder {
    disk: RealDisk,
    /// Held for its lock.
    _lock: File,
}

impl DataFolder {
    /// Opens a folder that exists and takes its lock.
    ///
    /// # Errors
    /// It is missing, cannot be opened, or another process holds it.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        let failed = |source| FolderError::Open {
            folder: folder.to_owned(),
            source,
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let lock = options.open(folder.join(LOCK)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                disk: RealDisk::new(folder),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse {
                folder: folder.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Makes the folder where it is missing, durably, and opens it.
    ///
    /// # Errors
    /// It cannot be made or opened, or another process holds it.
    pub fn create(folder: &Path) -> Result<Self, FolderError> {
        let failed = |source| FolderError::Open {
            folder: folder.to_owned(),
            source,
        };
        if !folder.is_dir() {
            fs::create_dir_all(folder).map_err(failed)?;
            // The parents' names must survive as well; the root has no parent.
            let absolute = fs::canonicalize(folder).map_err(failed)?;
            for parent in absolute.ancestors().skip(1) {
                // A parent that may not be opened was not made here.
                if let Ok(parent) = File::open(parent) {
                    parent.sync_all().map_err(failed)?;
                }
            }
        }
        Self::open(folder)
    }

    /// Returns the path of the folder.
    pub fn path(&self) -> &Path {
        self.disk.root()
    }
}

impl Disk for DataFolder {
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(name)
    }

    fn open_or_create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open_or_create(name)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.disk.list(folder)
    }

    fn create_folder(&self, name: &str) -> io::Result<()> {
        self.disk.create_folder(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        self.disk.sync_folder(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/data");
        assert!(matches!(
            DataFolder::open(&path),
            Err(FolderError::Open { .. })
        ));
        let held = DataFolder::create(&path).unwrap();
        for refused in [DataFolder::open(&path), DataFolder::create(&path)] {
            assert!(matches!(refused, Err(FolderError::InUse { .. })));
        }
        drop(held);
        assert_eq!(DataFolder::open(&path).unwrap().path(), path);
    }
}
