//! Where the auditor gets the bytes that commands name.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::domain::{ContentHash, TreeHash};
use crate::ledger::Attachments;
use crate::valuation::FeatureTable;

/// Why bytes could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Absent {
    /// Whoever must show them does not, or shows others.
    #[error("{0}")]
    NotShown(String),
    /// The auditor has nobody to ask for them, which is nobody's fault.
    #[error("{0}")]
    NotAtHand(String),
}

/// What the auditor asks for while it replays.
pub trait Sources: Send + Sync {
    /// Returns the bytes under a hash; the auditor checks them against it.
    ///
    /// # Errors
    /// Why they cannot be had, in words.
    fn blob(&self, hash: &ContentHash) -> Result<Bytes, Absent>;

    /// Reads bytes as a table of rows.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    fn table(&self, bytes: &[u8]) -> Result<FeatureTable, String>;
}

/// Blobs with their hashes checked, and what the rules themselves produced.
pub(super) struct CheckedSources<S> {
    sources: S,
    /// What settlements came to; nobody need show it, because it is computed.
    produced: BTreeMap<ContentHash, Bytes>,
    /// The roots of the sizes that seeds are made from; computed, too.
    roots: BTreeMap<u64, TreeHash>,
    /// Why the last blob that the rules asked for was not there.
    absent: Mutex<Option<(ContentHash, Absent)>>,
}

impl<S: Sources> CheckedSources<S> {
    pub fn new(sources: S) -> Self {
        Self {
            sources,
            produced: BTreeMap::new(),
            roots: BTreeMap::new(),
            absent: Mutex::default(),
        }
    }

    /// Keeps what a settlement came to.
    pub fn produce(&mut self, produced: impl IntoIterator<Item = (ContentHash, Bytes)>) {
        self.produced.extend(produced);
    }

    /// Keeps the root of a size.
    pub fn keep_root(&mut self, size: u64, root: TreeHash) {
        self.roots.insert(size, root);
    }

    /// Returns the bytes under a hash.
    pub fn blob(&self, hash: &ContentHash) -> Result<Bytes, Absent> {
        if let Some(bytes) = self.produced.get(hash) {
            return Ok(bytes.clone());
        }
        let bytes = self.sources.blob(hash)?;
        let found = ContentHash::of(&bytes);
        if found == *hash {
            Ok(bytes)
        } else {
            let why = format!("the server sent bytes with the hash {found}");
            Err(Absent::NotShown(why))
        }
    }

    /// Returns the rows under a hash.
    pub fn table(&self, hash: &ContentHash) -> Result<FeatureTable, String> {
        let bytes = self.blob(hash).map_err(|absent| absent.to_string())?;
        self.sources.table(&bytes)
    }

    /// Takes the last blob that was asked for and not there.
    pub fn take_absent(&self) -> Option<(ContentHash, Absent)> {
        let mut absent = self.absent.lock().unwrap_or_else(PoisonError::into_inner);
        absent.take()
    }
}

impl<S: Sources> Attachments for CheckedSources<S> {
    fn get(&self, hash: &ContentHash) -> Option<Bytes> {
        match self.blob(hash) {
            Ok(bytes) => Some(bytes),
            Err(why) => {
                let mut absent = self.absent.lock().unwrap_or_else(PoisonError::into_inner);
                *absent = Some((*hash, why));
                None
            }
        }
    }

    fn root(&self, size: u64) -> Option<TreeHash> {
        self.roots.get(&size).copied()
    }
}
