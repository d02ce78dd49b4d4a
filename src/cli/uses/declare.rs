//! `fenrun use declare`.

use std::path::PathBuf;

use bytes::Bytes;

use crate::cli::choices::{Choice, pool_name};
use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::client::Session;
use crate::domain::{
    DeclareUse, Period, ThingId, UseClass, UseLine, UseMode, read_use_list, write_use_list,
};

/// Declares which contributions were used in a period; by the pool's payer
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The pool
    #[arg(value_name = "POOL")]
    pool: String,
    /// The period
    #[arg(value_name = "PERIOD")]
    period: Period,
    /// The contributions: ids, or names that you may see, each with =UNITS where units are metered
    #[arg(value_name = "CONTRIBUTION[=UNITS]", required_unless_present = "list")]
    contributions: Vec<String>,
    /// A file with one id a line, ascending, and units after a space
    #[arg(long, value_name = "FILE", conflicts_with = "contributions")]
    list: Option<PathBuf>,
    /// What they were used for
    #[arg(long, value_enum, default_value_t = Choice(UseClass::Commercial))]
    class: Choice<UseClass>,
    /// Replaces what was declared for the period, instead of adding to it
    #[arg(long)]
    replace: bool,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let pool = pool_name(&args.pool)?;
    let session = context.session().await?;
    let list = match &args.list {
        Some(path) => std::fs::read(path).map_err(|error| {
            CommandError::input(format!("{} cannot be read: {error}", path.display()))
        })?,
        None => typed_list(&args.contributions, &session).await?,
    };
    let lines = read_use_list(&list).map_err(|violation| {
        CommandError::input(format!("the list of uses is not in order: {violation}"))
    })?;
    let use_list = session.connection().upload(Bytes::from(list)).await?;
    let period = args.period;
    let what = format!(
        "{} contributions are declared used in {period} of pools/{pool}",
        lines.len()
    );
    let action = DeclareUse {
        pool,
        period,
        mode: if args.replace {
            UseMode::Replace
        } else {
            UseMode::Add
        },
        class: args.class.0,
        use_list,
    };
    let recorded = session.submit(action).await?;
    context.show(&RecordedReport::new(what, &recorded))
}

/// Returns the list of contributions that were typed.
async fn typed_list(typed: &[String], session: &Session) -> Result<Vec<u8>, CommandError> {
    let mut lines = Vec::new();
    for text in typed {
        let (name, units) = match text.rsplit_once('=') {
            None => (text.as_str(), 0),
            Some((name, units)) => {
                let units = units.parse().map_err(|_| {
                    CommandError::input(format!("{units:?} in {text:?} is no number of units"))
                })?;
                (name, units)
            }
        };
        let contribution = match name.parse::<ThingId>() {
            Ok(id) => id,
            Err(_) => seen(name, session).await?,
        };
        lines.push(UseLine {
            contribution,
            units,
        });
    }
    Ok(write_use_list(&lines).into_bytes())
}

/// Finds the id of a contribution that the payer may see, which it need not.
async fn seen(name: &str, session: &Session) -> Result<ThingId, CommandError> {
    let contribution = session.connection().contribution(name).await;
    let contribution = contribution.map_err(|error| {
        CommandError::from(error).hint(format!("Say the id of {name}, as its provider told you."))
    })?;
    Ok(contribution.id)
}
