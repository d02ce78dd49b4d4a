//! `fenrun book balance`.

use serde::Serialize;

use crate::cli::report::{Columns, Report};
use crate::cli::{CommandError, Context};
use crate::client::TrialBalance;
use crate::domain::Money;

/// Shows the trial balance, or the balance of one account, now or as of a size of the log
///
/// Credits and debits are equal in every currency, or something is wrong.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The account, such as payable/school/CNY [default: all, as a trial balance]
    #[arg(value_name = "ACCOUNT")]
    account: Option<String>,
    /// Only what the first N entries of the log booked [default: all]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    at: u64,
}

impl Report for TrialBalance {
    fn text(&self) -> String {
        let mut columns = Columns::new(&["currency", ">credits", ">debits"]);
        for row in &self.currencies {
            let money = |minor_units| Money {
                minor_units,
                currency: row.currency,
            };
            columns.row(vec![
                row.currency.to_string(),
                money(row.credits).to_string(),
                money(row.debits).to_string(),
            ]);
        }
        format!("{}\n{} accounts", columns.text(), self.accounts)
    }
}

/// The balance of one account.
#[derive(Debug, Serialize)]
struct Balance {
    account: String,
    balance: Money,
}

impl Report for Balance {
    fn text(&self) -> String {
        format!("{}  {}", self.account, self.balance)
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let connection = context.connect().await?;
    match args.account {
        None => context.show(&connection.trial_balance(args.at).await?),
        Some(account) => {
            let balance = connection.balance(&account, args.at).await?;
            context.show(&Balance { account, balance })
        }
    }
}
