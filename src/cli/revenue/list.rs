//! `fenrun revenue list`.

use crate::cli::choices::{Choice, LIMIT_DEFAULT, pool_name};
use crate::cli::report::{Report, table};
use crate::cli::{CommandError, Context};
use crate::client::{Listed, Revenue};
use crate::domain::Period;

/// Lists the revenue of a pool, the newest first
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The pool
    #[arg(value_name = "POOL")]
    pool: String,
    /// Only of this period
    #[arg(value_name = "PERIOD")]
    period: Option<Period>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

impl Report for Listed<Revenue> {
    fn text(&self) -> String {
        let headings = ["reference", "period", "kind", ">amount", ">entry"];
        table(
            self,
            "There is no revenue that you may see.",
            &headings,
            |one| {
                vec![
                    one.reference.clone(),
                    one.period.to_string(),
                    Choice(one.kind).to_string(),
                    one.amount.to_string(),
                    one.posted_index.to_string(),
                ]
            },
        )
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let pool = pool_name(&args.pool)?;
    let connection = context.connect().await?;
    let listed = connection
        .revenue(&pool, args.period.as_ref(), args.limit)
        .await?;
    context.show(&listed)
}
