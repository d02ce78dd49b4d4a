//! What a start compares the log with, and what it is told about keys.

use std::fmt;

use crate::domain::TreeHash;
use crate::merkle::VerifierKey;

/// Who says that the log has been shown at some size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceSource {
    /// The index was applied up to it.
    Index,
    /// The high-water page in the data folder.
    HighWaterPage,
    /// The guard, which can lie on another disk.
    Guard,
}

impl fmt::Display for EvidenceSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Index => "the index",
            Self::HighWaterPage => "the high-water page",
            Self::Guard => "the guard",
        })
    }
}

/// A size and root that the log has had: it may not be shorter, or have another root there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Who says so.
    pub source: EvidenceSource,
    /// The number of entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: TreeHash,
}

/// Tells which keys sign the log's checkpoints; a log changes its keys by its own entries.
pub trait LogKeys {
    /// Hears of an entry that was read, in the order of the log.
    ///
    /// A start reads all entries that the index has not applied, and some before them; a check of
    /// everything reads all. Entries of a checkpoint come before the checkpoint is judged.
    fn entry(&mut self, index: u64, leaf: &[u8]);

    /// Returns the keys of which each must have signed the checkpoint at this size, whose batch
    /// begins with entry `first_index`: two where an entry of the batch changes the key.
    ///
    /// It is asked after the entries of that size were heard of, and before later ones.
    fn keys(&self, first_index: u64, size: u64) -> Vec<VerifierKey>;
}

/// The keys of a log that has never changed them.
#[derive(Debug, Clone)]
pub struct FixedKeys(pub Vec<VerifierKey>);

impl LogKeys for FixedKeys {
    fn entry(&mut self, _: u64, _: &[u8]) {}

    fn keys(&self, _: u64, _: u64) -> Vec<VerifierKey> {
        self.0.clone()
    }
}
