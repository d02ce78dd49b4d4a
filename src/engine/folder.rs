//! A data folder as an engine: log and index are opened, compared and brought to the same size.
//!
//! The index says how far it was applied, which the start of the log takes as evidence; then the
//! index catches up. An index that fails meanwhile, or does not read, is set aside and rebuilt:
//! the log is the record and everything else can be made from it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::clock::Clock;
use super::log_keys::ReadKeys;
use super::replay::{ReplayFault, catch_up};
use super::signers::LogSigners;
use super::start::StartError;
use super::{Engine, EngineLimits, EngineOptions};
use crate::domain::{Action, ContentHash, Entry, EntryError, Found, LedgerId, Rejection};
use crate::ledger::{ViewFault, state_hash};
use crate::merkle::VerifierKey;
use crate::store::blobs::{BlobFault, BlobLimits, Blobs};
use crate::store::index::{Applied, Index, IndexError, IndexOptions};
use crate::store::log::{
    DataFolder, Disk, Evidence, EvidenceSource, FolderError, Guarding, LogOptions, LogStore,
    SegmentLog, StartError as LogStartError, read_founding,
};
use crate::wire::decode_command;

/// The folder of the index within the data folder.
const INDEX_FOLDER: &str = "index";
/// The folder of the blobs within the data folder.
const BLOBS_FOLDER: &str = "blobs";

/// How the parts of a data folder are opened.
#[derive(Clone)]
pub struct FolderOptions {
    /// How the log is kept.
    pub log: LogOptions,
    /// Whether and how the log is guarded against being put back to an older one.
    pub guard: Guarding,
    /// How the index is kept.
    pub index: IndexOptions,
    /// What uploads of blobs are bounded by.
    pub blobs: BlobLimits,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// How much may wait.
    pub limits: EngineLimits,
}

/// Why a data folder is not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is missing, or another process has it.
    #[error("the data folder cannot be used")]
    Folder(#[from] FolderError),
    /// The log is missing, damaged, or older than what was shown.
    #[error(transparent)]
    Log(#[from] LogStartError),
    /// Entry 0 is not an entry.
    #[error("entry 0 is damaged")]
    Entry(#[from] EntryError),
    /// Entry 0 is not a founding command.
    #[error("entry 0 is not a founding command")]
    Founding(#[source] Rejection),
    /// The blobs cannot be used, or who uploaded them is not known.
    #[error(transparent)]
    Blobs(#[from] BlobFault),
    /// The index cannot be opened, not even a fresh one.
    #[error("the index cannot be opened")]
    Index(#[from] IndexError),
    /// The rows of the index cannot be read.
    #[error("the index cannot be read")]
    View(#[from] ViewFault),
    /// The engine does not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// A ledger of a data folder, running.
pub struct OpenedFolder {
    /// The engine.
    pub engine: Engine,
    /// The blobs, which are the engine's attachments as well.
    pub blobs: Blobs,
    /// The data folder, in which the work on valuations keeps its plans.
    pub disk: Arc<dyn Disk>,
    /// The index, for whoever wants to know what it has stored.
    pub index: Index,
    /// The ledger's id.
    pub ledger: LedgerId,
    /// The key that signs checkpoints now.
    pub verifier_key: VerifierKey,
}

/// Opens a data folder and starts an engine on it; blocks until the index has caught up.
///
/// `signers` hold the log's key.
///
/// # Errors
/// See [`OpenError`]; the segments are as before.
pub fn open_folder(
    folder: &Path,
    signers: Arc<dyn LogSigners>,
    options: FolderOptions,
) -> Result<OpenedFolder, OpenError> {
    let parts = Parts::open(folder, &options)?;
    let ledger = parts.ledger;
    let blobs = parts.blobs.clone();
    let disk = Arc::clone(&parts.disk);
    let (log, index) = parts.caught_up(&options)?;
    let engine = Engine::start(EngineOptions {
        log,
        index: index.clone(),
        attachments: Arc::new(blobs.clone()),
        signers,
        clock: options.clock,
        limits: options.limits,
    })?;
    let charter = engine.published().charter.clone();
    let verifier_key = VerifierKey {
        name: charter.origin,
        key: charter.log_key,
    };
    Ok(OpenedFolder {
        engine,
        blobs,
        disk,
        index,
        ledger,
        verifier_key,
    })
}

/// What [`reindex`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reindexed {
    /// The number of entries that were applied.
    pub size: u64,
    /// The state hash of the index that was there, if it read and had caught up.
    pub before: Option<[u8; 32]>,
    /// The state hash of the rebuilt index.
    pub after: [u8; 32],
}

/// Sets the index of a data folder aside and rebuilds it from the log.
///
/// It does not clear a rollback: what the old index and the guard have seen is compared with the
/// log first.
///
/// # Errors
/// See [`OpenError`].
pub fn reindex(folder: &Path, options: &FolderOptions) -> Result<Reindexed, OpenError> {
    let parts = Parts::open(folder, options)?;
    let same_size = parts.applied.size == parts.log.size();
    let before = match same_size {
        true => state_hash(&parts.index.view()).ok(),
        false => None,
    };
    let Parts {
        log,
        index,
        blobs,
        path,
        ..
    } = parts;
    // The handle has to be gone before the files are moved.
    drop(index);
    Index::set_aside(&path)?;
    let (index, _) = Index::open(&path, options.index)?;
    let reader = log.reader();
    catch_up(reader.as_ref(), &index, &blobs).map_err(StartError::from)?;
    let after = state_hash(&index.view())?;
    let size = index.view().size();
    index.close()?;
    Ok(Reindexed {
        size,
        before,
        after,
    })
}

/// A data folder whose parts are open and agree, but the index may be behind.
struct Parts {
    ledger: LedgerId,
    log: Box<SegmentLog>,
    index: Index,
    blobs: Blobs,
    disk: Arc<dyn Disk>,
    applied: Applied,
    path: PathBuf,
}

impl Parts {
    fn open(folder: &Path, options: &FolderOptions) -> Result<Self, OpenError> {
        let disk = Arc::new(DataFolder::open(folder)?);
        let (ledger, verifier_key) = founding_of(disk.as_ref())?;
        let path = folder.join(INDEX_FOLDER);
        let (index, applied) = Index::open(&path, options.index)?;
        let evidence = Evidence {
            source: EvidenceSource::Index,
            size: applied.size,
            root: applied.root,
        };
        let mut keys = ReadKeys::founded(verifier_key).with_rows(&index.view())?;
        let log = SegmentLog::open_guarded(
            Arc::clone(&disk) as Arc<dyn Disk>,
            options.log,
            &[evidence],
            &mut keys,
            &options.guard,
        )?;
        let disk: Arc<dyn Disk> = disk;
        let blobs = Blobs::open(Arc::clone(&disk), &folder.join(BLOBS_FOLDER), options.blobs)?;
        Ok(Self {
            ledger,
            log: Box::new(log),
            index,
            blobs,
            disk,
            applied,
            path,
        })
    }

    /// Lets the index catch up; one whose rows do not read is set aside, once.
    fn caught_up(self, options: &FolderOptions) -> Result<(Box<SegmentLog>, Index), OpenError> {
        let reader = self.log.reader();
        match catch_up(reader.as_ref(), &self.index, &self.blobs) {
            Ok(()) => return Ok((self.log, self.index)),
            Err(ReplayFault::View(fault)) => warn_about(&fault),
            Err(ReplayFault::Index(fault)) => warn_about(&fault),
            Err(fault) => return Err(StartError::from(fault).into()),
        }
        drop(self.index);
        Index::set_aside(&self.path)?;
        let (index, _) = Index::open(&self.path, options.index)?;
        Ok((self.log, index))
    }
}

fn warn_about(fault: &(dyn std::error::Error + 'static)) {
    tracing::warn!(error = fault, "the index is set aside and rebuilt");
}

/// Reads ledger id and first log key from entry 0, whose command id is the ledger's; another
/// process may have the folder.
///
/// # Errors
/// There is no log, or entry 0 is damaged or another command.
pub fn founding_of(disk: &dyn Disk) -> Result<(LedgerId, VerifierKey), OpenError> {
    let (entry, found) = founding(disk)?;
    let verifier_key = VerifierKey {
        name: found.origin,
        key: found.log_key,
    };
    Ok((entry.command_id().into(), verifier_key))
}

/// Reads the hash of the terms that every party accepts from entry 0.
///
/// # Errors
/// As [`founding_of`].
pub fn founding_terms(disk: &dyn Disk) -> Result<ContentHash, OpenError> {
    founding(disk).map(|(_, found)| found.terms_hash)
}

fn founding(disk: &dyn Disk) -> Result<(Entry, Found), OpenError> {
    let (_, leaf) = read_founding(disk)?;
    let entry = Entry::from_leaf(&leaf)?;
    let command = decode_command(&entry.command).map_err(OpenError::Founding)?;
    match command.action {
        Action::Found(found) => Ok((entry, found)),
        _ => {
            let message = "it is another command";
            let rejection = Rejection::new(crate::domain::Reason::Malformed, message);
            Err(OpenError::Founding(rejection))
        }
    }
}
