//! `fenrun statement`: what a party earned in a period.

use super::report::{Columns, Report, facts};
use super::{CommandError, Context};
use crate::client::Statement;
use crate::domain::{Money, PartyName, Period};

/// Shows what a party earned in a period, and what it is owed
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The period
    #[arg(value_name = "PERIOD")]
    period: Period,
    /// The party [default: the one in use]
    #[arg(long = "of", value_name = "PARTY")]
    of: Option<PartyName>,
}

impl Report for Statement {
    fn text(&self) -> String {
        let mut parts = vec![facts(&[
            ("party", self.party.to_string()),
            ("owner", self.beneficial_owner.to_string()),
            ("period", self.period.to_string()),
            ("owed before", sums(&self.opening_balances)),
            ("owed after", sums(&self.closing_balances)),
        ])];
        if !self.lines.is_empty() {
            parts.push(self.contributions());
        }
        if !self.pools.is_empty() {
            parts.push(self.by_pool());
        }
        parts.extend(self.notes.iter().map(|note| format!("Note: {note}")));
        parts.join("\n\n")
    }
}

trait Tables {
    fn contributions(&self) -> String;
    fn by_pool(&self) -> String;
}

impl Tables for Statement {
    fn contributions(&self) -> String {
        let mut columns = Columns::new(&[
            "contribution",
            "pool",
            ">weight",
            ">cost back",
            ">cost left",
            ">share",
            ">after upstream",
        ]);
        for line in &self.lines {
            columns.row(vec![
                line.contribution.to_string(),
                format!("pools/{}", line.pool),
                line.weight.to_string(),
                line.cost.to_string(),
                line.cost_outstanding.to_string(),
                line.share.to_string(),
                line.after_upstream.to_string(),
            ]);
        }
        columns.text()
    }

    fn by_pool(&self) -> String {
        let mut columns = Columns::new(&[
            "pool", ">net", ">fee", ">payable", ">carried", ">tax", ">offset", ">held", ">reserve",
            ">entry",
        ]);
        for pool in &self.pools {
            let mut cells = vec![format!("pools/{}", pool.pool)];
            let amounts = [
                pool.net,
                pool.operator_fee,
                pool.payable,
                pool.carried,
                pool.tax,
                pool.offset,
                pool.held,
                pool.reserve,
            ];
            cells.extend(amounts.map(|amount| amount.to_string()));
            cells.push(pool.settled_index.to_string());
            columns.row(cells);
        }
        columns.text()
    }
}

fn sums(amounts: &[Money]) -> String {
    if amounts.is_empty() {
        return "nothing".to_owned();
    }
    let amounts: Vec<String> = amounts.iter().map(ToString::to_string).collect();
    amounts.join(", ")
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let party = match args.of {
        Some(party) => party,
        None => context.party()?,
    };
    let connection = context.connect().await?;
    let statement = connection.statement(&party, &args.period).await?;
    context.show(&statement)
}
