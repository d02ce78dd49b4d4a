//! Blobs: bytes under their BLAKE3 hash, datasets and attachments alike.
//!
//! Bytes go through `object_store` as `ab/abcd...`. Its local folder, told to sync (`with_fsync`),
//! writes an upload beside its place under a name with `#`, syncs the file, gives it its name and
//! syncs the folders that changed, before `complete` returns; what a crash leaves under such names
//! is removed at start. That a blob is durable is then noted with a mark (`marks`), synced too,
//! and only then is the upload answered. **A blob without a mark is not there**, however well it
//! reads: after a failed sync or a killed process, what reads may still be lost.
//!
//! A mark says which party itself uploaded every byte. Nothing that a party is answered depends on
//! what others uploaded, and every upload is written, also one of bytes that are there. Blobs are
//! never deleted, as entries name them.

mod check;
mod copy;
mod fault;
mod marks;
mod upload;

#[cfg(test)]
mod tests;

use std::fs;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Location;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::sync::watch;

use crate::domain::{ATTACHMENT_BYTES_MAX, ContentHash, PartyName, Reason, Rejection};
use crate::store::log::Disk;

pub use check::{BlobFinding, BlobReport};
pub use copy::{CopiedBlobs, copy_blobs};
pub use fault::{BlobError, BlobFault};
use marks::{Mark, MarkFile, Marks};
pub use upload::Upload;

/// The most bytes of a blob, unless the operator sets another bound: 256 GiB.
pub const BLOB_BYTES_MAX: u64 = 256 << 30;
/// The most bytes of one part of a blob that is given or taken: 1 MiB.
pub const CHUNK_BYTES_MAX: usize = 1 << 20;
/// The most bytes that a party may upload, unless the operator sets another bound: 1 TiB.
pub const PARTY_BYTES_MAX: u64 = 1 << 40;

/// What uploads are bounded by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobLimits {
    /// The most bytes of a blob.
    pub blob_bytes_max: u64,
    /// The most bytes that one party may upload in all, each blob counted once.
    pub party_bytes_max: u64,
}

impl Default for BlobLimits {
    fn default() -> Self {
        Self {
            blob_bytes_max: BLOB_BYTES_MAX,
            party_bytes_max: PARTY_BYTES_MAX,
        }
    }
}

/// The blobs of a ledger; handles are cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Arc<dyn ObjectStore>,
    marks: Mutex<Marks>,
    /// Held while a mark is written and synced; never waited for while `marks` is held.
    mark_file: Mutex<MarkFile>,
    limits: BlobLimits,
    /// How many uploads were finished since the start.
    uploads: watch::Sender<u64>,
}

impl Blobs {
    /// Opens the blobs in `folder`, or makes it; `disk` is the data folder, which has the marks.
    ///
    /// What broken uploads left is removed. Blocks.
    ///
    /// # Errors
    /// Folder or marks cannot be read or written, or the marks are damaged or missing.
    pub fn open(disk: Arc<dyn Disk>, folder: &Path, limits: BlobLimits) -> Result<Self, BlobFault> {
        fs::create_dir_all(folder)
            .and_then(|()| remove_staged(folder))
            .map_err(|source| BlobFault::Folder {
                folder: folder.to_owned(),
                source,
            })?;
        let store = LocalFileSystem::new_with_prefix(folder)
            .map_err(BlobFault::store("open the folder of"))?;
        Self::over(disk, Arc::new(store.with_fsync(true)), limits)
    }

    /// Opens the blobs in any store whose `complete` makes an upload durable.
    pub(crate) fn over(
        disk: Arc<dyn Disk>,
        store: Arc<dyn ObjectStore>,
        limits: BlobLimits,
    ) -> Result<Self, BlobFault> {
        let (mark_file, marks) = match MarkFile::open(disk.as_ref())? {
            Some(found) => found,
            None => {
                let any = blocking(async { store.list(None).next().await })?;
                if any.is_some() {
                    return Err(BlobFault::MarksMissing);
                }
                MarkFile::create(disk.as_ref())?
            }
        };
        Ok(Self {
            inner: Arc::new(Inner {
                store,
                marks: Mutex::new(marks),
                mark_file: Mutex::new(mark_file),
                limits,
                uploads: watch::Sender::new(0),
            }),
        })
    }

    /// Begins an upload by a party that announces hash and size of the bytes.
    ///
    /// # Errors
    /// More bytes are announced than a blob may have, or than are left of the party's quota; or
    /// the store does not take it.
    pub async fn begin(
        &self,
        hash: ContentHash,
        size: u64,
        party: &PartyName,
    ) -> Result<Upload, BlobError> {
        let blob_bytes_max = self.inner.limits.blob_bytes_max;
        if size > blob_bytes_max {
            let text = format!("a blob has at most {blob_bytes_max} bytes; {size} were announced");
            let rejection = Rejection::new(Reason::TooLarge, text)
                .fact("bytes_max", blob_bytes_max)
                .fact("bytes", size);
            return Err(rejection.into());
        }
        Upload::begin(self, hash, size, Some(party)).await
    }

    /// Returns what uploads are bounded by.
    pub fn limits(&self) -> BlobLimits {
        self.inner.limits
    }

    /// Returns how many uploads were finished, as they are.
    pub fn uploads(&self) -> watch::Receiver<u64> {
        self.inner.uploads.subscribe()
    }

    /// Says whether a blob was uploaded whole by this party.
    pub fn uploaded_by(&self, hash: &ContentHash, party: &PartyName) -> bool {
        self.marks().has(hash, party)
    }

    /// Returns the size of a blob; none where there is none.
    pub fn size(&self, hash: &ContentHash) -> Option<u64> {
        self.marks().size(hash)
    }

    /// Returns the bytes of all blobs together.
    pub fn bytes(&self) -> u64 {
        let blobs = self.marks().blobs();
        // 2^64 bytes lie on no disk.
        blobs
            .values()
            .fold(0, |sum, size| sum.saturating_add(*size))
    }

    /// Returns the bytes that count against a party's quota.
    pub fn used_by(&self, party: &PartyName) -> u64 {
        self.marks().used(party)
    }

    /// Returns a part of a blob in chunks of at most [`CHUNK_BYTES_MAX`]; none where there is no
    /// such blob. What lies past the blob's end is left out.
    pub fn get(
        &self,
        hash: &ContentHash,
        range: Range<u64>,
    ) -> Option<impl Stream<Item = Result<Bytes, BlobFault>> + Send + use<>> {
        let end = range.end.min(self.size(hash)?);
        let (blobs, hash) = (self.clone(), *hash);
        Some(stream::try_unfold(range.start, move |from| {
            let blobs = blobs.clone();
            async move { blobs.chunk(&hash, from, end).await }
        }))
    }

    /// Returns the next chunk before `end`, and where the one after it begins.
    async fn chunk(
        &self,
        hash: &ContentHash,
        from: u64,
        end: u64,
    ) -> Result<Option<(Bytes, u64)>, BlobFault> {
        if from >= end {
            return Ok(None);
        }
        let length = u64::try_from(CHUNK_BYTES_MAX).unwrap_or(u64::MAX);
        let to = from.saturating_add(length).min(end);
        let read = self.inner.store.get_range(&location(hash), from..to).await;
        let bytes = read.map_err(BlobFault::store("read"))?;
        if u64::try_from(bytes.len()).ok() != to.checked_sub(from) {
            return Err(BlobFault::Damaged {
                path: location(hash).to_string(),
                what: format!("it ends before byte {to}"),
            });
        }
        Ok(Some((bytes, to)))
    }

    /// Returns the bytes of an attachment, hashed again; none where there are none, or more than
    /// [`ATTACHMENT_BYTES_MAX`]. Blocks.
    ///
    /// # Errors
    /// The store fails, or the bytes have another hash than when they were stored.
    pub fn attachment(&self, hash: &ContentHash) -> Result<Option<Bytes>, BlobFault> {
        let Some(size) = self.size(hash).filter(|size| *size <= ATTACHMENT_BYTES_MAX) else {
            return Ok(None);
        };
        let range = 0..size;
        let read = blocking(async {
            let chunks = self.get(hash, range);
            let chunks = stream::iter(chunks).flatten();
            chunks.try_collect::<Vec<_>>().await
        })??;
        let bytes = Bytes::from(read.concat());
        let found = ContentHash::of(&bytes);
        if found != *hash {
            return Err(BlobFault::Damaged {
                path: location(hash).to_string(),
                what: format!("its bytes have the hash {found}"),
            });
        }
        Ok(Some(bytes))
    }

    /// Stores bytes that the ledger itself made, durably, and returns their hash. They count
    /// against no quota. Blocks.
    ///
    /// # Errors
    /// The store does not take them.
    pub fn put_attachment(&self, bytes: &Bytes) -> Result<ContentHash, BlobError> {
        let hash = ContentHash::of(bytes);
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        blocking(async {
            let mut upload = Upload::begin(self, hash, size, None).await?;
            let mut rest = bytes.clone();
            while !rest.is_empty() {
                let chunk = rest.split_to(rest.len().min(CHUNK_BYTES_MAX));
                upload.write(chunk).await?;
            }
            upload.finish().await
        })??;
        Ok(hash)
    }

    /// Marks a blob that is durable as uploaded, durably; blocks.
    fn mark(&self, mark: &Mark) -> Result<(), BlobFault> {
        let file = self.inner.mark_file.lock();
        // What a panic left half done the file itself knows of.
        let mut file = file.unwrap_or_else(PoisonError::into_inner);
        if !self.marks().has_mark(mark) {
            file.write(mark)?;
            self.marks().note(mark);
        }
        self.inner
            .uploads
            .send_modify(|uploads| *uploads = uploads.wrapping_add(1));
        Ok(())
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        // Nothing that is done under the lock can fail halfway.
        self.inner
            .marks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns where a blob lies in the store.
fn location(hash: &ContentHash) -> Location {
    let hex = hash.to_string();
    let folder = hex.get(..2).unwrap_or_default();
    Location::from(format!("{folder}/{hex}"))
}

/// Removes what uploads that did not end left in the store's folder.
fn remove_staged(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.is_dir() {
            continue;
        }
        for file in fs::read_dir(&path)? {
            let file = file?;
            if file.file_name().to_string_lossy().contains('#') {
                fs::remove_file(file.path())?;
            }
        }
    }
    Ok(())
}

/// Waits for what only asynchronous calls can do, on a thread of its own: the caller's may be one
/// that runs tasks.
fn blocking<T: Send>(future: impl Future<Output = T> + Send) -> Result<T, BlobFault> {
    let waiting = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        Ok(runtime.map_err(BlobFault::Runtime)?.block_on(future))
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, waiting);
        let ended = thread.map_err(BlobFault::Runtime)?.join();
        ended.unwrap_or_else(|_| Err(BlobFault::Runtime(io::Error::other("it panicked"))))
    })
}
