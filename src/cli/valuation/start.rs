//! `fenrun valuation start`.

use std::collections::BTreeMap;

use crate::cli::choices::pool_name;
use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context, Kind};
use crate::domain::{ContentHash, Period, StartValuation};
use crate::valuation::{Listed, METHODS};

/// Asks the service to value what is in use in a period; by the operator
///
/// The seed, where the method uses one, is made of the log's root and of a reveal that an
/// evaluator, payer or auditor has committed to (`valuation commit`); without --commitment the
/// record says that the operator chose it.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The pool
    #[arg(value_name = "POOL")]
    pool: String,
    /// The period
    #[arg(value_name = "PERIOD")]
    period: Period,
    /// The method: docs/valuation.md lists them
    #[arg(long, value_name = "METHOD", default_value = METHODS[0].name)]
    method: String,
    /// A parameter of the method, such as k=5; may be repeated
    #[arg(long, short = 'p', value_name = "NAME=VALUE")]
    parameter: Vec<String>,
    /// The commitment of a reveal for the pool
    #[arg(long, value_name = "HASH")]
    commitment: Option<ContentHash>,
}

/// What a parameter is where nobody says.
const DEFAULTS: [(&str, &str); 3] = [("duplicates", "first"), ("k", "5"), ("ties", "seed")];

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let pool = pool_name(&args.pool)?;
    let listed = Listed::named(&args.method);
    let parameters = parameters(&args.parameter, listed)?;
    let parameters = serde_json::to_string(&parameters)
        .map_err(|error| CommandError::new(Kind::Fault, error))?;
    let session = context.session().await?;
    let validation_hash = match listed {
        Some(listed) if listed.needs_validation => {
            session.connection().pool(&pool).await?.validation_hash
        }
        _ => None,
    };
    let what = format!(
        "a valuation of {} of pools/{pool} by {} is asked for",
        args.period, args.method
    );
    let action = StartValuation {
        pool,
        period: args.period,
        method: args.method,
        parameters,
        validation_hash,
        commitment: args.commitment,
    };
    let recorded = session.submit(action).await?;
    let request = recorded.command_id.thing(0);
    context.show(&RecordedReport::new(what, &recorded).created())?;
    context.note(&format!("Watch it: fenrun valuation watch {request}"))
}

/// Returns what was typed, and the defaults of what the method takes besides.
fn parameters(
    typed: &[String],
    listed: Option<&Listed>,
) -> Result<BTreeMap<String, String>, CommandError> {
    let takes = |name: &str| listed.is_some_and(|listed| listed.parameters.contains(&name));
    let mut parameters: BTreeMap<String, String> = DEFAULTS
        .into_iter()
        .filter(|(name, _)| takes(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for text in typed {
        let Some((name, value)) = text.split_once('=') else {
            let error = format!("{text} is no parameter");
            return Err(CommandError::input(error).hint("Write it as NAME=VALUE, such as k=5."));
        };
        parameters.insert(name.to_owned(), value.to_owned());
    }
    Ok(parameters)
}
