//! `fenrun pool show`.

use crate::cli::choices::{Choice, pool_name};
use crate::cli::report::{Columns, Report, facts};
use crate::cli::{CommandError, Context};
use crate::client::Pool;

/// Shows a pool: its policies, and where each period stands
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The pool
    #[arg(value_name = "POOL")]
    name: String,
}

impl Report for Pool {
    fn text(&self) -> String {
        let validation = self.validation_hash.map(|hash| hash.to_string());
        let mut text = facts(&[
            ("pool", format!("pools/{}", self.name)),
            ("id", self.id.to_string()),
            ("payer", self.payer.to_string()),
            ("evaluator", self.evaluator.to_string()),
            ("currency", self.currency.to_string()),
            ("period", Choice(self.period_kind).to_string()),
            (
                "validation set",
                validation.unwrap_or_else(|| "-".to_owned()),
            ),
            ("opened at", format!("entry {}", self.opened_index)),
        ]);
        let mut policies = Columns::new(&["from", "policy"]);
        for policy in &self.policies {
            let from = policy.from_period.to_string();
            policies.row(vec![from, policy.policy_hash.to_string()]);
        }
        text.push_str(&format!("\n\n{}", policies.text()));
        if !self.periods.is_empty() {
            let headings = [
                "period",
                "state",
                ">uses",
                ">revenue",
                ">frozen at",
                ">settled at",
            ];
            let mut periods = Columns::new(&headings);
            let index = |index: Option<u64>| index.map_or("-".to_owned(), |one| one.to_string());
            for period in &self.periods {
                periods.row(vec![
                    period.period.to_string(),
                    period.state.clone(),
                    period.uses.to_string(),
                    period.revenue.to_string(),
                    index(period.frozen_index),
                    index(period.settled_index),
                ]);
            }
            text.push_str(&format!("\n\n{}", periods.text()));
        }
        text
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let name = pool_name(&args.name)?;
    let pool = context.connect().await?.pool(&name).await?;
    context.show(&pool)
}
