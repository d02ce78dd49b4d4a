//! `fenrun valuation watch`.

use crate::cli::progress::bar;
use crate::cli::report::{Report, facts};
use crate::cli::{CommandError, Context, Kind};
use crate::client::ValuationProgress;

/// Watches the work on a request until it is answered
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The id of the request, or at least 8 digits of it
    #[arg(value_name = "REQUEST")]
    request: String,
    /// Says how far it is now, and does not wait
    #[arg(long)]
    once: bool,
}

impl Report for ValuationProgress {
    fn text(&self) -> String {
        let valuation = self.request.valuation.map(|id| id.to_string());
        let mut told = vec![
            ("request", self.request.id.to_string()),
            ("stage", self.stage.clone()),
        ];
        if self.total > 0 {
            told.push(("done", format!("{} of {}", self.done, self.total)));
        }
        if !self.note.is_empty() {
            told.push(("note", self.note.clone()));
        }
        told.extend(valuation.map(|id| ("valuation", id)));
        facts(&told)
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let connection = context.connect().await?;
    let mut watched = connection.watch_valuation(&args.request).await?;
    let bar = bar(0, "{msg} {wide_bar} {pos}/{len}", context.streams.terminal);
    let mut last: Option<ValuationProgress> = None;
    while let Some(progress) = watched.next().await? {
        let stage = &progress.stage;
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        bar.set_message(stage.clone());
        let new = last.as_ref().is_none_or(|last| last.stage != *stage);
        if new && !args.once && !progress.note.is_empty() && !progress.is_failed() {
            context.note(&format!("{stage}: {}", progress.note))?;
        }
        last = Some(progress);
        if args.once {
            break;
        }
    }
    bar.finish_and_clear();
    let Some(last) = last else {
        return Err(CommandError::new(
            Kind::Unreachable,
            "the service said nothing",
        ));
    };
    context.show(&last)?;
    if last.is_failed() {
        let error = format!("the valuation failed: {}", last.note);
        return Err(CommandError::new(Kind::Refused, error)
            .hint("Mend what it names, then ask for another one."));
    }
    Ok(())
}
