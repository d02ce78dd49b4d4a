//! `fenrun audit --follow`: audits what is there, and then whatever comes, until it is told to end.
//!
//! The log is asked for its newest checkpoint again and again; a service that does not answer, as
//! one does not while it is started anew, is asked again after a while. A log that contradicts what
//! was seen of it before ends it, because nothing that comes after could be believed.

use std::time::Duration;

use serde_json::{Value, json};

use super::fork::{Relation, find, relate};
use super::source::{LogSource, Newest};
use super::whole::{Begun, Whole};
use crate::audit::{Ended, Memory, Report};
use crate::cli::serve::stop_signal;
use crate::cli::{CommandError, Context, Kind};
use crate::config::Output;
use crate::domain::UnixMillis;
use crate::merkle::Checkpoint;

/// The longest pause between two tries to reach a service that does not answer.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Whether and how a log is followed.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Following")]
pub(super) struct FollowArgs {
    /// Goes on auditing what comes, and reports each finding at once; ctrl-c ends it with a report
    #[arg(long)]
    follow: bool,
    /// How many seconds pass before a log that has not grown is asked again, 1 to 3600
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 2,
        requires = "follow",
        value_parser = clap::value_parser!(u64).range(1..=3_600)
    )]
    poll: u64,
}

impl FollowArgs {
    /// Says whether the log is followed.
    pub fn is_wanted(&self) -> bool {
        self.follow
    }
}

/// What happens while a log is followed.
enum Event {
    /// The log was taken in as far as it went.
    Verified(Checkpoint, u64),
    /// Something is wrong.
    Finding(Value, String),
    /// The log is not reached.
    Unreached(String),
}

impl Event {
    fn json(&self, at: UnixMillis) -> Value {
        let at = at.to_string();
        match self {
            Self::Verified(checkpoint, entries) => json!({
                "event": "verified",
                "at": at,
                "size": checkpoint.size,
                "root": checkpoint.root.to_string(),
                "entries": entries,
            }),
            Self::Finding(finding, _) => json!({"event": "finding", "at": at, "finding": finding}),
            Self::Unreached(why) => json!({"event": "unreached", "at": at, "why": why}),
        }
    }

    fn text(&self, at: UnixMillis) -> String {
        match self {
            Self::Verified(checkpoint, entries) => {
                let (size, root) = (checkpoint.size, &checkpoint.root);
                format!("{at} verified  {entries} entries more, {size} in all, root {root}")
            }
            Self::Finding(_, finding) => format!("{at} finding   {finding}"),
            Self::Unreached(why) => format!("{at} unreached {why}"),
        }
    }
}

/// What following has come to.
enum Round {
    /// It goes on; whether the log had grown.
    On,
    /// The log contradicts itself.
    Over,
}

/// A log that is followed.
struct Following<'f, 'w, 'c, 's> {
    whole: &'f Whole<'w>,
    context: &'f mut Context<'c, 's>,
    json: bool,
    begun: Begun,
    /// How many findings were told.
    told: usize,
}

/// Follows a log until it is told to end, and returns the audit's end; what is remembered is not
/// written yet.
///
/// # Errors
/// The log is not reached at first, or answers no.
pub(super) async fn follow(
    args: &FollowArgs,
    whole: &Whole<'_>,
    remembered: Option<(Memory, Checkpoint)>,
    context: &mut Context<'_, '_>,
) -> Result<(Ended, bool), CommandError> {
    let mut ending = Box::pin(stop_signal()?);
    let begun = tokio::select! {
        begun = whole.begin(remembered) => begun?,
        () = &mut ending => {
            let error = "it was told to end before the log was taken in for the first time";
            return Err(CommandError::input(error));
        }
    };
    let json = context.output_or(Output::Text)? == Output::Json;
    let mut following = Following {
        whole,
        context,
        json,
        begun,
        told: 0,
    };
    let newest = following.begun.newest.checkpoint.clone();
    let first = following.begun.auditor.report().resumed_at;
    following.tell_new(&newest, first)?;
    let poll = Duration::from_secs(args.poll);
    let mut pause = poll;
    while !following.begun.contradicted {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = &mut ending => break,
        }
        match following.round().await {
            Ok(Round::On) => pause = poll,
            Ok(Round::Over) => following.begun.contradicted = true,
            Err(error) if error.kind() == Kind::Unreachable => {
                if pause == poll {
                    let why = error.text();
                    following.tell(&Event::Unreached(why))?;
                }
                pause = pause.saturating_mul(2).clamp(poll, PAUSE_MAX.max(poll));
            }
            Err(error) => return Err(error),
        }
    }
    following.end().await
}

impl Following<'_, '_, '_, '_> {
    /// Asks once, and takes in what is new.
    async fn round(&mut self) -> Result<Round, CommandError> {
        let newest = self.newest().await?;
        let before = self.begun.auditor.taken();
        let seen = self.begun.newest.checkpoint.clone();
        if newest.checkpoint == seen {
            return Ok(Round::On);
        }
        let shrunk = newest.checkpoint.size < seen.size;
        let memory = self.begun.auditor.seen(shrunk);
        if let Some(memory) = memory.filter(|_| newest.trusted)
            && let Relation::Contradicted {
                kind,
                message,
                evidence,
            } = relate(&self.whole.source, &memory, &seen, &newest).await?
        {
            let both = (&seen, &newest.checkpoint);
            let finding = find(kind, &message, both, &evidence, self.whole.state)?;
            self.begun.auditor.find(finding);
            self.tell_findings()?;
            return Ok(Round::Over);
        }
        if newest.trusted {
            self.begun.auditor.expect(&newest.note);
        }
        self.whole.take_in(&mut self.begun.auditor, &newest).await?;
        let checkpoint = newest.checkpoint.clone();
        self.begun.newest = newest;
        self.tell_new(&checkpoint, before)?;
        Ok(Round::On)
    }

    /// Returns the newest checkpoint, also where the log has changed its key since.
    async fn newest(&self) -> Result<Newest, CommandError> {
        let keys = &self.whole.pins.log_keys;
        match (self.whole.source.newest(keys).await, &self.whole.source) {
            (Err(error), LogSource::Service(connection)) if error.kind() == Kind::Finding => {
                connection.facts().await?;
                self.whole.source.newest(keys).await
            }
            (newest, _) => newest,
        }
    }

    /// Says how far the log is verified, and what was found on the way.
    fn tell_new(&mut self, newest: &Checkpoint, before: u64) -> Result<(), CommandError> {
        self.tell_findings()?;
        let entries = self.begun.auditor.taken().saturating_sub(before);
        self.tell(&Event::Verified(newest.clone(), entries))
    }

    fn tell_findings(&mut self) -> Result<(), CommandError> {
        let findings = &self.begun.auditor.report().findings;
        let new = findings.get(self.told..).unwrap_or_default();
        let events: Vec<Event> = new
            .iter()
            .map(|finding| Event::Finding(finding.json(), finding.to_string()))
            .collect();
        self.told = findings.len();
        events.iter().try_for_each(|event| self.tell(event))
    }

    /// Writes an event as a line.
    fn tell(&mut self, event: &Event) -> Result<(), CommandError> {
        let at = self.context.now();
        let line = match self.json {
            true => event.json(at).to_string(),
            false => event.text(at),
        };
        let stdout = &mut *self.context.streams.stdout;
        writeln!(stdout, "{line}")?;
        Ok(stdout.flush()?)
    }

    /// Compares the accounts, if the service still answers and has the log that was taken in, and
    /// ends.
    async fn end(mut self) -> Result<(Ended, bool), CommandError> {
        let keys = &self.whole.pins.log_keys;
        if !self.begun.contradicted && matches!(self.whole.source, LogSource::Service(_)) {
            let taken = self.begun.auditor.taken();
            self.begun.accounts = match self.whole.source.accounts(keys).await {
                Ok((accounts, newest)) if newest.checkpoint.size == taken => accounts,
                Ok(_) => Err("the log had grown when it was told to end".to_owned()),
                Err(error) => Err(error.text()),
            };
        }
        if self.begun.contradicted {
            let why = "the log contradicts itself, so it is not known which they are of";
            self.begun.accounts = Err(why.to_owned());
        }
        let contradicted = self.begun.contradicted;
        Ok((self.begun.end(), contradicted))
    }
}

/// Prints the report at the end of following: as one more line where lines are JSON.
pub(super) fn show_end(report: &Report, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let line = match context.output_or(Output::Text)? {
        Output::Json => json!({"event": "ended", "report": report.json()}).to_string() + "\n",
        Output::Text | Output::Csv => report.to_string(),
    };
    context.streams.stdout.write_all(line.as_bytes())?;
    Ok(context.streams.stdout.flush()?)
}
