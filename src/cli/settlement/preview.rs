//! `fenrun settlement preview`.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use crate::cli::choices::pool_name;
use crate::cli::report::{Columns, Report, facts};
use crate::cli::{CommandError, Context};
use crate::client::{Preview, write_durably};
use crate::domain::{ContentHash, Currency, Money, Period, PoolName, ThingId};

/// Computes the settlement of a frozen period without booking it
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The pool
    #[arg(value_name = "POOL")]
    pool: String,
    /// The period; frozen
    #[arg(value_name = "PERIOD")]
    period: Period,
    /// The id of the valuation, or at least 8 digits of it
    #[arg(long, value_name = "VALUATION")]
    valuation: String,
    /// Where the whole result goes, as canonical JSON
    #[arg(long, short = 'o', value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What a settlement would be, for people and for programs.
#[derive(Debug, Serialize)]
pub(super) struct Previewed {
    pool: PoolName,
    period: Period,
    currency: Currency,
    valuation: ThingId,
    pub(super) result_hash: ContentHash,
    result: Value,
}

impl Previewed {
    pub(super) fn new(
        pool: PoolName,
        period: Period,
        currency: Currency,
        preview: &Preview,
    ) -> Result<Self, CommandError> {
        let result = serde_json::from_str(&preview.result_json)
            .map_err(|error| CommandError::input(format!("the result is no JSON: {error}")))?;
        Ok(Self {
            pool,
            period,
            currency,
            valuation: preview.valuation,
            result_hash: preview.result_hash,
            result,
        })
    }

    fn amount(&self, value: Option<&Value>) -> String {
        let currency = self.currency;
        match value.and_then(Value::as_i64) {
            Some(minor_units) => Money {
                minor_units,
                currency,
            }
            .to_string(),
            None => "-".to_owned(),
        }
    }
}

impl Report for Previewed {
    fn text(&self) -> String {
        let of_pool = |key: &str| self.amount(self.result.get(key));
        let mut lines = vec![
            ("pool", format!("pools/{}", self.pool)),
            ("period", self.period.to_string()),
            ("valuation", self.valuation.to_string()),
            ("net", of_pool("net")),
        ];
        if self.result.get("stopped").is_some() {
            lines.push(("stopped", format!("deficit {}", of_pool("pool_deficit"))));
        } else {
            lines.extend([
                ("operator fee", of_pool("operator_fee")),
                ("costs back", of_pool("cost_recovered")),
                ("shared by value", of_pool("shared")),
            ]);
        }
        lines.push(("result", self.result_hash.to_string()));
        let mut text = facts(&lines);
        if let Some(parties) = self.result.get("parties").and_then(Value::as_object) {
            let mut columns = Columns::new(&["party", ">payable", ">carried"]);
            for (party, row) in parties {
                columns.row(vec![
                    party.clone(),
                    self.amount(row.get("payable")),
                    self.amount(row.get("carried")),
                ]);
            }
            text.push_str(&format!("\n\n{}", columns.text()));
        }
        text
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let pool = pool_name(&args.pool)?;
    let connection = context.connect().await?;
    let currency = connection.pool(&pool).await?.currency;
    let preview = connection
        .preview(&pool, &args.period, &args.valuation)
        .await?;
    if let Some(out) = &args.out {
        write_durably(out, preview.result_json.as_bytes(), false)
            .map_err(|error| CommandError::input(format!("{}: {error}", out.display())))?;
    }
    context.show(&Previewed::new(pool, args.period, currency, &preview)?)
}
