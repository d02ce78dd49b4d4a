//! Which keys sign the log, as its index and its own entries say.

use crate::domain::{ENTRY_HEADER_BYTES, PublicKey};
use crate::ledger::{LogKeyRow, State, View, ViewFault};
use crate::merkle::{KeyHistory, VerifierKey};
use crate::store::log::LogKeys;
use crate::wire::new_log_key;

/// The keys of a log that is being read: those that the index knows of, and those that entries
/// which it has not applied put in force.
pub struct ReadKeys(KeyHistory);

impl ReadKeys {
    /// Begins with the key that the log was founded with, before any entry is read.
    pub fn founded(key: VerifierKey) -> Self {
        Self(KeyHistory::founded(key))
    }

    /// Takes over what the rows of an index say.
    ///
    /// # Errors
    /// The rows cannot be read.
    pub fn with_rows(mut self, view: &dyn View) -> Result<Self, ViewFault> {
        for (index, key) in log_keys(view)? {
            self.0.change(index, key);
        }
        Ok(self)
    }
}

impl LogKeys for ReadKeys {
    fn entry(&mut self, index: u64, leaf: &[u8]) {
        let command = leaf.get(ENTRY_HEADER_BYTES..).unwrap_or_default();
        if let Some(key) = new_log_key(command) {
            self.0.change(index, key);
        }
    }

    fn keys(&self, first_index: u64, size: u64) -> Vec<VerifierKey> {
        self.0.signers(first_index, size)
    }
}

/// Returns all keys that the log has had, by the entry that put each in force, ascending.
///
/// # Errors
/// The rows cannot be read.
pub fn log_keys(view: &dyn View) -> Result<Vec<(u64, PublicKey)>, ViewFault> {
    let mut keys = Vec::new();
    State::new(view).each::<LogKeyRow>(|key, row| {
        let index = <[u8; 8]>::try_from(key);
        let index = index.map_err(|_| ViewFault::new("a key of the log has no index"))?;
        keys.push((u64::from_be_bytes(index), row.public_key));
        Ok(())
    })?;
    Ok(keys)
}
