//! `fenrun pool list`.

use crate::cli::choices::{Choice, LIMIT_DEFAULT};
use crate::cli::report::{Report, table};
use crate::cli::{CommandError, Context};
use crate::client::{Listed, Pool};

/// Lists pools, the newest first
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

impl Report for Listed<Pool> {
    fn text(&self) -> String {
        let headings = [
            "pool",
            "payer",
            "evaluator",
            "currency",
            "period",
            ">opened at",
        ];
        table(
            self,
            "There is no pool that you may see.",
            &headings,
            |pool| {
                vec![
                    format!("pools/{}", pool.name),
                    pool.payer.to_string(),
                    pool.evaluator.to_string(),
                    pool.currency.to_string(),
                    Choice(pool.period_kind).to_string(),
                    pool.opened_index.to_string(),
                ]
            },
        )
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let listed = context.connect().await?.pools(args.limit).await?;
    context.show(&listed)
}
