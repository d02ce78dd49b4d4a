//! `fenrun payout due`.

use serde::Serialize;

use crate::cli::choices::LIMIT_DEFAULT;
use crate::cli::report::{Report, table};
use crate::cli::{CommandError, Context};
use crate::client::{Listed, Payable};
use crate::domain::{Money, PartyName, UnixMillis};

/// Lists what can be paid to whom, and what waits for days of objection
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Only to this party
    #[arg(long = "to", value_name = "PARTY")]
    to: Option<PartyName>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

/// What can be paid to a party in one currency.
#[derive(Debug, Serialize)]
struct Due {
    party: PartyName,
    payable: Money,
    payable_now: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    more_from: Option<UnixMillis>,
}

impl Due {
    fn at(payable: Payable, now: UnixMillis) -> Self {
        Self {
            payable_now: payable.free_at(now),
            more_from: payable.more_from(now),
            party: payable.party,
            payable: payable.balance,
        }
    }
}

impl Report for Listed<Due> {
    fn text(&self) -> String {
        let headings = ["party", ">payable", ">payable now", "more from"];
        table(
            self,
            "Nothing is payable that you may see.",
            &headings,
            |due| {
                vec![
                    due.party.to_string(),
                    due.payable.to_string(),
                    due.payable_now.to_string(),
                    due.more_from
                        .map_or_else(String::new, |time| time.to_string()),
                ]
            },
        )
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let connection = context.connect().await?;
    let listed = connection.payables(args.to.as_ref(), args.limit).await?;
    let now = context.now();
    let due = listed.items.into_iter();
    context.show(&Listed {
        items: due.map(|payable| Due::at(payable, now)).collect(),
        read_at_size: listed.read_at_size,
        more: listed.more,
    })
}
