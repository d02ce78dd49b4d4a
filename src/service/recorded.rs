//! What only an entry itself says: when it was recorded, and texts that no row keeps.

use std::sync::Arc;

use super::status::Failure;
use crate::domain::{Action, Command, Entry, UnixMillis};
use crate::engine::Engine;
use crate::store::log::{LogFault, LogReader};
use crate::wire::decode_command;

impl From<LogFault> for Failure {
    fn from(fault: LogFault) -> Self {
        Self::Fault(fault.into())
    }
}

/// Reads entries, and keeps the last one: what one command created is shown together.
pub(super) struct Recorded {
    log: Arc<dyn LogReader>,
    last: Option<(u64, RecordedEntry)>,
}

/// An entry, decoded.
pub(super) struct RecordedEntry {
    /// When it was recorded.
    pub recorded_at: UnixMillis,
    /// Its command.
    pub command: Command,
}

impl Recorded {
    /// Reads the entries of an engine's log.
    pub fn new(engine: &Engine) -> Self {
        let log = Arc::clone(engine.log());
        Self { log, last: None }
    }

    /// Returns an entry.
    ///
    /// # Errors
    /// A fault where it cannot be read.
    pub fn entry(&mut self, index: u64) -> Result<&RecordedEntry, Failure> {
        let kept = match self.last.take() {
            Some((kept, entry)) if kept == index => entry,
            _ => read(self.log.as_ref(), index)?,
        };
        let (_, entry) = self.last.insert((index, kept));
        Ok(entry)
    }
}

fn read(log: &dyn LogReader, index: u64) -> Result<RecordedEntry, Failure> {
    let entry =
        Entry::from_leaf(&log.leaf(index)?).map_err(|error| Failure::Fault(error.into()))?;
    let command = decode_command(&entry.command);
    let command = command.map_err(|rejection| {
        Failure::fault(format!("entry {index} does not decode: {rejection}"))
    })?;
    Ok(RecordedEntry {
        recorded_at: entry.recorded_at,
        command,
    })
}

impl RecordedEntry {
    /// Returns the description of the contribution that the entry recorded under a number.
    pub fn description(&self, number: u32) -> &str {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        match &self.command.action {
            Action::RecordContribution(one) if at == 0 => &one.description,
            Action::RecordContributions(many) => many
                .contributions
                .get(at)
                .map_or("", |one| one.description.as_str()),
            _ => "",
        }
    }
}
