//! `fenrun payout list`.

use crate::cli::choices::{Choice, LIMIT_DEFAULT};
use crate::cli::report::{Report, short, table};
use crate::cli::{CommandError, Context};
use crate::client::{Listed, Payout};
use crate::domain::{PartyName, PayoutState};

/// Lists payouts, the newest first
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Only to this party
    #[arg(long = "to", value_name = "PARTY")]
    to: Option<PartyName>,
    /// Only those that stand there
    #[arg(long, value_enum, value_name = "STATE")]
    state: Option<Choice<PayoutState>>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

impl Report for Listed<Payout> {
    fn text(&self) -> String {
        let headings = [
            "payout",
            "party",
            ">amount",
            "state",
            "reference",
            "bank's reference",
            ">entry",
        ];
        table(
            self,
            "There is no payout that you may see.",
            &headings,
            |payout| {
                vec![
                    short(&payout.id),
                    payout.party.to_string(),
                    payout.amount.to_string(),
                    Choice(payout.state).to_string(),
                    payout.reference.clone(),
                    payout.bank_reference.clone().unwrap_or_default(),
                    payout.issued_index.to_string(),
                ]
            },
        )
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let connection = context.connect().await?;
    let state = args.state.map(|state| state.0);
    let listed = connection
        .payouts(args.to.as_ref(), state, args.limit)
        .await?;
    context.show(&listed)
}
