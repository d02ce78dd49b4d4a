//! `fenrun valuation show`.

use serde::Serialize;

use crate::cli::report::{Report, facts, table};
use crate::cli::{CommandError, Context};
use crate::client::{Valuation, ValueTable};

/// Shows a valuation with the rows of its table that you may see
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The id of the valuation, or at least 8 digits of it
    #[arg(value_name = "VALUATION")]
    valuation: String,
    /// How many rows at most
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: usize,
}

#[derive(Debug, Serialize)]
struct Shown {
    valuation: Valuation,
    table: ValueTable,
}

impl Report for Shown {
    fn text(&self) -> String {
        let one = &self.valuation;
        let validation = one.validation_hash.map(|hash| hash.to_string());
        let head = facts(&[
            ("valuation", one.id.to_string()),
            ("pool", format!("pools/{}", one.pool)),
            ("period", one.period.to_string()),
            ("method", one.method.clone()),
            ("parameters", one.parameters.clone()),
            (
                "validation set",
                validation.unwrap_or_else(|| "-".to_owned()),
            ),
            ("value table", one.table_hash.to_string()),
            ("signed by", one.evaluator.to_string()),
            ("recorded at", format!("entry {}", one.imported_index)),
            (
                "request",
                one.request
                    .map_or_else(|| "-".to_owned(), |id| id.to_string()),
            ),
            ("values over", self.table.denominator.clone()),
        ]);
        let headings = ["contribution", "owner", ">value", ">weight of 10^12"];
        let rows = table(
            &self.table.rows,
            "No row that you may see.",
            &headings,
            |row| {
                let name = if row.name.is_empty() {
                    row.contribution.to_string()
                } else {
                    row.name.clone()
                };
                vec![
                    name,
                    row.owner.clone(),
                    row.value.clone(),
                    row.weight.to_string(),
                ]
            },
        );
        format!("{head}\n\n{rows}")
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let connection = context.connect().await?;
    let valuation = connection.valuation(&args.valuation).await?;
    let table = connection.value_table(&valuation.id, args.limit).await?;
    context.show(&Shown { valuation, table })
}
