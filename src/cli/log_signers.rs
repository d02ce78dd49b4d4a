//! The log's secret keys in a data folder: `keys/log.pem`, and one more file for each change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::CommandError;
use super::context::read_key;
use crate::domain::{PublicKey, Signer};
use crate::engine::LogSigners;
use crate::keys::SecretKey;

/// The folder of the log's keys within the data folder.
const FOLDER: &str = "keys";
/// How many hex digits of a key's id stand in the name of its file.
const ID_DIGITS: usize = 8;

/// Returns where the key lies with which a log is founded; no other than log keys lie there.
pub(super) fn log_key_path(dir: &Path) -> PathBuf {
    dir.join(FOLDER).join("log.pem")
}

/// Returns where a later key of the log lies.
pub(super) fn later_key_path(dir: &Path, key: &SecretKey) -> PathBuf {
    let id: String = key.key_id().to_string().chars().take(ID_DIGITS).collect();
    dir.join(FOLDER).join(format!("log-{id}.pem"))
}

/// The keys in a data folder. A key that is put there while the service runs is found when it is
/// asked for.
pub(super) struct FolderSigners {
    dir: PathBuf,
    read: Mutex<Vec<Arc<SecretKey>>>,
}

impl FolderSigners {
    /// Reads the keys that are there.
    ///
    /// # Errors
    /// One cannot be read, or others than its owner may read it.
    pub(super) fn open(dir: &Path) -> Result<Self, CommandError> {
        let read = read_all(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            read: Mutex::new(read),
        })
    }

    /// Says whether there is none at all.
    pub(super) fn is_empty(&self) -> bool {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.is_empty()
    }
}

impl LogSigners for FolderSigners {
    fn signer(&self, key: &PublicKey) -> Option<Arc<dyn Signer>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let find = |keys: &[Arc<SecretKey>]| {
            let found = keys.iter().find(|secret| secret.public_key() == *key);
            found.map(|found| Arc::clone(found) as Arc<dyn Signer>)
        };
        if let Some(found) = find(&read) {
            return Some(found);
        }
        match read_all(&self.dir) {
            Ok(keys) => *read = keys,
            Err(error) => tracing::warn!(?error, "a key of the log cannot be read"),
        }
        find(&read)
    }
}

fn read_all(dir: &Path) -> Result<Vec<Arc<SecretKey>>, CommandError> {
    read_keys(dir, "log")
}

/// Reads the keys in a data folder whose files' names begin so.
///
/// # Errors
/// One cannot be read, or others than its owner may read it.
pub(super) fn read_keys(dir: &Path, prefix: &str) -> Result<Vec<Arc<SecretKey>>, CommandError> {
    let folder = dir.join(FOLDER);
    let cannot = |error: io::Error| {
        CommandError::input(format!("{} cannot be read: {error}", folder.display()))
    };
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot(error)),
    };
    let mut keys = Vec::new();
    for entry in entries {
        let path = entry.map_err(cannot)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with(prefix) && name.ends_with(".pem")) {
            keys.push(Arc::new(read_key(&path)?));
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::key::write_key;

    #[test]
    fn a_key_that_comes_later_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let key = |number| SecretKey::from_seed(&[number; 32]);
        assert!(FolderSigners::open(folder.path()).unwrap().is_empty());
        write_key(&log_key_path(folder.path()), &key(1)).unwrap();
        fs::write(folder.path().join("keys/README"), "not a key").unwrap();
        let signers = FolderSigners::open(folder.path()).unwrap();
        assert!(!signers.is_empty());
        assert!(signers.signer(&key(1).public_key()).is_some());
        assert!(signers.signer(&key(2).public_key()).is_none());
        write_key(&later_key_path(folder.path(), &key(2)), &key(2)).unwrap();
        let found = signers.signer(&key(2).public_key()).unwrap();
        assert_eq!(found.public_key(), key(2).public_key());
        assert!(signers.signer(&key(1).public_key()).is_some());
    }
}
