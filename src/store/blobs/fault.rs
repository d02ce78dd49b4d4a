//! What goes wrong with blobs: what the caller can mend, and what the operator must.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::domain::{Reason, Rejection};
use crate::store::log::is_no_space;

/// Why an upload is not taken.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The caller can mend it; nothing was kept.
    #[error(transparent)]
    Rejected(Box<Rejection>),
    /// The storage failed; the upload may be sent again.
    #[error(transparent)]
    Fault(#[from] BlobFault),
}

impl From<Rejection> for BlobError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(Box::new(rejection))
    }
}

impl BlobError {
    /// Returns what the caller is answered.
    pub fn rejection(&self) -> Rejection {
        match self {
            Self::Rejected(rejection) => rejection.as_ref().clone(),
            Self::Fault(fault) => fault.rejection(),
        }
    }
}

/// Why the storage of blobs does not answer, or what it has is not what was stored.
#[derive(Debug, thiserror::Error)]
pub enum BlobFault {
    /// The folder of the blobs cannot be used.
    #[error("the folder of the blobs {folder} cannot be used")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The store failed.
    #[error("could not {act} a blob")]
    Store {
        /// What was to be done.
        act: &'static str,
        /// Why it could not.
        #[source]
        source: Box<object_store::Error>,
    },
    /// A blob is not what was stored.
    #[error("the blob {path} is damaged: {what}; bring it back from a copy")]
    Damaged {
        /// Its path in the folder of the blobs.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// The file of marks cannot be read or written.
    #[error("the marks of uploads could not be read or written (file uploads)")]
    Marks(#[source] io::Error),
    /// The file of marks could not be written before.
    #[error("writing a mark of an upload failed before; no uploads until the next start")]
    MarksFailed,
    /// The file of marks is damaged.
    #[error(
        "the mark of an upload at byte {offset} of the file uploads is damaged; bring the file back from a copy"
    )]
    MarksDamaged {
        /// Where the damaged mark begins.
        offset: u64,
    },
    /// There are blobs but no file of marks.
    #[error("there are blobs, but the file uploads is missing; bring it back from a copy")]
    MarksMissing,
    /// The system gives no means to wait.
    #[error("could not begin to wait for the storage of blobs")]
    Runtime(#[source] io::Error),
}

impl BlobFault {
    pub(super) fn store(act: &'static str) -> impl FnOnce(object_store::Error) -> Self {
        move |source| Self::Store {
            act,
            source: Box::new(source),
        }
    }

    /// Returns what the caller of an upload or download is answered.
    pub fn rejection(&self) -> Rejection {
        let mut cause: Option<&(dyn Error + 'static)> = Some(self);
        while let Some(error) = cause {
            if error.downcast_ref::<io::Error>().is_some_and(is_no_space) {
                return Rejection::new(Reason::NoSpace, Reason::NoSpace.meaning());
            }
            cause = error.source();
        }
        Rejection::new(
            Reason::StoreFault,
            "the storage of blobs failed; the operator finds why in the server's log",
        )
    }
}
