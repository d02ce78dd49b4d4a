//! The data folder of a ledger on this machine: its log key, its log, its engine.

use std::path::Path;
use std::sync::Arc;

use super::log_signers::{FolderSigners, log_key_path};
use super::{CommandError, Kind};
use crate::domain::Found;
use crate::engine::{
    Clock, EngineLimits, FolderOptions, OpenError, OpenedFolder, StartError, open_folder,
};
use crate::merkle::VerifierKey;
use crate::store::blobs::BlobLimits;
use crate::store::index::IndexOptions;
use crate::store::log::{
    FolderError, GuardError, Guarding, LogOptions, StartError as LogStartError,
};

/// Opens the folder of a founded ledger and starts its engine.
///
/// # Errors
/// It is no such folder, another process has it, or its log is damaged or rolled back.
pub(super) fn open(
    dir: &Path,
    guard: Guarding,
    clock: Arc<dyn Clock>,
) -> Result<OpenedFolder, CommandError> {
    if !dir.is_dir() {
        return Err(
            CommandError::input(format!("there is no folder {}", dir.display())).hint(INIT_HINT),
        );
    }
    let signers = FolderSigners::open(dir)?;
    if signers.is_empty() {
        let error = format!("there is no log key {}", log_key_path(dir).display());
        return Err(CommandError::input(error)
            .hint(INIT_HINT)
            .hint("If there is a ledger, bring its log key back from a copy."));
    }
    open_folder(dir, Arc::new(signers), folder_options(guard, clock)).map_err(open_error)
}

/// Returns how the parts of a folder are opened.
pub(super) fn folder_options(guard: Guarding, clock: Arc<dyn Clock>) -> FolderOptions {
    FolderOptions {
        log: LogOptions::default(),
        guard,
        index: IndexOptions::default(),
        blobs: BlobLimits::default(),
        clock,
        limits: EngineLimits::default(),
    }
}

const INIT_HINT: &str = "Found a ledger there first: `fenrun init`.";

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
        LogStartError::Rollback { .. } | LogStartError::Guard(GuardError::Behind { .. }) => {
            CommandError::new(Kind::Finding, error)
                .hint("Nothing was changed. What to do: docs/operations.md, \"Rollback\".")
        }
        LogStartError::Guard(GuardError::Unreadable { .. }) => {
            CommandError::new(Kind::Finding, error)
                .hint("Nothing was changed. What to do: docs/operations.md, \"The guard\".")
        }
        LogStartError::Guard(_) => CommandError::input(error),
        LogStartError::Disk(_) => CommandError::new(Kind::Fault, error),
        _ => CommandError::new(Kind::Finding, error)
            .hint("Nothing was changed. Look with `fenrun fsck`, and keep a copy of the folder."),
    }
}

/// Says what a folder that does not open means for who opens it.
pub(super) fn open_error(error: OpenError) -> CommandError {
    match error {
        OpenError::Folder(error) => folder_error(error),
        OpenError::Log(error) => log_error(error),
        OpenError::Start(error) => engine_error(error),
        OpenError::Index(_) => CommandError::input(error),
        error => CommandError::new(Kind::Finding, error)
            .hint("Look with `fenrun fsck`, and keep a copy of the folder."),
    }
}

fn engine_error(error: StartError) -> CommandError {
    match &error {
        StartError::NotFounded => CommandError::input(error).hint(INIT_HINT),
        StartError::ClockBehind { .. } => CommandError::input(error),
        StartError::WrongLogKey { .. } => CommandError::input(error)
            .hint("Bring its file in `keys` of the data folder back from a copy."),
        _ => CommandError::new(Kind::Finding, error)
            .hint("Look with `fenrun fsck`, and keep a copy of the folder."),
    }
}
