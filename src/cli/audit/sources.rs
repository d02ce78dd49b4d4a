//! The bytes that an auditor asks for: from a service, from a folder, or from nobody.

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use bytes::Bytes;
use tokio::runtime::Handle;

use crate::audit::{Absent, Sources};
use crate::client::{ClientError, Connection};
use crate::content::ContentHasher;
use crate::domain::{ATTACHMENT_BYTES_MAX, ContentHash, Reason};
use crate::store::tables::{Columns, read_csv};
use crate::valuation::FeatureTable;

/// How many bytes of a file are hashed at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Where blobs are.
#[derive(Clone)]
pub(super) enum BlobSources {
    /// A service.
    Service {
        /// The connection to it.
        connection: Box<Connection>,
        /// The runtime on which it is asked.
        runtime: Handle,
    },
    /// A folder of blobs under their hash, as data folders and backups have it.
    Folder(PathBuf),
    /// Nowhere.
    Nobody,
}

/// What became of hashing a blob.
pub(super) enum Hashed {
    /// It has the hash under which it was asked for, and this many bytes.
    Good(u64),
    /// It has another hash, or cannot be read to its end.
    Wrong(String),
    /// It is not shown, or there is nobody to ask.
    Absent(Absent),
}

impl BlobSources {
    /// Asks a service; must be called on a runtime with threads of its own.
    pub fn service(connection: &Connection) -> Self {
        Self::Service {
            connection: Box::new(connection.clone()),
            runtime: Handle::current(),
        }
    }

    /// Hashes a blob of any size again.
    pub fn hash(&self, hash: &ContentHash) -> Hashed {
        match self {
            Self::Service {
                connection,
                runtime,
            } => {
                let mut nowhere = io::sink();
                let read = connection.download_to(hash, u64::MAX, &mut nowhere);
                match runtime.block_on(read) {
                    Ok(hashed) => Hashed::Good(hashed.size),
                    Err(ClientError::Content { found }) => {
                        Hashed::Wrong(format!("its bytes have the hash {found}"))
                    }
                    Err(error) if not_found(&error) => {
                        Hashed::Absent(Absent::NotShown(error.to_string()))
                    }
                    Err(error) => Hashed::Wrong(error.to_string()),
                }
            }
            Self::Folder(folder) => match hash_file(&path(folder, hash)) {
                Ok((found, size)) if found == *hash => Hashed::Good(size),
                Ok((found, _)) => Hashed::Wrong(format!("its bytes have the hash {found}")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let why = format!("{} does not have it", folder.display());
                    Hashed::Absent(Absent::NotAtHand(why))
                }
                Err(error) => Hashed::Wrong(format!("it cannot be read: {error}")),
            },
            Self::Nobody => Hashed::Absent(Absent::NotAtHand(nobody())),
        }
    }
}

impl Sources for BlobSources {
    // The auditor runs on threads that are not the runtime's, so that waiting here stops nobody.
    fn blob(&self, hash: &ContentHash) -> Result<Bytes, Absent> {
        match self {
            Self::Service {
                connection,
                runtime,
            } => {
                let downloaded = runtime.block_on(connection.download(hash));
                downloaded.map_err(|error| Absent::NotShown(error.to_string()))
            }
            Self::Folder(folder) => {
                let path = path(folder, hash);
                let absent = |error: io::Error| {
                    Absent::NotAtHand(format!("{} cannot be read: {error}", path.display()))
                };
                let size = fs::metadata(&path).map_err(absent)?.len();
                if size > ATTACHMENT_BYTES_MAX {
                    let why = format!("{} has {size} bytes", path.display());
                    return Err(Absent::NotShown(why));
                }
                Ok(fs::read(&path).map_err(absent)?.into())
            }
            Self::Nobody => Err(Absent::NotAtHand(nobody())),
        }
    }

    fn table(&self, bytes: &[u8]) -> Result<FeatureTable, String> {
        read_csv(bytes, &Columns::default()).map_err(|violations| {
            let more = violations.len().saturating_sub(1);
            let first = violations.first().map(ToString::to_string);
            format!("{} (and {more} more)", first.unwrap_or_default())
        })
    }
}

fn nobody() -> String {
    "tiles hold no blobs; say where some are with --blobs-from".to_owned()
}

/// Returns where a folder has a blob: `ab/abcd…`.
fn path(folder: &std::path::Path, hash: &ContentHash) -> PathBuf {
    let name = hash.to_string();
    let start: String = name.chars().take(2).collect();
    folder.join(start).join(name)
}

fn hash_file(path: &std::path::Path) -> io::Result<(ContentHash, u64)> {
    let mut file = fs::File::open(path)?;
    let mut hasher = ContentHasher::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk)?;
        match chunk.get(..read) {
            Some(bytes) if !bytes.is_empty() => hasher.update(bytes),
            _ => break,
        }
    }
    let hashed = hasher.finish();
    Ok((hashed.hash, hashed.size))
}

fn not_found(error: &ClientError) -> bool {
    error.refusal().and_then(|refusal| refusal.reason) == Some(Reason::NotFound)
}
