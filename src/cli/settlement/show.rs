//! `fenrun settlement show`.

use serde::Serialize;

use crate::cli::choices::pool_name;
use crate::cli::report::{Report, facts, table};
use crate::cli::{CommandError, Context, Kind};
use crate::client::{Settlement, SettlementLines};
use crate::domain::Period;

/// Shows a settlement, and with --lines every line that you may see, its proof verified
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The pool
    #[arg(value_name = "POOL")]
    pool: String,
    /// The period
    #[arg(value_name = "PERIOD")]
    period: Period,
    /// Shows the lines
    #[arg(long)]
    lines: bool,
    /// How many lines at most
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: usize,
}

#[derive(Debug, Serialize)]
struct Shown {
    settlement: Settlement,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<SettlementLines>,
}

impl Report for Shown {
    fn text(&self) -> String {
        let one = &self.settlement;
        let mut text = facts(&[
            ("settlement", one.id.to_string()),
            ("pool", format!("pools/{}", one.pool)),
            ("period", one.period.to_string()),
            ("valuation", one.valuation.to_string()),
            ("policy", one.policy_hash.to_string()),
            ("net", one.net.to_string()),
            ("operator fee", one.operator_fee.to_string()),
            ("costs back", one.cost_recovered.to_string()),
            ("shared by value", one.shared.to_string()),
            ("stopped", one.stopped.to_string()),
            ("result", one.result_hash.to_string()),
            ("output root", one.output_root.to_string()),
            ("lines", one.lines.to_string()),
            ("settled at", format!("entry {}", one.settled_index)),
        ]);
        if let Some(lines) = &self.lines {
            let rows = table(
                &lines.lines,
                "No line that you may see.",
                &[">line", "what"],
                |line| vec![line.number.to_string(), line.line_json.clone()],
            );
            text.push_str(&format!("\n\n{rows}"));
        }
        text
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let pool = pool_name(&args.pool)?;
    let connection = context.connect().await?;
    let settlement = connection.settlement(&pool, &args.period).await?;
    let lines = if args.lines {
        let of = (&pool, &args.period);
        let lines = connection.settlement_lines(of, "", "", args.limit).await?;
        lines
            .verify(&settlement)
            .map_err(|error| CommandError::new(Kind::Finding, error))?;
        Some(lines)
    } else {
        None
    };
    context.show(&Shown { settlement, lines })
}
