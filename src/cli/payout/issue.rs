//! `fenrun payout issue`.

use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::client::Connection;
use crate::domain::{IssuePayout, Money, PartyName, UnixMillis};

/// The most currencies in which a party is looked up.
const CURRENCIES_MAX: usize = 200;

/// Begins to pay a party; by the operator
///
/// The amount is on its way until `fenrun payout settle` or `fenrun payout fail` says what became
/// of it. The same reference is never taken twice, so that a repeat cannot pay twice.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The party
    #[arg(value_name = "PARTY")]
    payee: PartyName,
    /// The amount, such as "1050.03 CNY" [default: all that can be paid now]
    #[arg(value_name = "AMOUNT")]
    amount: Option<Money>,
    /// The reference of the payment order, unique among payouts
    #[arg(long, value_name = "TEXT")]
    reference: String,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let session = context.session().await?;
    let party = args.payee;
    let amount = match args.amount {
        Some(amount) => amount,
        None => all_of(session.connection(), &party, context.now()).await?,
    };
    let what = format!("{amount} is on its way to {party}");
    let action = IssuePayout {
        party,
        amount,
        reference: args.reference,
    };
    let recorded = session.submit(action).await?;
    let report = RecordedReport::new(what, &recorded).created();
    context.show(&report.about("amount", amount))
}

/// Returns all that can be paid to a party now, which must be in one currency.
async fn all_of(
    connection: &Connection,
    party: &PartyName,
    now: UnixMillis,
) -> Result<Money, CommandError> {
    let payables = connection.payables(Some(party), CURRENCIES_MAX).await?;
    let amounts = payables.items.iter().map(|payable| payable.free_at(now));
    let amounts: Vec<Money> = amounts.filter(|amount| amount.minor_units > 0).collect();
    match amounts.as_slice() {
        [only] => Ok(*only),
        [] => Err(
            CommandError::input(format!("nothing can be paid to {party} now"))
                .hint("See `fenrun payout due` for what waits and until when."),
        ),
        _ => Err(CommandError::input(format!(
            "{party} can be paid in {} currencies",
            amounts.len()
        ))
        .hint("Say the amount, such as \"1050.03 CNY\".")),
    }
}
