//! What can go wrong with the log while it is open.

use std::io;

use super::batch::BatchError;

/// Why the log could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogFault {
    /// The batch is not one that can follow the log: a mistake of the caller. Nothing was written.
    #[error("the batch cannot be appended")]
    Batch(#[source] BatchError),
    /// There is no room. Nothing of the batch was written; once there is room, it can be.
    #[error("the disk has no room for {file}; make room, or move the data folder")]
    NoSpace {
        /// The file that could not grow, within the data folder.
        file: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A write or a sync failed: whether the batch is durable is not known.
    #[error("could not {action} {file}; the log takes no more until it is reopened and verified")]
    Write {
        /// What was attempted, such as `sync`.
        action: &'static str,
        /// The file, within the data folder.
        file: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An earlier write or sync failed.
    #[error("an earlier write failed; the log takes no more until it is reopened and verified")]
    Poisoned,
    /// A file could not be read.
    #[error("could not read {file} at {offset}")]
    Read {
        /// The file, within the data folder.
        file: String,
        /// Where, in bytes.
        offset: u64,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The bytes that were read are not what was written.
    #[error("{file} is damaged at {offset}: {what}; run `fenrun fsck`")]
    Damaged {
        /// The file, within the data folder.
        file: String,
        /// Where, in bytes.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// There is no such entry.
    #[error("entry {index} is not in the log, which has {size} entries")]
    IndexBeyondLog {
        /// The index asked for.
        index: u64,
        /// The size of the log.
        size: u64,
    },
    /// The subtree is not complete.
    #[error("node {index} of level {level} is not complete in a log of {size} entries")]
    NodeIncomplete {
        /// The level: the node has 2^level leaves.
        level: u32,
        /// The number of the node in its level.
        index: u64,
        /// The size of the log.
        size: u64,
    },
}

impl LogFault {
    /// Tells whether an append that ended so leaves the log as it was and usable.
    pub fn leaves_log_usable(&self) -> bool {
        matches!(self, Self::Batch(_) | Self::NoSpace { .. })
    }
}
