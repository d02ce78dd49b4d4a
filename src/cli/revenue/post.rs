//! `fenrun revenue post`.

use crate::cli::choices::{Choice, pool_name};
use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::domain::{Money, Period, PostRevenue, RevenueKind};

/// Posts money of a period; by the pool's payer or the operator
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The pool
    #[arg(value_name = "POOL")]
    pool: String,
    /// The period that the money belongs to
    #[arg(value_name = "PERIOD")]
    period: Period,
    /// The amount with its currency, such as "1050.03 CNY"
    #[arg(value_name = "AMOUNT")]
    amount: Money,
    /// The external reference, unique in the pool, such as the number of an invoice
    #[arg(long, value_name = "TEXT")]
    reference: String,
    /// Which way it went
    #[arg(long, value_enum, default_value_t = Choice(RevenueKind::Receipt))]
    kind: Choice<RevenueKind>,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let pool = pool_name(&args.pool)?;
    let session = context.session().await?;
    let (amount, period) = (args.amount, args.period);
    let what = format!("{} of {amount} for {period} of pools/{pool}", args.kind);
    let action = PostRevenue {
        pool,
        period,
        kind: args.kind.0,
        amount,
        reference: args.reference,
    };
    let recorded = session.submit(action).await?;
    context.show(&RecordedReport::new(what, &recorded))
}
