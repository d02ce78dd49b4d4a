//! `fenrun explain`: why an amount is what it is, down to the entries of the log.

use super::choices::pool_name;
use super::report::{Columns, Report};
use super::{CommandError, Context};
use crate::client::{Explanation, Subject};
use crate::domain::Period;

/// Explains a contribution, or a line of a settlement, down to the entries that it rests on
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A contribution, or with --line a pool
    #[arg(value_name = "CONTRIBUTION|POOL")]
    subject: String,
    /// The number of a line of the pool's settlement
    #[arg(long, value_name = "N", requires = "period")]
    line: Option<u64>,
    /// The period of that settlement
    #[arg(long, value_name = "PERIOD", requires = "line")]
    period: Option<Period>,
}

impl Report for Explanation {
    fn text(&self) -> String {
        let mut text = self.sentences.join("\n");
        if !self.evidence.is_empty() {
            let mut columns = Columns::new(&[">entry", "what it did"]);
            for entry in &self.evidence {
                columns.row(vec![entry.index.to_string(), entry.what.clone()]);
            }
            text.push_str(&format!("\n\n{}", columns.text()));
            text.push_str("\n\nOpen one with `fenrun log show ENTRY`.");
        }
        text
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let subject = match (args.line, args.period) {
        (Some(number), Some(period)) => Subject::Line {
            pool: pool_name(&args.subject)?,
            period,
            number,
        },
        _ => Subject::Contribution(args.subject),
    };
    let explanation = context.connect().await?.explain(subject).await?;
    context.show(&explanation)
}
