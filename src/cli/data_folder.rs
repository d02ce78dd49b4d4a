//! The data folder of a ledger on this machine: its log key, its log, its engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::context::read_key;
use super::{CommandError, Kind};
use crate::domain::{Action, Entry, Found, LedgerId};
use crate::engine::{Clock, Engine, EngineOptions, MemoryAttachments, StartError};
use crate::keys::SecretKey;
use crate::merkle::VerifierKey;
use crate::store::index::{Index, IndexOptions};
use crate::store::log::{
    DataFolder, Evidence, EvidenceSource, FixedKeys, FolderError, LogOptions, SegmentLog,
    StartError as LogStartError, read_founding,
};
use crate::wire::decode_command;

/// Returns where the log key lies; no other key lies in the data folder.
pub(super) fn log_key_path(dir: &Path) -> PathBuf {
    dir.join("keys").join("log.pem")
}

/// A ledger's folder, opened and held.
pub(super) struct OpenFolder {
    pub(super) engine: Engine,
    pub(super) ledger: LedgerId,
    pub(super) verifier_key: VerifierKey,
}

/// Opens the folder of a founded ledger and starts its engine.
///
/// # Errors
/// It is no such folder, another process has it, or its log is damaged or rolled back.
pub(super) fn open(dir: &Path, clock: Arc<dyn Clock>) -> Result<OpenFolder, CommandError> {
    if !dir.is_dir() {
        return Err(
            CommandError::input(format!("there is no folder {}", dir.display())).hint(INIT_HINT),
        );
    }
    let disk = Arc::new(DataFolder::open(dir).map_err(folder_error)?);
    let (ledger, verifier_key) = founding(disk.as_ref())?;
    let signer: SecretKey = read_key(&log_key_path(dir))?;
    let mut keys = FixedKeys(vec![verifier_key.clone()]);
    let index = Index::open(&dir.join("index"), IndexOptions::default());
    let (index, applied) = index.map_err(CommandError::input)?;
    let evidence = [Evidence {
        source: EvidenceSource::Index,
        size: applied.size,
        root: applied.root,
    }];
    let options = LogOptions::default();
    let log = SegmentLog::open(disk, options, &evidence, &mut keys).map_err(log_error)?;
    let engine = Engine::start(EngineOptions {
        log: Box::new(log),
        index,
        attachments: Arc::new(MemoryAttachments::default()),
        signer: Arc::new(signer),
        clock,
    })
    .map_err(engine_error)?;
    Ok(OpenFolder {
        engine,
        ledger,
        verifier_key,
    })
}

const INIT_HINT: &str = "Found a ledger there first: `fenrun init`.";

/// Reads ledger id and log key from entry 0, whose id is the ledger's.
fn founding(disk: &DataFolder) -> Result<(LedgerId, VerifierKey), CommandError> {
    let (_, leaf) = read_founding(disk).map_err(log_error)?;
    let damaged = |error: &dyn std::fmt::Display| {
        CommandError::new(Kind::Finding, format!("entry 0 is damaged: {error}"))
    };
    let entry = Entry::from_leaf(&leaf).map_err(|error| damaged(&error))?;
    let command = decode_command(&entry.command).map_err(|error| damaged(&error))?;
    let Action::Found(found) = command.action else {
        return Err(damaged(&"it is no founding command"));
    };
    Ok((entry.command_id().into(), verifier_key(&found)))
}

/// Returns the key that signs checkpoints, as the founding command names it.
pub(super) fn verifier_key(found: &Found) -> VerifierKey {
    VerifierKey {
        name: found.origin.clone(),
        key: found.log_key,
    }
}

pub(super) fn folder_error(error: FolderError) -> CommandError {
    CommandError::input(error)
}

/// Says what an error of the log's start means for who started it.
pub(super) fn log_error(error: LogStartError) -> CommandError {
    match &error {
        LogStartError::Empty => CommandError::input(error).hint(INIT_HINT),
        LogStartError::NotEmpty { .. } => CommandError::input(error)
            .hint("A ledger is founded once. Say --dir with another folder for a new one."),
        LogStartError::Disk(_) => CommandError::new(Kind::Fault, error),
        _ => CommandError::new(Kind::Finding, error)
            .hint("Nothing was changed. Look with `fenrun fsck`, and keep a copy of the folder."),
    }
}

fn engine_error(error: StartError) -> CommandError {
    match &error {
        StartError::NotFounded => CommandError::input(error).hint(INIT_HINT),
        StartError::ClockBehind { .. } => CommandError::input(error),
        _ => CommandError::new(Kind::Finding, error)
            .hint("Look with `fenrun fsck`, and keep a copy of the folder."),
    }
}
