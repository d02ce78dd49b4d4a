//! `fenrun policy list`.

use crate::cli::choices::LIMIT_DEFAULT;
use crate::cli::report::{Report, table};
use crate::cli::{CommandError, Context};
use crate::client::{Listed, PublishedPolicy};

/// Lists policies, the newest first
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

impl Report for Listed<PublishedPolicy> {
    fn text(&self) -> String {
        let headings = ["policy", "hash", "time zone", ">objection days", ">entry"];
        table(
            self,
            "There is no policy that you may see.",
            &headings,
            |one| {
                vec![
                    one.policy.name.to_string(),
                    one.policy_hash.to_string(),
                    one.policy.time_zone.clone(),
                    one.policy.objection_days.to_string(),
                    one.published_index.to_string(),
                ]
            },
        )
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let listed = context.connect().await?.policies(args.limit).await?;
    context.show(&listed)
}
