//! Why an index does not go on.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why an index does not open or does not go on.
///
/// None of these touches the log: an index can always be rebuilt from it.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Layers were published out of their order.
    #[error("the index stands at size {at} and cannot publish size {given}; sizes only grow")]
    OutOfOrder {
        /// The size that it shows.
        at: u64,
        /// The size of the layer.
        given: u64,
    },
    /// The index failed: reading or storing rows went wrong. The next start sets it aside.
    #[error("the index failed and will be rebuilt at the next start: {reason}")]
    Failed {
        /// What went wrong.
        reason: Arc<str>,
    },
    /// The index has been closed.
    #[error("the index has been closed")]
    Closed,
    /// Another process has the index open.
    #[error("another process has the index in {folder} open; stop it first")]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder of the index cannot be used.
    #[error("the index cannot {act} {path}")]
    File {
        /// What was to be done.
        act: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it could not.
        #[source]
        source: io::Error,
    },
}

impl IndexError {
    /// Returns what makes an error of a file or folder that was to be used.
    pub(super) fn file(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { act, path, source }
    }

    /// Returns an index's failure with everything that caused it.
    pub(super) fn failed(error: &(dyn std::error::Error + 'static)) -> Self {
        let reason = Arc::from(with_causes(error));
        Self::Failed { reason }
    }
}

/// Shows an error and its causes in one line.
pub(super) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
