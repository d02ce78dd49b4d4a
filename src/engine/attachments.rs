//! Attachments for the core: blobs under their hash, read when the rules ask for them.
//!
//! The answer under a hash is the bytes with that hash or nothing, so it does not matter to a
//! decision when they are read; and only commands that have passed every check before the rules
//! make the engine read any.

use std::cell::Cell;
use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::domain::{ContentHash, TreeHash};
use crate::ledger::Attachments;
use crate::merkle::{ProveError, root_at};
use crate::store::blobs::Blobs;
use crate::store::log::{LogFault, LogReader, ReaderNodes};

/// An attachment could not be read or stored.
#[derive(Debug, thiserror::Error)]
#[error("the attachment {hash} could not be {action}")]
pub struct AttachmentFault {
    /// The hash of the attachment.
    pub hash: ContentHash,
    /// What was attempted: `read` or `stored`.
    pub action: &'static str,
    /// What the storage said.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// What the rules asked for could not be had, for a fault of the storage.
#[derive(Debug, thiserror::Error)]
pub enum HandedFault {
    /// An attachment.
    #[error(transparent)]
    Attachment(#[from] AttachmentFault),
    /// A root of the log's tree.
    #[error("the root of the first {size} entries cannot be read")]
    Root {
        /// The number of entries.
        size: u64,
        /// What the log said.
        #[source]
        source: ProveError<LogFault>,
    },
}

/// Where attachments lie. Both calls block.
pub trait AttachmentStore: Send + Sync {
    /// Returns the bytes under a hash, checked against it; none where there are none, or more
    /// than [`ATTACHMENT_BYTES_MAX`](crate::domain::ATTACHMENT_BYTES_MAX).
    ///
    /// # Errors
    /// The storage fails, or what it has is not what was stored.
    fn load(&self, hash: &ContentHash) -> Result<Option<Bytes>, AttachmentFault>;

    /// Stores bytes under their hash; they are durable when this returns.
    ///
    /// # Errors
    /// The storage fails.
    fn store(&self, hash: &ContentHash, bytes: &Bytes) -> Result<(), AttachmentFault>;
}

impl AttachmentStore for Blobs {
    fn load(&self, hash: &ContentHash) -> Result<Option<Bytes>, AttachmentFault> {
        self.attachment(hash).map_err(|source| AttachmentFault {
            hash: *hash,
            action: "read",
            source: source.into(),
        })
    }

    fn store(&self, hash: &ContentHash, bytes: &Bytes) -> Result<(), AttachmentFault> {
        let stored = self.put_attachment(bytes);
        stored.map(drop).map_err(|source| AttachmentFault {
            hash: *hash,
            action: "stored",
            source: source.into(),
        })
    }
}

/// Attachments in memory, for tests and for ledgers without any.
#[derive(Debug, Default)]
pub struct MemoryAttachments(Mutex<HashMap<ContentHash, Bytes>>);

impl AttachmentStore for MemoryAttachments {
    fn load(&self, hash: &ContentHash) -> Result<Option<Bytes>, AttachmentFault> {
        let stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(stored.get(hash).cloned())
    }

    fn store(&self, hash: &ContentHash, bytes: &Bytes) -> Result<(), AttachmentFault> {
        let mut stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stored.insert(*hash, bytes.clone());
        Ok(())
    }
}

/// Attachments that rules computed and that are not stored yet.
pub(super) type Produced = Vec<(ContentHash, Bytes)>;

/// What the rules of one command are handed.
pub struct Handed<'a> {
    store: &'a dyn AttachmentStore,
    log: Option<&'a dyn LogReader>,
    pending: &'a [&'a Produced],
    fault: Cell<Option<HandedFault>>,
}

impl<'a> Handed<'a> {
    /// Hands what is stored, and roots of no log.
    pub fn stored(store: &'a dyn AttachmentStore) -> Self {
        Self::new(store, None, &[])
    }

    /// Hands what is stored, and roots of a log as far as it is durable.
    pub fn of_log(store: &'a dyn AttachmentStore, log: &'a dyn LogReader) -> Self {
        Self::new(store, Some(log), &[])
    }

    /// Hands what is stored and what is pending, and roots of a log.
    pub(super) fn new(
        store: &'a dyn AttachmentStore,
        log: Option<&'a dyn LogReader>,
        pending: &'a [&'a Produced],
    ) -> Self {
        Self {
            store,
            log,
            pending,
            fault: Cell::new(None),
        }
    }

    /// Returns the storage's failure, if it had one: what the rules said then means nothing.
    pub fn into_fault(self) -> Option<HandedFault> {
        self.fault.into_inner()
    }
}

impl Attachments for Handed<'_> {
    fn get(&self, hash: &ContentHash) -> Option<Bytes> {
        let mut pending = self.pending.iter().flat_map(|produced| produced.iter());
        if let Some((_, bytes)) = pending.find(|(produced, _)| produced == hash) {
            return Some(bytes.clone());
        }
        match self.store.load(hash) {
            Ok(found) => found,
            Err(fault) => {
                self.fault.set(Some(fault.into()));
                None
            }
        }
    }

    fn root(&self, size: u64) -> Option<TreeHash> {
        let log = self.log.filter(|log| size <= log.size())?;
        match root_at(size, &ReaderNodes(log)) {
            Ok(root) => Some(root),
            Err(source) => {
                self.fault.set(Some(HandedFault::Root { size, source }));
                None
            }
        }
    }
}
