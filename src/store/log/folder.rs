//! A data folder on a real disk, held by one process at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(unix)]
use std::os::unix::fs::FileExt;

use super::disk::{Disk, DiskFile};

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
    root: PathBuf,
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
                root: folder.to_owned(),
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
        &self.root
    }

    fn sync_path(path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

impl Disk for DataFolder {
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).open(self.root.join(name))?;
        Ok(Arc::new(OpenedFile(file)))
    }

    fn open_or_create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(self.root.join(name))?;
        Ok(Arc::new(OpenedFile(file)))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.root.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            // A name that is not text is none of ours.
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort();
        Ok(names)
    }

    fn create_folder(&self, name: &str) -> io::Result<()> {
        let path = self.root.join(name);
        match fs::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        Self::sync_path(path.parent().unwrap_or(&self.root))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.root.join(from), self.root.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.root.join(name))
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        Self::sync_path(&self.root.join(name))
    }
}

/// A file of the system's.
struct OpenedFile(File);

#[cfg(unix)]
impl DiskFile for OpenedFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(super::format::offset_of(done));
            match self.0.read_at(rest, at) {
                Ok(0) => break,
                Ok(count) => done = done.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_size(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
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

    #[test]
    fn files_are_read_and_written_by_position() {
        let folder = tempfile::tempdir().unwrap();
        let disk = DataFolder::open(folder.path()).unwrap();
        assert_eq!(
            disk.open("a").err().unwrap().kind(),
            io::ErrorKind::NotFound
        );
        assert!(disk.list("sub").unwrap().is_empty());
        disk.create_folder("sub").unwrap();
        disk.create_folder("sub").unwrap();
        let file = disk.open_or_create("sub/a").unwrap();
        file.write_at(b"world", 6).unwrap();
        file.write_at(b"hello ", 0).unwrap();
        file.sync().unwrap();
        let mut bytes = [0; 20];
        assert_eq!(file.read_at(&mut bytes, 0).unwrap(), 11);
        assert_eq!(&bytes[..11], b"hello world");
        assert_eq!(file.read_at(&mut bytes, 11).unwrap(), 0);
        file.set_size(3).unwrap();
        assert_eq!(file.size().unwrap(), 3);
        disk.rename("sub/a", "sub/b").unwrap();
        disk.sync_folder("sub").unwrap();
        assert_eq!(disk.list("sub").unwrap(), ["b"]);
        disk.remove("sub/b").unwrap();
        assert!(disk.list("sub").unwrap().is_empty());
    }
}
