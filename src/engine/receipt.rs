//! What goes in through the write door and what comes out.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;

use super::published::Published;
use crate::domain::{Entry, PublicKey, Signature, TreeHash, UnixMillis};
use crate::merkle::inclusion_proof;
use crate::store::log::{LogReader, ReaderNodes};

/// A signed command as it came: nothing of it has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBytes {
    /// The serialized command.
    pub command: Bytes,
    /// The key, 32 bytes if it is one.
    pub public_key: Bytes,
    /// The signature, 64 bytes if it is one.
    pub signature: Bytes,
}

/// Proof that a command was recorded: with the command, the leaf can be rebuilt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's index in the log, from 0.
    pub index: u64,
    /// When it was recorded.
    pub recorded_at: UnixMillis,
    /// The key in the entry.
    pub public_key: PublicKey,
    /// The signature in the entry; for a command that was sent again, that of the first time.
    pub signature: Signature,
    /// The inclusion proof under the checkpoint, from the leaf to the root.
    pub inclusion_proof: Vec<TreeHash>,
    /// A checkpoint that covers the entry, as a signed note.
    pub checkpoint: Arc<str>,
}

impl Receipt {
    pub(super) fn of(
        index: u64,
        entry: &Entry,
        inclusion_proof: Vec<TreeHash>,
        checkpoint: Arc<str>,
    ) -> Self {
        Self {
            index,
            recorded_at: entry.recorded_at,
            public_key: entry.public_key,
            signature: entry.signature,
            inclusion_proof,
            checkpoint,
        }
    }
}

/// Makes the receipt of an entry that is published, from what the log has of it.
pub(super) fn of_entry(
    index: u64,
    published: &Published,
    log: &dyn LogReader,
) -> Result<Receipt, Box<dyn Error + Send + Sync>> {
    let entry = Entry::from_leaf(&log.leaf(index)?)?;
    let proof = inclusion_proof(index, published.size, &ReaderNodes(log))?;
    let checkpoint = Arc::clone(&published.checkpoint);
    Ok(Receipt::of(index, &entry, proof, checkpoint))
}
