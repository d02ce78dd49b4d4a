//! The files of an auditor: what it remembers, and evidence of forks beside it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::audit::{Memory, Pins};
use crate::cli::CommandError;
use crate::client::write_durably;
use crate::config::Settings;
use crate::domain::PartyName;
use crate::keys::StrictVerifier;
use crate::merkle::{Checkpoint, ForkEvidence};

/// The folder of what auditors remember, in the configuration folder.
const FOLDER: &str = "audits";

/// Where an auditor keeps what it remembers; nowhere, where it was told so.
pub(super) struct StateFile {
    path: Option<PathBuf>,
    evidence: Option<PathBuf>,
    folder: PathBuf,
}

impl StateFile {
    /// Returns the file that was named, or the one of the ledger in the configuration folder: one
    /// for audits of the whole log, and one for each `party` that audits its own.
    pub fn new(
        named: Option<&Path>,
        none: bool,
        evidence: Option<&Path>,
        settings: &Settings,
        pins: &Pins,
        party: Option<&PartyName>,
    ) -> Self {
        let folder = settings.folder.value.join(FOLDER);
        let name = match party {
            Some(party) => format!("{}.{party}.state", pins.ledger),
            None => format!("{}.state", pins.ledger),
        };
        let default = folder.join(name);
        let path = (!none).then(|| named.map_or(default, Path::to_owned));
        let folder = path.as_ref().and_then(|path| path.parent());
        Self {
            folder: folder.map_or_else(PathBuf::new, Path::to_owned),
            path,
            evidence: evidence.map(Path::to_owned),
        }
    }

    /// Returns the file of who remembers nothing.
    pub fn none() -> Self {
        Self {
            path: None,
            evidence: None,
            folder: PathBuf::new(),
        }
    }

    /// Reads what is remembered, and the checkpoint in it.
    ///
    /// # Errors
    /// The file is there and cannot be read, is damaged, or is of another ledger.
    pub fn read(&self, pins: &Pins) -> Result<Option<(Memory, Checkpoint)>, CommandError> {
        let Some(path) = &self.path else {
            return Ok(None);
        };
        let shown = path.display();
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(CommandError::input(format!(
                    "{shown} cannot be read: {error}"
                )));
            }
        };
        let read = Memory::from_bytes(&bytes, pins, &StrictVerifier);
        read.map(Some).map_err(|error| {
            let error = format!("what earlier audits remembered, {shown}, is not used: {error}");
            CommandError::input(error).hint(
                "Bring a good copy back: without it nothing tells a fork of the log. To begin \
                 anew, move it away.",
            )
        })
    }

    /// Writes what is to be remembered.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, memory: &Memory) -> Result<(), CommandError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        write_durably(path, &memory.to_bytes(), true).map_err(|error| {
            let shown = path.display();
            CommandError::input(format!("{shown} cannot be written: {error}"))
                .hint("Say another place with --state FILE, or --no-state.")
        })
    }

    /// Writes evidence of a fork and returns where it lies: the file that was named, or one beside
    /// the state whose name tells it from every other.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_evidence(&self, evidence: &ForkEvidence) -> Result<PathBuf, CommandError> {
        let bytes = evidence.bytes();
        let path = match &self.evidence {
            Some(path) => path.clone(),
            None => {
                let hash = blake3::hash(&bytes).to_hex();
                let start: String = hash.chars().take(16).collect();
                self.folder.join(format!("fork-{start}.json"))
            }
        };
        write_durably(&path, &bytes, false).map_err(|error| {
            let shown = path.display();
            CommandError::input(format!("the evidence {shown} cannot be written: {error}"))
                .hint("Say another place with --evidence FILE and audit again.")
        })?;
        Ok(path)
    }
}
