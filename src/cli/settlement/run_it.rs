//! `fenrun settlement run`.

use super::preview::Previewed;
use crate::cli::choices::pool_name;
use crate::cli::recorded::RecordedReport;
use crate::cli::report::Report;
use crate::cli::{CommandError, Context};
use crate::domain::{ContentHash, Period, Settle};

/// Books the settlement that was previewed; by the operator
///
/// With --result it books exactly that result or nothing. Without it the preview is shown and
/// asked about.
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
    /// The hash of the result, as the preview printed it
    #[arg(long, value_name = "HASH")]
    result: Option<ContentHash>,
    /// Does not ask
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let pool = pool_name(&args.pool)?;
    let period = args.period;
    let session = context.session().await?;
    let connection = session.connection();
    let currency = connection.pool(&pool).await?.currency;
    let preview = connection.preview(&pool, &period, &args.valuation).await?;
    let previewed = Previewed::new(pool.clone(), period, currency, &preview)?;
    match args.result {
        Some(named) if named != preview.result_hash => {
            let error = format!(
                "the settlement now has the result {}, not {named}",
                preview.result_hash
            );
            return Err(CommandError::input(error)
                .hint("Look at it again with `fenrun settlement preview`."));
        }
        Some(_) => {}
        None => {
            context.note(&previewed.text())?;
            if !args.yes {
                ask(context)?;
            }
        }
    }
    let what = format!("{period} of pools/{pool} is settled");
    let action = Settle {
        pool,
        period,
        valuation: preview.valuation,
        result_hash: preview.result_hash,
    };
    let recorded = session.submit(action).await?;
    let report = RecordedReport::new(what, &recorded).created();
    context.show(&report.about("result_hash", preview.result_hash))
}

fn ask(context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    if context.says_yes("Book this?")? {
        return Ok(());
    }
    Err(CommandError::input("nothing was booked")
        .hint("Say --result HASH with what you have looked at, or --yes."))
}
