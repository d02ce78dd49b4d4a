//! Rows read from the blobs that a valuation names.

use bytes::Bytes;
use futures_util::TryStreamExt;

use super::board::Stage;
use super::run::{Halt, Worker, chain};
use crate::domain::ContentHash;
use crate::store::tables::{Columns, read_csv};
use crate::valuation::FeatureTable;

impl Worker {
    /// Returns the bytes under a hash, hashed again.
    ///
    /// # Errors
    /// They are not stored, the storage fails, or it has other bytes.
    pub(super) fn blob(&self, hash: &ContentHash, what: &str) -> Result<Bytes, Halt> {
        let Some(chunks) = self.blobs.get(hash, 0..u64::MAX) else {
            let note = format!("{what} is not stored: {hash}");
            return Err(Halt::Blobs(Stage::WaitsForRows, vec![*hash], note));
        };
        let read = self.runtime.block_on(chunks.try_collect::<Vec<Bytes>>());
        let chunks = read.map_err(|fault| Halt::Later(format!("{what}: {}", chain(&fault))))?;
        let bytes = Bytes::from(chunks.concat());
        let found = ContentHash::of(&bytes);
        if found == *hash {
            return Ok(bytes);
        }
        let note = format!("{what} was stored with the hash {hash} and now has {found}");
        Err(Halt::Later(note))
    }

    /// Returns the rows under a hash; what is recorded in a ledger is CSV.
    ///
    /// # Errors
    /// As [`Worker::blob`]; or the bytes are no table.
    pub(super) fn table(&self, hash: &ContentHash, what: &str) -> Result<FeatureTable, Halt> {
        let bytes = self.blob(hash, what)?;
        read_csv(&bytes, &Columns::default()).map_err(|violations| {
            let more = violations.len().saturating_sub(1);
            let first = violations.first().map(ToString::to_string);
            let first = first.unwrap_or_default();
            Halt::Failed(format!("{what} cannot be read: {first} (and {more} more)"))
        })
    }
}
