//! `fenrun policy check`.

use std::path::PathBuf;

use super::document::{Document, read, refused};
use crate::cli::report::{Report, facts};
use crate::cli::{CommandError, Context};

/// Checks a policy offline and prints its hash
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The policy as JSON: the calculators' policy with name, time_zone and objection_days
    #[arg(value_name = "FILE.json")]
    file: PathBuf,
}

impl Report for Document {
    fn text(&self) -> String {
        facts(&[
            ("policy", self.policy.name.to_string()),
            ("hash", self.policy_hash.to_string()),
            ("time zone", self.policy.time_zone.clone()),
            ("objection", format!("{} days", self.policy.objection_days)),
        ])
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let document = read(&args.file)?;
    match refused(&document) {
        Some(rejection) => Err(rejection.into()),
        None => context.show(&document),
    }
}
