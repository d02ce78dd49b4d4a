//! Where a log is read from: a service over gRPC, or tiles in a folder or over HTTP.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::audit::{AccountBalance, Finding, FindingKind, Place, check_tiles};
use crate::cli::{CommandError, Kind};
use crate::client::{ClientError, Connection, LogPart, TileLog};
use crate::domain::TreeHash;
use crate::keys::StrictVerifier;
use crate::merkle::{
    Checkpoint, TILE_WIDTH, TileId, TileKind, TileNodes, VerifierKey, bundled, consistency_proof,
    open_checkpoint, root_at, verify_consistency,
};

/// How many parts of the log wait while one is audited; each has about 1 MiB.
const PARTS_AHEAD: usize = 4;
/// How often the accounts are read anew because the log grew while they were.
const ACCOUNT_READS_MAX: usize = 5;
/// The most accounts that are compared.
const ACCOUNTS_MAX: usize = 1_000_000;
/// How many bundles of tiles are audited together: about as many entries as a part of a stream.
const BUNDLES_PER_PART: usize = 8;

/// Where a log is read from.
#[derive(Clone)]
pub(super) enum LogSource {
    /// A service.
    Service(Box<Connection>),
    /// Tiles.
    Tiles(Arc<TileLog>),
}

/// Accounts, or why they cannot be compared.
pub(super) type Accounts = Result<Vec<AccountBalance>, String>;

/// The newest checkpoint of a log.
pub(super) struct Newest {
    /// The signed note.
    pub note: String,
    /// What it says.
    pub checkpoint: Checkpoint,
    /// Whether a key that is known beforehand has signed it.
    pub trusted: bool,
}

/// What comes out of a log that is read.
pub(super) enum Read {
    /// The next entries.
    Part(LogPart),
    /// Something that makes it impossible to go on.
    Wrong(Finding),
}

impl LogSource {
    /// Returns the newest checkpoint, opened under `keys`.
    ///
    /// # Errors
    /// The source is not reached, or shows no checkpoint at all.
    pub async fn newest(&self, keys: &[VerifierKey]) -> Result<Newest, CommandError> {
        match self {
            Self::Service(connection) => {
                let (checkpoint, note) = connection.checkpoint().await?;
                let trusted = true;
                Ok(Newest {
                    note,
                    checkpoint,
                    trusted,
                })
            }
            Self::Tiles(log) => {
                let log = Arc::clone(log);
                let note = waiting(move || log.checkpoint()).await?;
                let note = note.map_err(unread)?;
                let checkpoint = Checkpoint::of_any_log(&note);
                let checkpoint =
                    checkpoint.map_err(|error| CommandError::new(Kind::Finding, error))?;
                let opened = open_checkpoint(note.as_bytes(), keys, &StrictVerifier);
                Ok(Newest {
                    trusted: opened.is_ok(),
                    note,
                    checkpoint,
                })
            }
        }
    }

    /// Returns all accounts as of the newest checkpoint, and that checkpoint.
    ///
    /// # Errors
    /// As [`newest`](Self::newest).
    pub async fn accounts(&self, keys: &[VerifierKey]) -> Result<(Accounts, Newest), CommandError> {
        let mut newest = self.newest(keys).await?;
        let Self::Service(connection) = self else {
            return Ok((Err("tiles have none".to_owned()), newest));
        };
        for _ in 0..ACCOUNT_READS_MAX {
            let size = newest.checkpoint.size;
            let read = connection.accounts("", ACCOUNTS_MAX).await?;
            newest = self.newest(keys).await?;
            if read.more {
                let why = format!("there are more than {ACCOUNTS_MAX}");
                return Ok((Err(why), newest));
            }
            if size == newest.checkpoint.size && read.read_at_size == size {
                let balance = |account: crate::client::Account| AccountBalance {
                    name: account.name,
                    balance: account.balance,
                    last_index: account.last_index,
                };
                let accounts = read.items.into_iter().map(balance).collect();
                return Ok((Ok(accounts), newest));
            }
        }
        let why = "the log grew each time that they were read; audit it when it is quiet";
        Ok((Err(why.to_owned()), newest))
    }

    /// Starts to read the entries from `first` up to the newest checkpoint's size.
    pub fn read(
        &self,
        first: u64,
        newest: &Newest,
    ) -> (
        mpsc::Receiver<Read>,
        tokio::task::JoinHandle<Result<(), ClientError>>,
    ) {
        let (sender, parts) = mpsc::channel(PARTS_AHEAD);
        let size = newest.checkpoint.size;
        let reading = match self {
            Self::Service(connection) => {
                let connection = connection.as_ref().clone();
                tokio::spawn(read_stream(connection, first, size, sender))
            }
            Self::Tiles(log) => {
                let (log, note) = (Arc::clone(log), newest.note.clone());
                tokio::task::spawn_blocking(move || {
                    read_bundles(&log, first, (size, note), &sender);
                    Ok(())
                })
            }
        };
        (parts, reading)
    }

    /// Returns the root that the log's tree has at a size, with the consistency proof from there to
    /// a checkpoint; none where the log proves nothing.
    ///
    /// # Errors
    /// The source is not reached.
    pub async fn prove(
        &self,
        size: u64,
        to: &Checkpoint,
    ) -> Result<Option<(TreeHash, Vec<TreeHash>)>, CommandError> {
        let (root, proof) = match self {
            Self::Service(connection) => {
                let root = match connection.root_at(size).await {
                    Ok(root) => root,
                    Err(ClientError::Form { .. }) => return Ok(None),
                    Err(error) => return Err(error.into()),
                };
                let proved = connection.prove_consistency(size, &root, to.size).await;
                match proved {
                    Ok(proved) => (root, proved.proof),
                    Err(ClientError::Form { .. }) => return Ok(None),
                    Err(error) => return Err(error.into()),
                }
            }
            Self::Tiles(log) => {
                let (log, new) = (Arc::clone(log), to.size);
                let proved = waiting(move || {
                    let nodes = TileNodes {
                        tiles: log.as_ref(),
                        size: new,
                    };
                    let root = root_at(size, &nodes).ok()?;
                    Some((root, consistency_proof(size, new, &nodes).ok()?))
                });
                match proved.await? {
                    Some(proved) => proved,
                    None => return Ok(None),
                }
            }
        };
        let verified = verify_consistency(size, to.size, &proof, &root, &to.root);
        Ok(verified.is_ok().then_some((root, proof)))
    }

    /// Compares the tiles with the leaves that were audited; a service has none.
    pub fn check_tiles(&self, leaves: &[TreeHash], from: u64, report: &mut crate::audit::Report) {
        let Self::Tiles(log) = self else {
            return;
        };
        let mut read = |tile: &TileId| log.read(tile).map_err(|error| chain(&error));
        check_tiles(leaves, from, &mut read, report);
    }
}

/// Runs what waits for disks and networks on a thread that may.
pub(super) async fn waiting<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CommandError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| CommandError::new(Kind::Fault, error))
}

pub(super) fn unread(error: crate::client::TileLogError) -> CommandError {
    let missing = error.is_missing();
    let said = CommandError::input(error);
    match missing {
        true => said.hint("It is a folder of `fenrun log export`, or the URL that it is under."),
        false => said,
    }
}

/// Returns an error with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// Streams entries into a channel; an end of the channel ends it too.
async fn read_stream(
    connection: Connection,
    first: u64,
    size: u64,
    parts: mpsc::Sender<Read>,
) -> Result<(), ClientError> {
    // A limit of 0 would mean all.
    if first >= size {
        return Ok(());
    }
    let mut run = connection
        .entries(first, size.saturating_sub(first))
        .await?;
    while let Some(part) = run.next().await? {
        if parts.send(Read::Part(part)).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Reads entry bundles into a channel; `end` is the size of the log and its checkpoint.
fn read_bundles(log: &TileLog, first: u64, end: (u64, String), parts: &mpsc::Sender<Read>) {
    // The last bundle may be partial, and then it is no news that it is there.
    if first >= end.0 {
        return;
    }
    let from = first.checked_div(TILE_WIDTH).unwrap_or_default();
    let tiles: Vec<TileId> = TileId::of_size(TileKind::Entries, end.0, from).collect();
    let mut next = first;
    let mut checkpoint = Some(end);
    let mut groups = tiles.chunks(BUNDLES_PER_PART).peekable();
    while let Some(group) = groups.next() {
        let mut leaves = Vec::new();
        for tile in group {
            let skip = usize::try_from(next.saturating_sub(tile.first())).unwrap_or(usize::MAX);
            match read_bundle(log, tile) {
                Ok(bundle) => leaves.extend(bundle.into_iter().skip(skip)),
                Err(why) => {
                    let place = Place::Tile(tile.to_string());
                    let finding = Finding::new(FindingKind::TileDiffers, place, why);
                    // Whoever does not listen any more has ended the audit.
                    let _ = parts.blocking_send(Read::Wrong(finding));
                    return;
                }
            }
            next = next.max(tile.end());
        }
        let count = u64::try_from(leaves.len()).unwrap_or(u64::MAX);
        let last = groups.peek().is_none();
        let part = LogPart {
            first_index: next.saturating_sub(count),
            leaves,
            checkpoints: checkpoint.take_if(|_| last).into_iter().collect(),
            read_at_size: next,
        };
        if parts.blocking_send(Read::Part(part)).is_err() {
            return;
        }
    }
}

fn read_bundle(log: &TileLog, tile: &TileId) -> Result<Vec<Bytes>, String> {
    let bytes = log.read(tile).map_err(|error| chain(&error))?;
    let bytes = Bytes::from(bytes);
    let leaves = bundled(&bytes).map_err(|error| error.to_string())?;
    if u64::try_from(leaves.len()) != Ok(tile.width()) {
        let (found, wanted) = (leaves.len(), tile.width());
        return Err(format!(
            "it has {found} entries, and its name says {wanted}"
        ));
    }
    Ok(leaves
        .into_iter()
        .map(|leaf| bytes.slice_ref(leaf))
        .collect())
}
