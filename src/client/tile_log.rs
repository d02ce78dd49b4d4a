//! A log as tiles, read: from a folder, or from whoever serves one over HTTP.
//!
//! Nothing that is read is believed here; whoever audits it compares all of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ureq::tls::{PemItem, RootCerts, TlsConfig};

use super::{ClientError, Identity, Now, Target, TargetError};
use crate::domain::{LedgerId, TreeHash};
use crate::keys::issue_token;
use crate::merkle::{SignedNote, TILE_WIDTH, TileId, TileKind, Tiles, bundled, push_bundled};

/// The path of the checkpoint.
const CHECKPOINT: &str = "checkpoint";
/// How long one file may take.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// The largest file, in bytes: an entry bundle of the largest entries.
const FILE_BYTES_MAX: u64 = 256 * (65_535 + 2);

/// Why a file of a static log cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TileLogError {
    /// There is none.
    #[error("there is no {0}")]
    Missing(String),
    /// It cannot be read.
    #[error("{place} cannot be read")]
    Unread {
        /// Its path or address.
        place: String,
        /// What the system or the other side said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It has another length than its name says.
    #[error("{place} is not what its name says: {what}")]
    Form {
        /// Its path or address.
        place: String,
        /// What is wrong.
        what: String,
    },
}

impl TileLogError {
    /// Says whether the file is simply not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_))
    }
}

/// By what a service lets a reader see entry bundles.
#[derive(Clone)]
pub struct BundleReader {
    /// Who reads.
    pub identity: Identity,
    /// The ledger that tokens are for.
    pub ledger: LedgerId,
    /// The time, by which tokens end.
    pub now: Now,
}

/// Where the files are.
enum Place {
    Folder(PathBuf),
    Http {
        url: String,
        agent: ureq::Agent,
        reader: Option<BundleReader>,
    },
}

/// A log as tiles.
pub struct TileLog(Place);

impl TileLog {
    /// Reads a folder.
    pub fn folder(folder: PathBuf) -> Self {
        Self(Place::Folder(folder))
    }

    /// Reads over HTTP from under a URL; with `reader`, asks for entry bundles with its tokens.
    ///
    /// # Errors
    /// The URL is none, or plain http to another machine without `insecure`, or the certificates
    /// cannot be read.
    pub fn http(
        url: &str,
        ca: Option<&Path>,
        insecure: bool,
        reader: Option<BundleReader>,
    ) -> Result<Self, ClientError> {
        // The rule for plain http is that of every other connection; it is for whole hosts.
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let host = rest.split('/').next().unwrap_or_default();
        Target::new(&format!("{scheme}://{host}"), ca, insecure)?;
        let roots = match ca {
            Some(path) => RootCerts::new_with_certs(&certificates(path)?),
            None => RootCerts::WebPki,
        };
        let tls = TlsConfig::builder().root_certs(roots).build();
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWER_MAX))
            .http_status_as_error(false)
            .tls_config(tls)
            .build();
        Ok(Self(Place::Http {
            url: url.trim_end_matches('/').to_owned(),
            agent: config.into(),
            reader,
        }))
    }

    /// Returns where the log is, for people.
    pub fn shown(&self) -> String {
        match &self.0 {
            Place::Folder(folder) => folder.display().to_string(),
            Place::Http { url, .. } => url.clone(),
        }
    }

    /// Returns the checkpoint note; nothing of it is verified.
    ///
    /// # Errors
    /// There is none, or it is no text of a note's length.
    pub fn checkpoint(&self) -> Result<String, TileLogError> {
        let bytes = self.file(CHECKPOINT, false)?;
        if bytes.len() > SignedNote::SIZE_LIMIT {
            return Err(self.form(CHECKPOINT, "it is too long"));
        }
        String::from_utf8(bytes).map_err(|_| self.form(CHECKPOINT, "it is no text"))
    }

    /// Returns the bytes of a tile or of an entry bundle: of a partial one that is not there, the
    /// first part of the full one.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub fn read(&self, tile: &TileId) -> Result<Vec<u8>, TileLogError> {
        let with_token = tile.kind() == TileKind::Entries;
        match self.file(&tile.to_string(), with_token) {
            Err(TileLogError::Missing(_)) if tile.width() < TILE_WIDTH => {
                let index = tile.first().checked_div(TILE_WIDTH).unwrap_or_default();
                let full = TileId::full(tile.kind(), index);
                let bytes = self.file(&full.to_string(), with_token);
                let bytes = bytes.map_err(|error| match error {
                    TileLogError::Missing(_) => TileLogError::Missing(tile.to_string()),
                    error => error,
                })?;
                self.first_part(tile, &bytes)
            }
            read => read,
        }
    }

    fn first_part(&self, tile: &TileId, full: &[u8]) -> Result<Vec<u8>, TileLogError> {
        let width = usize::try_from(tile.width()).unwrap_or(usize::MAX);
        let short = || self.form(&tile.to_string(), "the full one is too short");
        match tile.kind() {
            TileKind::Hashes(_) => {
                let bytes = full.get(..width.saturating_mul(TreeHash::SIZE));
                bytes.map(<[u8]>::to_vec).ok_or_else(short)
            }
            TileKind::Entries => {
                let leaves = bundled(full)
                    .map_err(|error| self.form(&tile.to_string(), &error.to_string()))?;
                let leaves = leaves.get(..width).ok_or_else(short)?;
                let mut bytes = Vec::new();
                leaves
                    .iter()
                    .for_each(|leaf| push_bundled(&mut bytes, leaf));
                Ok(bytes)
            }
        }
    }

    /// Returns a file by its path below the log.
    fn file(&self, path: &str, with_token: bool) -> Result<Vec<u8>, TileLogError> {
        match &self.0 {
            Place::Folder(folder) => {
                let place = folder.join(path);
                fs::read(&place).map_err(|error| match error.kind() {
                    io::ErrorKind::NotFound => TileLogError::Missing(place.display().to_string()),
                    _ => TileLogError::Unread {
                        place: place.display().to_string(),
                        source: error.into(),
                    },
                })
            }
            Place::Http { url, agent, reader } => {
                let reader = reader.as_ref().filter(|_| with_token);
                get(agent, format!("{url}/{path}"), reader)
            }
        }
    }

    fn form(&self, path: &str, what: &str) -> TileLogError {
        TileLogError::Form {
            place: format!("{}/{path}", self.shown()),
            what: what.to_owned(),
        }
    }
}

impl Tiles for TileLog {
    type Error = TileLogError;

    fn hashes(&self, tile: &TileId) -> Result<Vec<TreeHash>, TileLogError> {
        let bytes = self.read(tile)?;
        let (hashes, rest) = bytes.as_chunks::<{ TreeHash::SIZE }>();
        if !rest.is_empty() {
            return Err(self.form(&tile.to_string(), "its length is no multiple of 32"));
        }
        Ok(hashes.iter().map(|hash| TreeHash(*hash)).collect())
    }
}

fn get(
    agent: &ureq::Agent,
    url: String,
    reader: Option<&BundleReader>,
) -> Result<Vec<u8>, TileLogError> {
    let mut request = agent.get(&url);
    if let Some(BundleReader {
        identity,
        ledger,
        now,
    }) = reader
    {
        let token = issue_token(identity.key.as_ref(), &identity.party, ledger, now());
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let unread = |source: Box<dyn std::error::Error + Send + Sync>| TileLogError::Unread {
        place: url.clone(),
        source,
    };
    let mut answer = request.call().map_err(|error| unread(error.into()))?;
    let limited = answer.body_mut().with_config().limit(FILE_BYTES_MAX);
    let body = limited.read_to_vec();
    let body = body.map_err(|error| unread(error.into()))?;
    match answer.status().as_u16() {
        200 => Ok(body),
        404 => Err(TileLogError::Missing(url)),
        status => {
            let said: String = String::from_utf8_lossy(&body).chars().take(200).collect();
            Err(unread(format!("{status} {}", said.trim()).into()))
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<ureq::tls::Certificate<'static>>, TargetError> {
    let wrong = |source| TargetError::Certificates {
        path: path.to_owned(),
        source,
    };
    let pem = fs::read(path).map_err(wrong)?;
    let mut found = Vec::new();
    for item in ureq::tls::parse_pem(&pem) {
        match item.map_err(|error| wrong(io::Error::other(error)))? {
            PemItem::Certificate(certificate) => found.push(certificate),
            _ => continue,
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_tile_is_cut_from_the_full_one_that_replaced_it() {
        let folder = tempfile::tempdir().unwrap();
        let log = TileLog::folder(folder.path().to_owned());
        let write = |tile: &TileId, bytes: &[u8]| {
            let path = folder.path().join(tile.to_string());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        let mut bundle = Vec::new();
        (0..=255_u8).for_each(|n| push_bundled(&mut bundle, &[n]));
        write(&TileId::full(TileKind::Entries, 0), &bundle);
        write(&TileId::full(TileKind::Hashes(0), 0), &[7; 256 * 32]);
        let partial = |kind| TileId::of_size(kind, 3, 0).next().unwrap();
        let read = log.read(&partial(TileKind::Entries)).unwrap();
        assert_eq!(bundled(&read).unwrap(), [[0], [1], [2]]);
        assert_eq!(log.hashes(&partial(TileKind::Hashes(0))).unwrap().len(), 3);
        let missing = TileId::of_size(TileKind::Entries, 300, 1).next().unwrap();
        let error = log.read(&missing).unwrap_err();
        assert!(error.is_missing(), "{error}");
        assert!(error.to_string().contains(".p/44"), "{error}");
        assert!(log.checkpoint().unwrap_err().is_missing());
    }

    #[test]
    fn plain_http_to_other_machines_is_refused_here_too() {
        let http = |url: &str| TileLog::http(url, None, false, None);
        assert!(http("http://logs.example/tree").is_err());
        assert!(http("nonsense").is_err());
        assert!(http("http://127.0.0.1:1/tree/").is_ok());
    }
}
