//! The bytes that an auditor asks for, from the service.

use bytes::Bytes;
use tokio::runtime::Handle;

use crate::audit::{Absent, Sources};
use crate::client::Connection;
use crate::domain::ContentHash;
use crate::store::tables::{Columns, read_csv};
use crate::valuation::FeatureTable;

/// Blobs of a service.
pub(super) struct RemoteSources {
    connection: Connection,
    runtime: Handle,
}

impl RemoteSources {
    /// Asks a service; must be called on a runtime with threads of its own.
    pub fn new(connection: Connection) -> Self {
        let runtime = Handle::current();
        Self {
            connection,
            runtime,
        }
    }
}

impl Sources for RemoteSources {
    // The auditor runs on threads that are not the runtime's, so that waiting here stops nobody.
    fn blob(&self, hash: &ContentHash) -> Result<Bytes, Absent> {
        let downloaded = self.runtime.block_on(self.connection.download(hash));
        downloaded.map_err(|error| Absent(error.to_string()))
    }

    fn table(&self, bytes: &[u8]) -> Result<FeatureTable, String> {
        read_csv(bytes, &Columns::default()).map_err(|violations| {
            let more = violations.len().saturating_sub(1);
            let first = violations.first().map(ToString::to_string);
            format!("{} (and {more} more)", first.unwrap_or_default())
        })
    }
}
