//! A folder of the real disk, without a lock: whoever needs one takes it beside.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(unix)]
use std::os::unix::fs::FileExt;

use super::disk::{Disk, DiskFile};

/// What may be done to the files of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Everything.
    Full,
    /// Reading: another process may have the folder, and nothing of it is changed.
    Read,
}

/// A folder of the real disk.
#[derive(Debug, Clone)]
pub struct RealDisk {
    root: PathBuf,
    access: Access,
}

impl RealDisk {
    /// Returns a folder whose files may be read and written.
    pub fn new(root: &Path) -> Self {
        let (root, access) = (root.to_owned(), Access::Full);
        Self { root, access }
    }

    /// Returns a folder that is read and never changed; another process may have it.
    pub fn read_only(root: &Path) -> Self {
        let (root, access) = (root.to_owned(), Access::Read);
        Self { root, access }
    }

    /// Returns the path of the folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn changed(&self, name: &str) -> io::Result<PathBuf> {
        match self.access {
            Access::Full => Ok(self.root.join(name)),
            Access::Read => Err(io::ErrorKind::ReadOnlyFilesystem.into()),
        }
    }
}

fn sync_path(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

impl Disk for RealDisk {
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(self.access == Access::Full);
        Ok(Arc::new(OpenedFile(options.open(self.root.join(name))?)))
    }

    fn open_or_create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        Ok(Arc::new(OpenedFile(options.open(self.changed(name)?)?)))
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
        let path = self.changed(name)?;
        match fs::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        sync_path(path.parent().unwrap_or(&self.root))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.changed(from)?, self.changed(to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.changed(name)?)
    }

    fn sync_folder(&self, name: &str) -> io::Result<()> {
        sync_path(&self.changed(name)?)
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

    fn lock(&self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
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
    fn files_are_read_and_written_by_position() {
        let folder = tempfile::tempdir().unwrap();
        let disk = RealDisk::new(folder.path());
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

    #[test]
    fn a_folder_that_is_only_read_is_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), b"there").unwrap();
        let disk = RealDisk::read_only(folder.path());
        let file = disk.open("a").unwrap();
        let mut bytes = [0; 5];
        assert_eq!(file.read_at(&mut bytes, 0).unwrap(), 5);
        assert_eq!(&bytes, b"there");
        assert!(file.write_at(b"T", 0).is_err());
        let refused = [
            disk.open_or_create("b").map(drop),
            disk.create_folder("c"),
            disk.rename("a", "b"),
            disk.remove("a"),
            disk.sync_folder(""),
        ];
        for refused in refused {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ReadOnlyFilesystem);
        }
        assert_eq!(disk.list("").unwrap(), ["a"]);
    }
}
