//! `fenrun payout settle`.

use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::domain::SettlePayout;

/// Says that the money of a payout has gone out; by the operator
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The id of the payout, or at least 8 digits of it
    #[arg(value_name = "PAYOUT")]
    payout: String,
    /// The bank's reference of the payment, unique among payouts
    #[arg(long, value_name = "TEXT")]
    bank_reference: String,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let session = context.session().await?;
    let payout = session.connection().payout(&args.payout).await?;
    let action = SettlePayout {
        payout: payout.id,
        bank_reference: args.bank_reference,
    };
    let recorded = session.submit(action).await?;
    let what = format!("{} was paid to {}", payout.amount, payout.party);
    context.show(&RecordedReport::new(what, &recorded))
}
