//! The receipts that a party keeps: one file a command, with the command, for good.
//!
//! A kept receipt is what exposes an operator who later shows another log, so nothing here ever
//! overwrites one.

use std::io;
use std::path::{Path, PathBuf};

use super::write_durably;
use crate::domain::{CommandId, KeptReceipt, LedgerId};

/// The largest file of a kept receipt, in bytes: a command as hex, a proof and a checkpoint.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Why a receipt is not kept, or not read.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptsError {
    /// The file cannot be read or written.
    #[error("the receipt {} cannot be read or written", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is no receipt.
    #[error("{} is not a receipt as this program writes it", .path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}

impl KeptReceipt {
    /// Reads a kept receipt from its file; nothing in it is verified.
    ///
    /// # Errors
    /// The file cannot be read or is no receipt.
    pub fn read(path: &Path) -> Result<Self, ReceiptsError> {
        let fault = |source| ReceiptsError::File {
            path: path.to_owned(),
            source,
        };
        if std::fs::metadata(path).map_err(fault)?.len() > FILE_BYTES_MAX {
            return Err(fault(io::ErrorKind::FileTooLarge.into()));
        }
        let text = std::fs::read_to_string(path).map_err(fault)?;
        serde_json::from_str(&text).map_err(|source| ReceiptsError::Form {
            path: path.to_owned(),
            source,
        })
    }

    /// Writes it durably to a file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ReceiptsError> {
        let form = |source| ReceiptsError::Form {
            path: path.to_owned(),
            source,
        };
        let mut text = serde_json::to_string_pretty(self).map_err(form)?;
        text.push('\n');
        write_durably(path, text.as_bytes(), false).map_err(|source| ReceiptsError::File {
            path: path.to_owned(),
            source,
        })
    }
}

/// The folder in which receipts are kept, one folder a ledger.
#[derive(Debug, Clone)]
pub struct Receipts {
    folder: PathBuf,
}

impl Receipts {
    /// Uses `folder`, which need not be there yet.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Returns where the receipt of a command is kept.
    pub fn path(&self, ledger: &LedgerId, command: &CommandId) -> PathBuf {
        let folder = self.folder.join(ledger.to_string());
        folder.join(format!("{command}.json"))
    }

    /// Returns the kept receipt of a command, if there is one.
    ///
    /// # Errors
    /// The file is there and cannot be read or is no receipt.
    pub fn get(
        &self,
        ledger: &LedgerId,
        command: &CommandId,
    ) -> Result<Option<KeptReceipt>, ReceiptsError> {
        match KeptReceipt::read(&self.path(ledger, command)) {
            Err(ReceiptsError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            read => read.map(Some),
        }
    }

    /// Keeps a receipt, unless one of the command is kept already, and returns its file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, receipt: &KeptReceipt) -> Result<PathBuf, ReceiptsError> {
        let path = self.path(&receipt.ledger, &receipt.command_id);
        if !path.exists() {
            receipt.write(&path)?;
        }
        Ok(path)
    }
}
