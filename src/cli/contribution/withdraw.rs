//! `fenrun contribution withdraw`.

use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::domain::{Period, WithdrawContribution};

/// Ends the use of a contribution from a period on; what was declared before stays
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A name such as school/digits@2, an id, or at least 8 digits of one
    #[arg(value_name = "CONTRIBUTION")]
    contribution: String,
    /// The first period for which no use may be declared any more
    #[arg(long, value_name = "PERIOD")]
    from: Period,
    /// The reason, for people
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    reason: String,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let session = context.session().await?;
    let contribution = session
        .connection()
        .contribution(&args.contribution)
        .await?;
    let action = WithdrawContribution {
        contribution: contribution.id,
        from_period: args.from,
        reason: args.reason,
    };
    let recorded = session.submit(action).await?;
    let what = format!("{} is withdrawn from {} on", contribution.name, args.from);
    context.show(&RecordedReport::new(what, &recorded))
}
