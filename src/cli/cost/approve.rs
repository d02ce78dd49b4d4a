//! `fenrun cost approve`.

use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::domain::{ApproveCost, Money};

/// Decides on a cost claim, once; by the operator
///
/// An amount of 0 refuses it.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The id of the claim, or at least 8 digits of it
    #[arg(value_name = "CLAIM")]
    claim: String,
    /// The amount that is approved, such as "1050.03 CNY" [default: all of it]
    #[arg(value_name = "AMOUNT")]
    amount: Option<Money>,
    /// The reason where less is approved than was claimed
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
    let claim = session.connection().cost_claim(&args.claim).await?;
    let approved = args.amount.unwrap_or(claim.claimed);
    let action = ApproveCost {
        claim: claim.id,
        approved,
        reason: args.reason,
    };
    let recorded = session.submit(action).await?;
    let what = format!(
        "{approved} of {} is approved for {}",
        claim.claimed, claim.contribution
    );
    context.show(&RecordedReport::new(what, &recorded))
}
