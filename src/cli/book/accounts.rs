//! `fenrun book accounts`.

use crate::cli::choices::LIMIT_DEFAULT;
use crate::cli::report::{Report, table};
use crate::cli::{CommandError, Context};
use crate::client::{Account, Listed};

/// Lists accounts with their balances, ascending by name; a credit is positive
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Only names that begin so, such as payable/school
    #[arg(value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

impl Report for Listed<Account> {
    fn text(&self) -> String {
        let headings = ["account", ">balance", ">entry"];
        table(
            self,
            "There is no account that you may see.",
            &headings,
            |account| {
                vec![
                    account.name.clone(),
                    account.balance.to_string(),
                    account.last_index.to_string(),
                ]
            },
        )
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let connection = context.connect().await?;
    let listed = connection.accounts(&args.prefix, args.limit).await?;
    context.show(&listed)
}
