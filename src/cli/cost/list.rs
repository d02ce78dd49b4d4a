//! `fenrun cost list`.

use crate::cli::choices::LIMIT_DEFAULT;
use crate::cli::report::{Report, short, table};
use crate::cli::{CommandError, Context};
use crate::client::{CostClaim, Listed};
use crate::domain::{Money, PartyName};

/// Lists cost claims, the newest first
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Only of this party
    #[arg(long = "of", value_name = "PARTY")]
    of: Option<PartyName>,
    /// Only claims that wait for a decision
    #[arg(long)]
    undecided: bool,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

impl Report for Listed<CostClaim> {
    fn text(&self) -> String {
        let headings = [
            "claim",
            "contribution",
            "class",
            ">claimed",
            ">approved",
            ">outstanding",
            ">entry",
        ];
        let amount = |amount: &Option<Money>| match amount {
            Some(amount) => amount.to_string(),
            None => "undecided".to_owned(),
        };
        table(
            self,
            "There is no claim that you may see.",
            &headings,
            |claim| {
                vec![
                    short(&claim.id),
                    claim.contribution.to_string(),
                    claim.cost_class.to_string(),
                    claim.claimed.to_string(),
                    amount(&claim.approved),
                    amount(&claim.outstanding),
                    claim.claimed_index.to_string(),
                ]
            },
        )
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let connection = context.connect().await?;
    let listed = connection
        .cost_claims(args.of.as_ref(), args.undecided, args.limit)
        .await?;
    context.show(&listed)
}
