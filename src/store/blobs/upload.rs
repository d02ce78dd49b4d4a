//! An upload under way: hashed while it arrives, there only when all of it was right.

use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};
use tokio::task::JoinHandle;

use crate::content::{ContentHasher, Hashed};
use crate::domain::{ContentHash, PartyName, Reason, Rejection};

use super::fault::{BlobError, BlobFault};
use super::marks::Mark;
use super::{Blobs, CHUNK_BYTES_MAX, location};

/// Bytes are handed to the store in parts of at least so many, one while the next is hashed.
const PART_BYTES: usize = 1 << 20;

/// An upload under way. When it is dropped before it is finished, nothing is kept of it.
pub struct Upload {
    blobs: Blobs,
    announced: Hashed,
    party: Option<PartyName>,
    party_number: u32,
    /// What it will count against the party's quota.
    reserved: u64,
    hasher: ContentHasher,
    store: Box<dyn MultipartUpload>,
    next_part: Vec<Bytes>,
    next_part_bytes: usize,
    writing: Option<JoinHandle<object_store::Result<()>>>,
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Upload");
        shown.field("announced", &self.announced);
        shown.field("received", &self.hasher.size());
        shown.finish_non_exhaustive()
    }
}

impl Upload {
    pub(super) async fn begin(
        blobs: &Blobs,
        hash: ContentHash,
        size: u64,
        party: Option<&PartyName>,
    ) -> Result<Self, BlobError> {
        let quota = match party {
            Some(_) => blobs.inner.limits.party_bytes_max,
            None => u64::MAX,
        };
        let (party_number, reserved) = {
            let mut marks = blobs.marks();
            let number = marks.number(party);
            let reserved = marks.reserve(number, &hash, size, quota);
            (number, reserved)
        };
        let reserved = reserved.map_err(|left| over_quota(size, left, quota))?;
        let mut reservation = Reservation {
            blobs,
            party: party_number,
            bytes: reserved,
        };
        let begun = blobs.inner.store.put_multipart(&location(&hash)).await;
        let store = begun.map_err(BlobFault::store("begin to store"))?;
        // From here on the upload gives it back itself.
        reservation.bytes = 0;
        Ok(Self {
            blobs: blobs.clone(),
            announced: Hashed { hash, size },
            party: party.cloned(),
            party_number,
            reserved,
            hasher: ContentHasher::new(),
            store,
            next_part: Vec::new(),
            next_part_bytes: 0,
            writing: None,
        })
    }

    /// Returns how many bytes have arrived.
    pub fn received(&self) -> u64 {
        self.hasher.size()
    }

    /// Takes the next bytes, 1 to [`CHUNK_BYTES_MAX`].
    ///
    /// # Errors
    /// The chunk has no or too many bytes, more have come than were announced, or the store
    /// fails; the upload cannot be finished then.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        if chunk.is_empty() || chunk.len() > CHUNK_BYTES_MAX {
            let text = format!(
                "a chunk has 1 to {CHUNK_BYTES_MAX} bytes; this one has {}",
                chunk.len()
            );
            return Err(Rejection::new(Reason::InvalidArgument, text).into());
        }
        self.hasher.update(&chunk);
        if self.hasher.size() > self.announced.size {
            let text = format!("more than the announced {} bytes came", self.announced.size);
            return Err(self.mismatch(text).into());
        }
        self.next_part_bytes = self.next_part_bytes.saturating_add(chunk.len());
        self.next_part.push(chunk);
        if self.next_part_bytes >= PART_BYTES {
            self.send_part().await?;
        }
        Ok(())
    }

    /// Ends the upload. When this returns the blob is durable and marked as the party's.
    ///
    /// # Errors
    /// Hash or size are not as announced, or the store fails; nothing is kept then.
    pub async fn finish(mut self) -> Result<(), BlobError> {
        let found = self.hasher.finish();
        if found.size != self.announced.size {
            let text = format!(
                "{} bytes were announced, {} came",
                self.announced.size, found.size
            );
            return Err(self.mismatch(text).into());
        }
        if found.hash != self.announced.hash {
            let text = format!(
                "the bytes have the hash {}, {} was announced",
                found.hash, self.announced.hash
            );
            return Err(self.mismatch(text).into());
        }
        if self.next_part_bytes > 0 {
            self.send_part().await?;
        }
        self.written().await?;
        let completed = self.store.complete().await;
        completed.map_err(BlobFault::store("store"))?;
        // Durable, but not there yet: a crash here leaves bytes that nobody was told of.
        let mark = Mark {
            hash: found.hash,
            size: found.size,
            party: self.party.clone(),
        };
        let blobs = self.blobs.clone();
        let marked = tokio::task::spawn_blocking(move || blobs.mark(&mark)).await;
        // It ends without a result only when the process does.
        marked.unwrap_or(Err(BlobFault::MarksFailed))?;
        Ok(())
    }

    fn mismatch(&self, text: String) -> Rejection {
        Rejection::new(Reason::ContentMismatch, text)
            .fact("announced_hash", self.announced.hash)
            .fact("announced_bytes", self.announced.size)
    }

    /// Hands the bytes that wait to the store, after those before.
    async fn send_part(&mut self) -> Result<(), BlobFault> {
        self.written().await?;
        self.next_part_bytes = 0;
        let payload: PutPayload = std::mem::take(&mut self.next_part).into_iter().collect();
        self.writing = Some(tokio::spawn(self.store.put_part(payload)));
        Ok(())
    }

    /// Waits until the store has taken what it was handed.
    async fn written(&mut self) -> Result<(), BlobFault> {
        let Some(writing) = self.writing.take() else {
            return Ok(());
        };
        let written = writing.await.unwrap_or_else(|error| {
            Err(object_store::Error::Generic {
                store: "upload",
                source: Box::new(error),
            })
        });
        written.map_err(BlobFault::store("write"))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // The store removes what it was handed when it is dropped before it is complete.
        self.blobs.marks().release(self.party_number, self.reserved);
    }
}

/// Gives back what was set aside, unless the upload takes that over.
struct Reservation<'a> {
    blobs: &'a Blobs,
    party: u32,
    bytes: u64,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.blobs.marks().release(self.party, self.bytes);
        }
    }
}

fn over_quota(size: u64, left: u64, quota: u64) -> Rejection {
    let text = format!(
        "the upload of {size} bytes would exceed the party's quota of {quota} bytes, of which \
         {left} are left; ask the operator for more"
    );
    Rejection::new(Reason::QuotaExceeded, text)
        .fact("bytes", size)
        .fact("bytes_left", left)
        .fact("bytes_max", quota)
}
