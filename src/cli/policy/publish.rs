//! `fenrun policy publish`.

use std::path::PathBuf;

use super::document::read;
use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::domain::PublishPolicy;

/// Publishes a policy, which is immutable then and known by its hash; by the operator
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The policy as JSON: the calculators' policy with name, time_zone and objection_days
    #[arg(value_name = "FILE.json")]
    file: PathBuf,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let document = read(&args.file)?;
    let session = context.session().await?;
    let what = format!(
        "the policy {} is published, hash {}",
        document.policy.name, document.policy_hash
    );
    let action = PublishPolicy {
        policy: document.policy,
        policy_hash: document.policy_hash,
    };
    let recorded = session.submit(action).await?;
    context.show(&RecordedReport::new(what, &recorded).about("policy_hash", document.policy_hash))
}
