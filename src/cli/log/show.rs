//! `fenrun log show`.

use super::reference;
use crate::cli::report::{Report, facts};
use crate::cli::{CommandError, Context};
use crate::client::EntryShown;

/// Shows an entry: when it was recorded, and its command as JSON
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The index, from 0, with # before one of 8 digits or more; or at least 8
    /// hex digits of the command's id
    #[arg(value_name = "ENTRY")]
    entry: String,
}

impl Report for EntryShown {
    fn text(&self) -> String {
        let json: Result<serde_json::Value, _> = serde_json::from_str(&self.command_json);
        let pretty = json.and_then(|json| serde_json::to_string_pretty(&json));
        let command = pretty.unwrap_or_else(|_| self.command_json.clone());
        let head = facts(&[
            ("entry", self.index.to_string()),
            ("recorded", self.recorded_at.to_string()),
            ("command", self.command_id.to_string()),
        ]);
        format!("{head}\n{command}")
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let entry = context
        .connect()
        .await?
        .entry(&reference(&args.entry))
        .await?;
    context.show(&entry)
}
