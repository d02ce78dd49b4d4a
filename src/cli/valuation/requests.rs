//! `fenrun valuation requests`.

use crate::cli::choices::{LIMIT_DEFAULT, pool_name};
use crate::cli::report::{Report, short, table};
use crate::cli::{CommandError, Context};
use crate::client::{Listed, ValuationRequest};
use crate::domain::Period;

/// Lists what the service was asked to value, the newest first
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Only of this pool
    #[arg(value_name = "POOL")]
    pool: Option<String>,
    /// Only of this period
    #[arg(value_name = "PERIOD")]
    period: Option<Period>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

impl Report for Listed<ValuationRequest> {
    fn text(&self) -> String {
        let headings = ["request", "pool", "period", "method", ">entry", "valuation"];
        table(
            self,
            "There is no request that you may see.",
            &headings,
            |one| {
                vec![
                    short(&one.id),
                    format!("pools/{}", one.pool),
                    one.period.to_string(),
                    one.method.clone(),
                    one.requested_index.to_string(),
                    one.valuation
                        .map_or_else(|| "open".to_owned(), |id| short(&id)),
                ]
            },
        )
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let pool = args.pool.as_deref().map(pool_name).transpose()?;
    let connection = context.connect().await?;
    let listed = connection
        .valuation_requests(pool.as_ref(), args.period.as_ref(), args.limit)
        .await?;
    context.show(&listed)
}
