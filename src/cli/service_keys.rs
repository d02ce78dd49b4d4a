//! The secret keys of the service's own party in a data folder: `keys/service*.pem`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::log_signers::read_keys;
use crate::domain::Signer;
use crate::engine::ServiceKeys;

/// How the names of the files begin.
const PREFIX: &str = "service";

/// Returns where the key of the service's party lies.
pub(super) fn service_key_path(dir: &Path) -> PathBuf {
    dir.join("keys").join(format!("{PREFIX}.pem"))
}

/// The keys in a data folder, read whenever one is needed: a new one counts at once.
pub(super) struct FolderServiceKeys(pub(super) PathBuf);

impl ServiceKeys for FolderServiceKeys {
    fn all(&self) -> Vec<Arc<dyn Signer>> {
        match read_keys(&self.0, PREFIX) {
            Ok(keys) => keys.into_iter().map(|key| key as Arc<dyn Signer>).collect(),
            Err(error) => {
                tracing::warn!(?error, "a key of the service cannot be read");
                Vec::new()
            }
        }
    }
}
