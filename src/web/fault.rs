//! What can go wrong with a read over HTTP, none of which is told to who asks.

use crate::domain::EntryError;
use crate::store::log::LogFault;

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum WebFault {
    /// The log's.
    #[error("the log cannot be read")]
    Log(#[from] LogFault),
    /// An entry has another form than entries have.
    #[error("entry {index} is not one")]
    NotAnEntry {
        /// Its index.
        index: u64,
        /// What is wrong.
        #[source]
        source: EntryError,
    },
    /// There is no checkpoint at all.
    #[error("the log has no checkpoint: it is not founded")]
    NotFounded,
}
