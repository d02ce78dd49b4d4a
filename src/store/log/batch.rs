//! A batch: the entries that one sync makes durable, with the checkpoint that ends it.

use bytes::Bytes;

use crate::domain::{ENTRY_BYTES_MAX, TreeHash};
use crate::merkle::{Checkpoint, CheckpointError, Frontier, NoteError, SignedNote};

/// The most bytes of a batch in its segment, with frames and padding.
pub const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The bytes that a frame adds to what it holds: length, kind, checksum.
pub const FRAME_BYTES_OVERHEAD: usize = 4 + 1 + 4;
/// The most bytes of a batch's entries, each with [`FRAME_BYTES_OVERHEAD`].
///
/// What is left of [`BATCH_BYTES_MAX`] is enough for the batch start, the largest checkpoint note
/// and the padding.
pub const BATCH_ENTRIES_BYTES_MAX: usize = BATCH_BYTES_MAX - 128 * 1024;

/// Why a batch cannot be appended; nothing of it was written and the log goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The batch does not follow the log.
    #[error("the batch begins at entry {first_index}, but the log has {size} entries")]
    Position {
        /// Where the batch begins.
        first_index: u64,
        /// The size of the log.
        size: u64,
    },
    /// There are no entries.
    #[error("a batch has at least one entry")]
    Empty,
    /// An entry is empty or too long.
    #[error("entry {index} has {found} bytes; an entry has 1 to {ENTRY_BYTES_MAX}")]
    EntryBytes {
        /// The index of the entry.
        index: u64,
        /// How many bytes it has.
        found: usize,
    },
    /// The leaf hashes are not those of the entries.
    #[error("{hashes} leaf hashes were given for {leaves} entries")]
    Hashes {
        /// How many entries there are.
        leaves: usize,
        /// How many hashes there are.
        hashes: usize,
    },
    /// The entries are too many for one batch.
    #[error("the batch has {found} bytes, at most {limit} fit; divide it")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
        /// The bytes of the batch.
        found: usize,
    },
    /// A sector of the batch would be all zeros, which marks a torn write.
    #[error("512 bytes of the batch from offset {offset} are all zeros, as after a torn write")]
    ZeroSector {
        /// Where in the batch, in bytes.
        offset: usize,
    },
    /// The checkpoint is not a signed note.
    #[error("the checkpoint is not a signed note")]
    Note(#[source] NoteError),
    /// The checkpoint's text is refused.
    #[error("the checkpoint of the batch is refused")]
    Checkpoint(#[source] CheckpointError),
    /// The checkpoint is of another log state.
    #[error(
        "the checkpoint says size {found_size} and root {found_root}, but the batch leads to size \
         {size} and root {root}"
    )]
    CheckpointDiffers {
        /// The size that the batch leads to.
        size: u64,
        /// The root that the batch leads to.
        root: TreeHash,
        /// The size in the checkpoint.
        found_size: u64,
        /// The root in the checkpoint.
        found_root: TreeHash,
    },
}

/// Entries to append, and the signed checkpoint note that ends them.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The index of the first entry: the size of the log before.
    pub first_index: u64,
    /// The leaf bytes of the entries, at least one.
    pub leaves: &'a [Bytes],
    /// The leaf hashes of `leaves`, in the same order; the writer needs them for the root anyway.
    pub hashes: &'a [TreeHash],
    /// The signed note of the checkpoint at the size and root after the batch.
    pub checkpoint: &'a str,
}

impl Batch<'_> {
    /// Checks the batch against the tree before it and returns the tree after it.
    ///
    /// The hashes are taken at their word except in builds with debug assertions; a wrong one
    /// makes a wrong root, which the next start finds.
    ///
    /// # Errors
    /// A [`BatchError`] says what does not fit.
    pub(super) fn check(
        &self,
        before: &Frontier,
        mut finished: impl FnMut(u32, u64, TreeHash),
    ) -> Result<Frontier, BatchError> {
        let (first_index, size) = (self.first_index, before.size());
        if first_index != size {
            return Err(BatchError::Position { first_index, size });
        }
        if self.leaves.is_empty() {
            return Err(BatchError::Empty);
        }
        let (leaves, hashes) = (self.leaves.len(), self.hashes.len());
        if leaves != hashes {
            return Err(BatchError::Hashes { leaves, hashes });
        }
        let mut tree = before.clone();
        for (leaf, hash) in self.leaves.iter().zip(self.hashes) {
            let (index, found) = (tree.size(), leaf.len());
            if leaf.is_empty() || found > ENTRY_BYTES_MAX {
                return Err(BatchError::EntryBytes { index, found });
            }
            if cfg!(debug_assertions) && crate::merkle::leaf_hash(leaf) != *hash {
                return Err(BatchError::Hashes { leaves, hashes });
            }
            tree.push_with(*hash, &mut finished);
        }
        let note = SignedNote::parse(self.checkpoint.as_bytes()).map_err(BatchError::Note)?;
        let checkpoint: Checkpoint = note.text().parse().map_err(BatchError::Checkpoint)?;
        let (size, root) = (tree.size(), tree.root());
        if checkpoint.size != size || checkpoint.root != root {
            return Err(BatchError::CheckpointDiffers {
                size,
                root,
                found_size: checkpoint.size,
                found_root: checkpoint.root,
            });
        }
        Ok(tree)
    }
}
