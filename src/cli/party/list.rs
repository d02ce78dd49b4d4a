//! `fenrun party list`.

use super::application::roles;
use crate::cli::choices::{Choice, LIMIT_DEFAULT};
use crate::cli::report::{Report, table};
use crate::cli::{CommandError, Context};
use crate::client::{Listed, Party};
use crate::domain::Role;

/// Lists parties, the newest first
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Only with this role
    #[arg(long, value_enum, value_name = "ROLE")]
    role: Option<Choice<Role>>,
    /// Only names with this prefix
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    prefix: String,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

impl Report for Listed<Party> {
    fn text(&self) -> String {
        let headings = ["party", "roles", "owner", "keys", ">admitted at"];
        table(
            self,
            "There is no party that you may see.",
            &headings,
            |party| {
                let active = party
                    .keys
                    .iter()
                    .filter(|key| key.state == "active")
                    .count();
                vec![
                    party.name.to_string(),
                    roles(&party.roles),
                    party.beneficial_owner.to_string(),
                    format!("{active} active of {}", party.keys.len()),
                    party.admitted_index.to_string(),
                ]
            },
        )
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let connection = context.connect().await?;
    let role = args.role.map(|role| role.0);
    let listed = connection.parties(role, &args.prefix, args.limit).await?;
    context.show(&listed)
}
