//! `fenrun contribution list`.

use crate::cli::choices::{Choice, LIMIT_DEFAULT};
use crate::cli::report::{Report, short, table};
use crate::cli::{CommandError, Context};
use crate::client::{Contribution, ContributionFilter, Listed};
use crate::domain::{ContributionKind, PartyName};

/// Lists contributions, the newest first
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Only of this party
    #[arg(long = "of", value_name = "PARTY")]
    of: Option<PartyName>,
    /// Only of this kind
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Option<Choice<ContributionKind>>,
    /// Only names with this prefix, such as school/digits
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    prefix: String,
    /// Only recorded at this index or later
    #[arg(
        long,
        value_name = "INDEX",
        default_value_t = 0,
        hide_default_value = true
    )]
    from_index: u64,
    /// Only recorded before this index
    #[arg(
        long,
        value_name = "INDEX",
        default_value_t = 0,
        hide_default_value = true
    )]
    to_index: u64,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

impl Report for Listed<Contribution> {
    fn text(&self) -> String {
        let headings = [
            "contribution",
            "kind",
            ">rows",
            ">bytes",
            "hash",
            "state",
            ">entry",
        ];
        table(
            self,
            "There is no contribution that you may see.",
            &headings,
            |one| {
                vec![
                    one.name.to_string(),
                    Choice(one.kind).to_string(),
                    one.rows.to_string(),
                    one.content_bytes.to_string(),
                    short(&one.content_hash),
                    state(one),
                    one.recorded_index.to_string(),
                ]
            },
        )
    }
}

/// Says in a few words where a contribution stands.
pub(super) fn state(contribution: &Contribution) -> String {
    let kept = if contribution.stored {
        "stored"
    } else {
        "commitment"
    };
    match &contribution.withdrawn_from_period {
        Some(period) => format!("{kept}, withdrawn from {period}"),
        None => kept.to_owned(),
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let filter = ContributionFilter {
        party: args.of,
        kind: args.kind.map(|kind| kind.0),
        content_hash: None,
        name_prefix: args.prefix,
        from_index: args.from_index,
        to_index: args.to_index,
    };
    let listed = context
        .connect()
        .await?
        .contributions(&filter, args.limit)
        .await?;
    context.show(&listed)
}
