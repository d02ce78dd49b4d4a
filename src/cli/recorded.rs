//! What commands print when their command is recorded.

use std::collections::BTreeMap;

use serde::Serialize;

use super::report::{Report, short};
use crate::client::Recorded;
use crate::domain::{CommandId, ThingId, UnixMillis};

/// A recorded command, and what it made.
#[derive(Debug, Serialize)]
pub(super) struct RecordedReport {
    /// What was done, for people.
    #[serde(skip)]
    what: String,
    /// The id of the thing that the command created.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<ThingId>,
    command_id: CommandId,
    index: u64,
    recorded_at: UnixMillis,
    receipt: Option<String>,
    /// What else a program wants to know.
    #[serde(flatten)]
    about: BTreeMap<&'static str, String>,
}

impl RecordedReport {
    /// Returns the report of a command that did `what`.
    pub(super) fn new(what: impl Into<String>, recorded: &Recorded) -> Self {
        let kept = recorded.kept.as_ref();
        Self {
            what: what.into(),
            id: None,
            command_id: recorded.command_id,
            index: recorded.receipt.index,
            recorded_at: recorded.receipt.recorded_at,
            receipt: kept.map(|path| path.display().to_string()),
            about: BTreeMap::new(),
        }
    }

    /// Adds what a program wants to know.
    pub(super) fn about(mut self, name: &'static str, value: impl ToString) -> Self {
        self.about.insert(name, value.to_string());
        self
    }

    /// Says that the command created something with an id of its own.
    pub(super) fn created(mut self) -> Self {
        self.id = Some(self.command_id.thing(0));
        self
    }
}

impl Report for RecordedReport {
    fn text(&self) -> String {
        let (index, command) = (self.index, short(&self.command_id));
        let id = self
            .id
            .map_or_else(String::new, |id| format!(", id {}", short(&id)));
        format!(
            "{}{id}: entry {index}, command {command}, verified",
            self.what
        )
    }
}
