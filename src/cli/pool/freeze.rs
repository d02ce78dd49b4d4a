//! `fenrun pool freeze`.

use crate::cli::choices::pool_name;
use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::domain::{FreezePeriod, Period};

/// Seals the inputs of a pool's period; by the operator
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The pool
    #[arg(value_name = "POOL")]
    pool: String,
    /// The period
    #[arg(value_name = "PERIOD")]
    period: Period,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let pool = pool_name(&args.pool)?;
    let period = args.period;
    let session = context.session().await?;
    let what = format!("{period} of pools/{pool} is frozen");
    let recorded = session.submit(FreezePeriod { pool, period }).await?;
    context.show(&RecordedReport::new(what, &recorded))
}
