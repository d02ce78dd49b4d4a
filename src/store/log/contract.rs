//! What every implementation of the log promises.

use std::sync::Arc;

use bytes::Bytes;

use crate::domain::TreeHash;
use crate::merkle::{Frontier, Nodes};

use super::batch::Batch;
use super::fault::LogFault;

/// The writer's side of the log. There is one writer.
///
/// ```text
///            published        append returns Ok            append is called
///  entries ─────┬──────────────────┬─────────────────────────────┬─────────►
///               │                  │                             │
///   high-water page      readers may see up to here      not seen by anybody
/// ```
///
/// **Durability.** When [`append`](Self::append) returns `Ok`, the batch and everything before it
/// survive a loss of power. When it returns an error for which
/// [`LogFault::leaves_log_usable`] holds, nothing of the batch was written. After any other error
/// it is not known whether the batch is durable; every later append is refused with
/// [`LogFault::Poisoned`], readers stay at the size before the batch, and only reopening decides
/// whether the batch is part of the log.
///
/// **Order.** Batches are appended in the order of their indexes without gaps; a batch is written
/// only after the one before it was synced. So after a crash the log is all batches up to some
/// point, and at most one that was not acknowledged.
///
/// **Concurrency.** The writer's side is used from one thread at a time. Readers from
/// [`reader`](Self::reader) are used from any number of threads while appends go on, never wait
/// for a sync, and see a batch as a whole or not at all.
pub trait LogStore: Send {
    /// Returns the number of entries that are durable.
    fn size(&self) -> u64;

    /// Returns the right edge of the tree over these entries, for the next checkpoint.
    fn tree(&self) -> Frontier;

    /// Appends a batch; it is durable, and readers see it, when this returns `Ok`.
    ///
    /// # Errors
    /// See the trait. A batch that does not follow the log, or whose checkpoint is not that of its
    /// entries, is refused before anything is written.
    fn append(&mut self, batch: &Batch<'_>) -> Result<(), LogFault>;

    /// Keeps signature lines of witnesses for the checkpoint of a size, durably, unless it has
    /// kept some for this size or a larger one.
    ///
    /// A log may keep none: to lose cosignatures is no fault, and witnesses give them again.
    ///
    /// # Errors
    /// As [`append`](Self::append), and as harmful.
    fn cosign(&mut self, _size: u64, _lines: &str) -> Result<(), LogFault> {
        Ok(())
    }

    /// Returns the readers' side, which outlives this one.
    fn reader(&self) -> Arc<dyn LogReader>;

    /// Notes that readers and clients have been shown the log of this size and root.
    ///
    /// The note (the high-water page) is written without a sync and a failure is not an error: it
    /// lets a later start notice that it was given an older log, and is never needed.
    fn published(&mut self, size: u64, root: &TreeHash);
}

/// The readers' side of the log: never shows more than what `append` has returned `Ok` for.
///
/// Bytes that are returned were checked against the checksum that they were stored with. Each
/// method is a few positioned reads and may block on the disk; none waits for the writer.
pub trait LogReader: Send + Sync {
    /// Returns the number of entries that can be read.
    fn size(&self) -> u64;

    /// Returns the leaf bytes of one entry.
    ///
    /// # Errors
    /// There is no such entry, or it cannot be read or is damaged.
    fn leaf(&self, index: u64) -> Result<Bytes, LogFault>;

    /// Returns the leaf bytes of the entries from `first` up to, without, `end`.
    ///
    /// It stops before the entry that would bring the sum above `bytes_max`, but returns at least
    /// one (unless `end` is not above `first`); so the caller goes on at `first` plus the number
    /// returned.
    ///
    /// # Errors
    /// `first` or `end` is above the size of the log, or an entry cannot be read or is damaged.
    fn leaves(&self, first: u64, end: u64, bytes_max: usize) -> Result<Vec<Bytes>, LogFault>;

    /// Returns the checkpoint note of the batch that ended at `size`; none if no batch did.
    ///
    /// # Errors
    /// `size` is above the log's, or the note cannot be read or is damaged.
    fn checkpoint(&self, size: u64) -> Result<Option<String>, LogFault>;

    /// Returns sizes and notes of the checkpoints with a size above `after` and at most
    /// `through`, ascending, the first `count_max` of them.
    ///
    /// # Errors
    /// `through` is above the log's size, or a note cannot be read or is damaged.
    fn checkpoints(
        &self,
        after: u64,
        through: u64,
        count_max: usize,
    ) -> Result<Vec<(u64, String)>, LogFault>;

    /// Returns the signature lines of witnesses that were kept for the checkpoint of a size.
    ///
    /// # Errors
    /// They cannot be read or are damaged.
    fn cosignatures(&self, _size: u64) -> Result<Option<String>, LogFault> {
        Ok(None)
    }

    /// Returns the smallest and the largest size with cosignatures; none where there are none.
    fn cosigned(&self) -> Option<(u64, u64)> {
        None
    }

    /// Returns the root hash of complete subtree number `index` among those of 2^`level` leaves.
    ///
    /// # Errors
    /// The subtree is not complete, or its hash cannot be read.
    fn node(&self, level: u32, index: u64) -> Result<TreeHash, LogFault>;

    /// Returns the hashes of the complete subtrees from `first` up to, without, `end`; as
    /// [`node`](Self::node) for each, and quicker.
    ///
    /// # Errors
    /// A subtree is not complete, or its hash cannot be read.
    fn nodes(&self, level: u32, first: u64, end: u64) -> Result<Vec<TreeHash>, LogFault> {
        (first..end).map(|index| self.node(level, index)).collect()
    }
}

/// The nodes of a log, for making proofs: `Prover::new(size, &ReaderNodes(reader.as_ref()))`.
#[derive(Clone, Copy)]
pub struct ReaderNodes<'a>(pub &'a dyn LogReader);

impl Nodes for ReaderNodes<'_> {
    type Error = LogFault;

    fn node(&self, level: u32, index: u64) -> Result<TreeHash, LogFault> {
        self.0.node(level, index)
    }
}
