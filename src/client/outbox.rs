//! The outbox: each signed command is a durable file from before it is sent until it is answered.
//!
//! A client that was killed in between cannot know whether its command was recorded. It sends the
//! same bytes again: what was recorded gets its first receipt, and nothing is recorded twice.

use std::io;
use std::path::{Path, PathBuf};

use super::{SignedCommand, files, write_durably};
use crate::domain::{COMMAND_BYTES_MAX, CommandId, LedgerId};

/// The most commands that wait in one outbox.
pub const OUTBOX_COMMANDS_MAX: usize = 4_096;
/// How the files of the outbox end.
const SUFFIX: &str = ".command";
/// The largest file: a command, its key, its signature and the tags between them.
const FILE_BYTES_MAX: u64 = COMMAND_BYTES_MAX as u64 + 256;

/// Why a command is not sent.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// A file cannot be read, written or removed.
    #[error("the outbox file {} cannot be read, written or removed", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file holds something else.
    #[error("the outbox file {} is no signed command; look at it, then remove it", .path.display())]
    Form {
        /// The file.
        path: PathBuf,
    },
    /// Too much waits.
    #[error("{OUTBOX_COMMANDS_MAX} commands wait in the outbox {} already", .path.display())]
    Full {
        /// The folder.
        path: PathBuf,
    },
}

/// The folder of the commands to one ledger that are not answered.
#[derive(Debug, Clone)]
pub struct Outbox {
    folder: PathBuf,
}

/// A command that waits, and its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) command: SignedCommand,
    pub(super) file: PathBuf,
}

impl Outbox {
    /// Uses the folder of a ledger within `folder`, which need not be there yet.
    pub fn new(folder: &Path, ledger: &LedgerId) -> Self {
        Self {
            folder: folder.join(ledger.to_string()),
        }
    }

    /// Puts a command in durably, behind those that wait, and returns its file.
    ///
    /// # Errors
    /// The outbox is full or the file cannot be written; then the command must not be sent.
    pub(super) fn put(&self, command: &SignedCommand) -> Result<PathBuf, OutboxError> {
        let names = self.names()?;
        if names.len() >= OUTBOX_COMMANDS_MAX {
            let path = self.folder.clone();
            return Err(OutboxError::Full { path });
        }
        let id = command.command_id();
        if let Some(name) = names.iter().find(|name| name.contains(&id.to_string())) {
            return Ok(self.folder.join(name));
        }
        let last = names.last().and_then(|name| place(name)).unwrap_or(0);
        let name = format!("{:010}-{id}{SUFFIX}", last.saturating_add(1));
        let path = self.folder.join(name);
        match write_durably(&path, &command.to_bytes(), false) {
            Ok(()) => Ok(path),
            Err(source) => Err(OutboxError::File { path, source }),
        }
    }

    /// Takes an answered command out.
    ///
    /// # Errors
    /// The file is there and cannot be removed.
    pub(super) fn remove(&self, file: &Path) -> Result<(), OutboxError> {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(OutboxError::File {
                path: file.to_owned(),
                source: error,
            }),
            // Another process of the same party may have had the answer, too.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Returns the ids of the commands that wait, in the order in which they were put in.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn ids(&self) -> Result<Vec<CommandId>, OutboxError> {
        let id = |name: &String| name.strip_suffix(SUFFIX)?.split_once('-')?.1.parse().ok();
        Ok(self.names()?.iter().filter_map(id).collect())
    }

    /// Returns the commands that wait, in the order in which they were put in.
    pub(super) fn waiting(&self) -> Result<Vec<Waiting>, OutboxError> {
        let mut waiting = Vec::new();
        for name in self.names()? {
            let file = self.folder.join(name);
            match read(&file) {
                Ok(Some(command)) => waiting.push(Waiting { command, file }),
                // Answered meanwhile, through another process.
                Ok(None) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(waiting)
    }

    fn names(&self) -> Result<Vec<String>, OutboxError> {
        files::names(&self.folder, SUFFIX).map_err(|source| OutboxError::File {
            path: self.folder.clone(),
            source,
        })
    }
}

fn place(name: &str) -> Option<u64> {
    name.split_once('-')?.0.parse().ok()
}

fn read(file: &Path) -> Result<Option<SignedCommand>, OutboxError> {
    let path = file.to_owned();
    let bytes = match std::fs::metadata(file).map(|file| file.len()) {
        Ok(size) if size > FILE_BYTES_MAX => return Err(OutboxError::Form { path }),
        Ok(_) => std::fs::read(file),
        Err(error) => Err(error),
    };
    match bytes {
        Ok(bytes) => match SignedCommand::from_bytes(&bytes) {
            Ok(command) => Ok(Some(command)),
            Err(_) => Err(OutboxError::Form { path }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(OutboxError::File { path, source }),
    }
}
