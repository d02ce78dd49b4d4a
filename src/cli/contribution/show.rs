//! `fenrun contribution show`.

use super::list::state;
use crate::cli::choices::Choice;
use crate::cli::report::{Columns, Report, facts};
use crate::cli::{CommandError, Context};
use crate::client::Contribution;
use crate::domain::Licence;

/// Shows a contribution: its hash, its terms, its parents
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A name such as school/digits@2, an id, or at least 8 digits of one
    #[arg(value_name = "CONTRIBUTION")]
    contribution: String,
}

impl Report for Contribution {
    fn text(&self) -> String {
        let terms = &self.terms;
        let licence = match &terms.licence {
            Licence::Spdx(expression) => expression.clone(),
            Licence::Text(hash) => format!("text {hash}"),
        };
        let mut text = facts(&[
            ("contribution", self.name.to_string()),
            ("id", self.id.to_string()),
            ("kind", Choice(self.kind).to_string()),
            ("hash", self.content_hash.to_string()),
            ("bytes", self.content_bytes.to_string()),
            ("rows", self.rows.to_string()),
            ("state", state(self)),
            ("owner", self.beneficial_owner.to_string()),
            (
                "recorded",
                format!("entry {}, {}", self.recorded_index, self.recorded_at),
            ),
            ("pools", Choice(terms.pools).to_string()),
            ("derivation", Choice(terms.derivation).to_string()),
            ("upstream min", format!("{} bps", terms.upstream_bps_min)),
            ("licence", licence),
            ("description", self.description.clone()),
        ]);
        if !self.parents.is_empty() {
            let mut columns = Columns::new(&["parent", ">upstream bps"]);
            for parent in &self.parents {
                columns.row(vec![
                    parent.contribution.to_string(),
                    parent.upstream_bps.to_string(),
                ]);
            }
            text.push_str("\n\n");
            text.push_str(&columns.text());
        }
        text
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let shown = context
        .connect()
        .await?
        .contribution(&args.contribution)
        .await?;
    context.show(&shown)
}
