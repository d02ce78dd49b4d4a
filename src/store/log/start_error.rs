//! Why a log was not opened.

use crate::domain::TreeHash;

use super::evidence::EvidenceSource;
use super::fault::LogFault;
use super::format::Damage;
use super::guard::GuardError;

/// Why a log was not opened. Nothing in its segments was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no log yet.
    #[error("there is no log here; found a ledger with `fenrun init`, or name another folder")]
    Empty,
    /// There is a log already.
    #[error("there is a log here, with {size} entries; choose an empty folder")]
    NotEmpty {
        /// The number of its entries.
        size: u64,
    },
    /// Bytes of the log are not what they were.
    #[error(
        "LOG_DAMAGED: {file} at {offset}: {what}; nothing was changed; look with `fenrun fsck` and \
         restore the file from a copy"
    )]
    Damaged {
        /// The file, within the data folder.
        file: String,
        /// Where, in bytes.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// The log is older than what was shown, or another.
    #[error(
        "ROLLBACK: {source_name} has seen {size} entries with root {root}, but the log has {found}; \
         bring the missing segments back, nothing else clears this"
    )]
    Rollback {
        /// Who has seen more, or something else.
        source_name: EvidenceSource,
        /// The size that it has seen.
        size: u64,
        /// The root that it has seen.
        root: TreeHash,
        /// What the log has, in words.
        found: String,
    },
    /// The guard is missing, cannot be read, or is not this log's.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// An option is out of range.
    #[error("a segment has {found} bytes by the options; it takes whole sectors, 4 KiB to 1 GiB")]
    SegmentBytes {
        /// The bytes as given.
        found: u64,
    },
    /// The disk failed.
    #[error("the log could not be opened")]
    Disk(#[source] LogFault),
}

impl StartError {
    pub(super) fn damaged(file: String, damage: Damage) -> Self {
        Self::Damaged {
            file,
            offset: damage.offset,
            what: damage.what,
        }
    }
}

impl From<LogFault> for StartError {
    fn from(fault: LogFault) -> Self {
        match fault {
            LogFault::Damaged { file, offset, what } => Self::Damaged { file, offset, what },
            other => Self::Disk(other),
        }
    }
}
