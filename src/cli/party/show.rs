//! `fenrun party show`.

use super::application::roles;
use crate::cli::report::{Columns, Report, facts};
use crate::cli::{CommandError, Context};
use crate::client::Party;
use crate::domain::PartyName;

/// Shows a party and its keys
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The party [default: the one in use]
    #[arg(value_name = "NAME")]
    name: Option<PartyName>,
}

impl Report for Party {
    fn text(&self) -> String {
        let head = facts(&[
            ("party", self.name.to_string()),
            ("id", self.id.to_string()),
            ("roles", roles(&self.roles)),
            ("owner", self.beneficial_owner.to_string()),
            ("admitted at", format!("entry {}", self.admitted_index)),
        ]);
        let mut columns = Columns::new(&["key", "state", ">since", ">ended", ">suspect from"]);
        let index = |index: Option<u64>| index.map_or("-".to_owned(), |index| index.to_string());
        for key in &self.keys {
            columns.row(vec![
                key.public_key.to_string(),
                key.state.clone(),
                key.since_index.to_string(),
                index(key.ended_index),
                index(key.suspect_from),
            ]);
        }
        format!("{head}\n\n{}", columns.text())
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let name = match args.name {
        Some(name) => name,
        None => context.party()?,
    };
    let party = context.connect().await?.party(&name).await?;
    context.show(&party)
}
