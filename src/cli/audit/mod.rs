//! `fenrun audit`: replays a ledger and compares it with what its service says.
//!
//! An operator or auditor audits the whole log, anybody else what it may see; which of the two is
//! what the service says about the caller's roles, because a service that showed an auditor less
//! would only be told of by an audit that checks less and says so.

mod blobs;
mod follow;
mod fork;
mod own;
mod source;
mod sources;
mod state_file;
mod whole;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Serialize, Serializer};

use self::source::{LogSource, chain, unread, waiting};
use self::sources::BlobSources;
use self::state_file::StateFile;
use self::whole::Whole;
use super::backup::BLOBS_FOLDER;
use super::report::Report as Printed;
use super::{CommandError, Context, Kind};
use crate::audit::{Ended, Memory, Pins as AuditPins, Report, Verdict, audit_tree};
use crate::client::{BundleReader, Connection, Pins, TileLog};
use crate::domain::{KeptReceipt, LedgerId, PartyName, Role};
use crate::keys::StrictVerifier;
use crate::merkle::{Checkpoint, TileId, VerifierKey};

pub(in crate::cli) use whole::audit_whole;

/// Replays the log and compares every root, permission, value and account
///
/// An audit remembers how far it got, so that the next one goes on from there and finds a log that
/// was rolled back or has two histories. It reads a service over gRPC or, with a folder of
/// `fenrun log export` or --tiles, a log of static files.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The service: http://HOST:PORT, or https:// for other machines; else the profile's. Or a
    /// folder of `fenrun log export`
    #[arg(value_name = "URL|FOLDER")]
    place: Option<String>,
    /// The verifier key of the log, as the operator published it; else the profile's
    #[arg(long, value_name = "KEY", requires = "ledger")]
    log_key: Vec<VerifierKey>,
    /// The ledger id; else the profile's
    #[arg(long, value_name = "ID", requires = "log_key")]
    ledger: Option<LedgerId>,
    /// A kept receipt that the log must agree with; may stand several times
    #[arg(long, value_name = "FILE")]
    receipt: Vec<PathBuf>,
    #[command(flatten)]
    tiles: TilesArgs,
    #[command(flatten)]
    memory: MemoryArgs,
    #[command(flatten)]
    blobs: blobs::BlobsArgs,
    #[command(flatten)]
    follow: follow::FollowArgs,
}

/// How a log of static files is read.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Static files")]
struct TilesArgs {
    /// Reads tiles (C2SP tlog-tiles) from under the URL, or from the folder
    #[arg(long, requires = "place")]
    tiles: bool,
    /// Sends the party's token for entry bundles, as a service's own port asks for
    #[arg(long, requires = "tiles")]
    with_token: bool,
    /// Checks checkpoint and hash tiles alone, where there are no entry bundles
    #[arg(long)]
    tree_only: bool,
    /// Where the blobs are that entries name: a folder of them, or the URL of a service [default:
    /// FOLDER/blobs where it is there]
    #[arg(long, value_name = "FOLDER|URL")]
    blobs_from: Option<String>,
}

/// What is remembered, and where.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Memory")]
struct MemoryArgs {
    /// The file of what is remembered [default: audits/LEDGER.state in the configuration folder]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Remembers nothing and compares with nothing remembered
    #[arg(long, conflicts_with = "state")]
    no_state: bool,
    /// Replays from the first entry on, however far earlier audits got
    #[arg(long)]
    replay_all: bool,
    /// Where evidence of a fork is written [default: beside the state]
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
}

/// A report as it is printed.
struct Shown(Report);

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.json().serialize(serializer)
    }
}

impl Printed for Shown {
    fn text(&self) -> String {
        self.0.to_string()
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let pins = match args.ledger {
        Some(ledger) => Pins {
            ledger,
            log_keys: args.log_key.clone(),
        },
        None => context.pins()?,
    };
    let kept = read_receipts(&args.receipt, &pins)?;
    let report = if args.is_of_tiles() {
        of_tiles(&args, pins, &kept, context).await?
    } else {
        of_service(&args, pins, &kept, context).await?
    };
    let follows = args.follow.is_wanted();
    conclude(report, follows, context)
}

impl Args {
    /// Says whether static files are audited: a folder always is one of them.
    fn is_of_tiles(&self) -> bool {
        let folder = |place: &String| Path::new(place).is_dir();
        self.tiles.tiles || self.place.as_ref().is_some_and(folder)
    }

    fn state(
        &self,
        context: &Context<'_, '_>,
        pins: &AuditPins,
        own: Option<&PartyName>,
    ) -> StateFile {
        let MemoryArgs {
            state,
            no_state,
            evidence,
            ..
        } = &self.memory;
        let (state, evidence) = (state.as_deref(), evidence.as_deref());
        StateFile::new(state, *no_state, evidence, &context.settings, pins, own)
    }
}

/// Audits what a service shows to the caller: the whole log, or its own part.
async fn of_service(
    args: &Args,
    pins: Pins,
    kept: &[KeptReceipt],
    context: &mut Context<'_, '_>,
) -> Result<Report, CommandError> {
    if args.tiles.tree_only {
        let error = "--tree-only is for static files";
        return Err(CommandError::input(error).hint("Say a folder, or --tiles with the URL."));
    }
    let target = match &args.place {
        Some(url) => context.target_at(url)?,
        None => context.target()?,
    };
    let connection = context.connect_to(&target, pins).await?;
    let identity = connection.identity()?.party.clone();
    let roles = connection.party(&identity).await?.roles;
    let all = roles.contains(&Role::Operator) || roles.contains(&Role::Auditor);
    let pins = pins_of(&connection);
    let state = args.state(context, &pins, (!all).then_some(&identity));
    let remembered = state.read(&pins)?;
    if !all && args.follow.is_wanted() {
        let error = "only an operator or an auditor sees the whole log, which --follow is for";
        return Err(CommandError::new(Kind::NotPermitted, error));
    }
    if !all {
        return own::audit_remembering(&connection, &identity, kept, &state, remembered).await;
    }
    let source = LogSource::Service(Box::new(connection.clone()));
    let blobs = match &args.tiles.blobs_from {
        Some(place) => blobs_at(place, &pins, context).await?,
        None => BlobSources::service(&connection),
    };
    audit_remembering(
        args,
        (source, blobs),
        pins,
        kept,
        (&state, remembered),
        context,
    )
    .await
}

/// Audits a log of static files.
async fn of_tiles(
    args: &Args,
    pins: Pins,
    kept: &[KeptReceipt],
    context: &mut Context<'_, '_>,
) -> Result<Report, CommandError> {
    let place = args.place.as_deref().unwrap_or_default();
    let folder = Path::new(place);
    let log = if folder.is_dir() {
        TileLog::folder(folder.to_owned())
    } else {
        let reader = match args.tiles.with_token {
            true => Some(BundleReader {
                identity: context.identity()?,
                ledger: pins.ledger,
                now: context.clock(),
            }),
            false => None,
        };
        let settings = &context.settings;
        let ca = settings.ca.as_ref().map(|ca| ca.value.as_path());
        TileLog::http(place, ca, settings.insecure.value, reader)?
    };
    let pins = AuditPins {
        ledger: pins.ledger,
        log_keys: pins.log_keys,
    };
    let log = Arc::new(log);
    if args.tiles.tree_only {
        return tree_only(log, pins).await;
    }
    let beside = folder.join(BLOBS_FOLDER);
    let blobs = match &args.tiles.blobs_from {
        Some(place) => blobs_at(place, &pins, context).await?,
        None if beside.is_dir() => BlobSources::Folder(beside),
        None => BlobSources::Nobody,
    };
    let state = args.state(context, &pins, None);
    let remembered = state.read(&pins)?;
    let source = LogSource::Tiles(log);
    audit_remembering(
        args,
        (source, blobs),
        pins,
        kept,
        (&state, remembered),
        context,
    )
    .await
}

/// Audits a whole log, from what is remembered on, and remembers how far it got.
async fn audit_remembering(
    args: &Args,
    (source, blobs): (LogSource, BlobSources),
    pins: AuditPins,
    kept: &[KeptReceipt],
    (state, remembered): (&StateFile, Option<(Memory, Checkpoint)>),
    context: &mut Context<'_, '_>,
) -> Result<Report, CommandError> {
    let whole = Whole {
        source,
        blobs,
        pins,
        kept,
        state,
        replay_all: args.memory.replay_all,
        terminal: context.streams.terminal,
    };
    let (ended, contradicted) = if args.follow.is_wanted() {
        follow::follow(&args.follow, &whole, remembered, context).await?
    } else {
        let mut begun = whole.begin(remembered).await?;
        args.blobs.check(&mut begun, &whole).await?;
        let contradicted = begun.contradicted;
        (begun.end(), contradicted)
    };
    let Ended { report, memory } = ended;
    // After a fork the older word of the log stays what the next audit compares with.
    if let Some(memory) = memory.filter(|_| !contradicted) {
        state.write(&memory)?;
    }
    Ok(report)
}

/// Audits checkpoint and hash tiles alone.
async fn tree_only(log: Arc<TileLog>, pins: AuditPins) -> Result<Report, CommandError> {
    let audit = move || {
        let note = log.checkpoint().map_err(unread)?;
        let mut read = |tile: &TileId| log.read(tile).map_err(|error| chain(&error));
        Ok(audit_tree(&pins, &note, &mut read, &StrictVerifier))
    };
    waiting(audit).await?
}

/// Opens the place that was named for blobs: a folder of a ledger, of blobs, or a service.
async fn blobs_at(
    place: &str,
    pins: &AuditPins,
    context: &Context<'_, '_>,
) -> Result<BlobSources, CommandError> {
    let folder = Path::new(place);
    let within = folder.join(BLOBS_FOLDER);
    if within.is_dir() {
        return Ok(BlobSources::Folder(within));
    }
    if folder.is_dir() {
        return Ok(BlobSources::Folder(folder.to_owned()));
    }
    if !place.contains("://") {
        return Err(CommandError::input(format!("there is no folder {place}")));
    }
    let pins = Pins {
        ledger: pins.ledger,
        log_keys: pins.log_keys.clone(),
    };
    let connection = context.connect_to(&context.target_at(place)?, pins).await?;
    Ok(BlobSources::service(&connection))
}

/// Prints a report and ends as it says.
fn conclude(
    report: Report,
    follows: bool,
    context: &mut Context<'_, '_>,
) -> Result<(), CommandError> {
    let verdict = report.verdict();
    let findings = u64::try_from(report.findings.len()).unwrap_or(u64::MAX);
    let findings = findings.saturating_add(report.findings_left_out);
    match follows {
        true => follow::show_end(&report, context)?,
        false => context.show(&Shown(report))?,
    }
    match verdict {
        Verdict::Equal => Ok(()),
        Verdict::Different => {
            let error = format!("{findings} of what was checked is not as it must be");
            Err(CommandError::new(Kind::Finding, error)
                .hint("Keep the report and your receipts. `fenrun log show INDEX` shows an entry."))
        }
        Verdict::Incomplete => {
            let error = "not all that was asked for was checked; the report says what, and why";
            Err(CommandError::new(Kind::Finding, error).hint(
                "Where bytes are not at hand, say where they are with --blobs-from. Where rules \
                 are newer than this program, install a newer one.",
            ))
        }
    }
}

/// Reads kept receipts, which must be of the pinned ledger.
fn read_receipts(paths: &[PathBuf], pins: &Pins) -> Result<Vec<KeptReceipt>, CommandError> {
    let mut kept = Vec::with_capacity(paths.len());
    for path in paths {
        let read = KeptReceipt::read(path).map_err(CommandError::input)?;
        if read.ledger != pins.ledger {
            let (path, of) = (path.display(), read.ledger);
            let error = format!("{path} is of the ledger {of}, not of {}", pins.ledger);
            return Err(CommandError::input(error));
        }
        kept.push(read);
    }
    Ok(kept)
}

/// Returns what is pinned as the auditor takes it.
fn pins_of(connection: &Connection) -> AuditPins {
    let pins = connection.pins();
    // Newest checkpoint and receipts may be signed by a key that the log changed to.
    let learned = connection.learned_keys();
    AuditPins {
        ledger: pins.ledger,
        log_keys: pins.log_keys.iter().cloned().chain(learned).collect(),
    }
}
