//! `fenrun book postings`.

use crate::cli::choices::LIMIT_DEFAULT;
use crate::cli::report::{Report, table};
use crate::cli::{CommandError, Context};
use crate::client::{Listed, Posting};

/// Lists the postings of an account, the newest first
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The account, such as payable/school/CNY
    #[arg(value_name = "ACCOUNT")]
    account: String,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

impl Report for Listed<Posting> {
    fn text(&self) -> String {
        let headings = [">entry", ">amount", ">balance"];
        table(self, "The account has no postings.", &headings, |posting| {
            vec![
                posting.index.to_string(),
                posting.amount.to_string(),
                posting.balance.to_string(),
            ]
        })
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let connection = context.connect().await?;
    let listed = connection.postings(&args.account, args.limit).await?;
    context.show(&listed)
}
