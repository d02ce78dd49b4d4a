//! What the log asks of a disk, so that tests can put one in its place that fails.

use std::io;
use std::sync::Arc;

/// A folder on a disk; names are relative to it, with `/` between their parts.
///
/// What is said here about durability is what POSIX promises and no more: a write is durable
/// after a sync of its file that succeeded, a name after a sync of its folder. After a sync that
/// failed nothing is known about the writes before it, also if they can still be read and if a
/// later sync succeeds.
pub trait Disk: Send + Sync {
    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::NotFound`] where there is none.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file for reading and writing, and makes an empty one where there is none.
    ///
    /// # Errors
    /// The system's.
    fn open_or_create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Returns the names of the files in a folder, without the folder's; none if it is missing.
    ///
    /// # Errors
    /// The system's.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// Makes a folder durably, where it is missing; its parent exists.
    ///
    /// # Errors
    /// The system's.
    fn create_folder(&self, name: &str) -> io::Result<()>;

    /// Gives a file another name in the same folder, over what had that name.
    ///
    /// # Errors
    /// The system's.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The system's.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// The system's.
    fn sync_folder(&self, name: &str) -> io::Result<()>;
}

/// An open file; all methods may be called from several threads at once.
pub trait DiskFile: Send + Sync {
    /// Reads at most so many bytes from an offset; fewer only at the end of the file.
    ///
    /// # Errors
    /// The system's.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of the bytes at an offset.
    ///
    /// # Errors
    /// The system's; some of the bytes may have been written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes the bytes of the file durable, and its size (`fdatasync`).
    ///
    /// # Errors
    /// The system's.
    fn sync(&self) -> io::Result<()>;

    /// Takes the file for this process alone, for as long as it is open; says whether nobody else
    /// has it.
    ///
    /// # Errors
    /// The system's.
    fn lock(&self) -> io::Result<bool>;

    /// Returns the size in bytes.
    ///
    /// # Errors
    /// The system's.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file, or extends it with zeros.
    ///
    /// # Errors
    /// The system's.
    fn set_size(&self, bytes: u64) -> io::Result<()>;
}

/// Tells whether an error says that the disk is full.
pub(in crate::store) fn is_no_space(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
