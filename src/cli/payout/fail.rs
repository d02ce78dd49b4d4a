//! `fenrun payout fail`.

use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::domain::FailPayout;

/// Says that the money of a payout did not go out; by the operator
///
/// The amount is payable again; a repeat is another payout, with a reference of its own.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The id of the payout, or at least 8 digits of it
    #[arg(value_name = "PAYOUT")]
    payout: String,
    /// The reason, for people
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let session = context.session().await?;
    let payout = session.connection().payout(&args.payout).await?;
    let action = FailPayout {
        payout: payout.id,
        reason: args.reason,
    };
    let recorded = session.submit(action).await?;
    let what = format!("{} is payable to {} again", payout.amount, payout.party);
    context.show(&RecordedReport::new(what, &recorded))
}
