//! `fenrun command send`: sends a signed command, or asks what would be said to it.

use std::path::PathBuf;

use super::show::read;
use crate::cli::recorded::RecordedReport;
use crate::cli::report::{Report, facts};
use crate::cli::{CommandError, Context, Kind};
use crate::client::CommandCheck;

/// Sends a signed command from its file; the same command again gets its first receipt
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// What `fenrun command sign --out` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only asks for everything that is wrong with it; records nothing
    #[arg(long)]
    check: bool,
}

impl Report for CommandCheck {
    fn text(&self) -> String {
        let mut text = facts(&[
            ("command", self.command_id.to_string()),
            ("signed bytes", self.signed_bytes.clone()),
        ]);
        if self.refusals.is_empty() {
            text.push_str("\nIt would be recorded.");
        }
        for refusal in &self.refusals {
            text.push_str(&format!("\n{}: {}", refusal.reason, refusal.message));
            for violation in &refusal.violations {
                text.push_str(&format!(
                    "\n  {}: {}",
                    violation.field, violation.description
                ));
            }
        }
        text
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let signed = read(&args.file)?;
    let session = context.session().await?;
    if args.check {
        let check = session.check(&signed).await?;
        context.show(&check)?;
        return match check.refusals.first() {
            None => Ok(()),
            Some(first) => Err(CommandError::new(
                Kind::Refused,
                format!("it would be refused: {}", first.reason),
            )),
        };
    }
    let recorded = session.send(&signed).await?;
    context.show(&RecordedReport::new("the command is recorded", &recorded))
}
