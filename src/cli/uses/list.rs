//! `fenrun use list`.

use crate::cli::choices::{Choice, LIMIT_DEFAULT, pool_name};
use crate::cli::report::{Report, short, table};
use crate::cli::{CommandError, Context};
use crate::client::{Listed, Use};
use crate::domain::Period;

/// Lists the contributions in use in a pool's period
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The pool
    #[arg(value_name = "POOL")]
    pool: String,
    /// The period
    #[arg(value_name = "PERIOD")]
    period: Period,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

impl Report for Listed<Use> {
    fn text(&self) -> String {
        let headings = ["contribution", "id", "class", ">units", ">entry"];
        table(
            self,
            "There is no use that you may see.",
            &headings,
            |one| {
                vec![
                    one.contribution.to_string(),
                    short(&one.contribution_id),
                    Choice(one.use_class).to_string(),
                    one.units.to_string(),
                    one.declared_index.to_string(),
                ]
            },
        )
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let pool = pool_name(&args.pool)?;
    let connection = context.connect().await?;
    let listed = connection.uses(&pool, &args.period, args.limit).await?;
    context.show(&listed)
}
