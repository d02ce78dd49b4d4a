//! `fenrun audit`: replays a ledger and compares it with what its service says.
//!
//! An operator or auditor audits the whole log, anybody else what it may see; which of the two is
//! what the service says about the caller's roles, because a service that showed an auditor less
//! would only be told of by an audit that checks less and says so.

mod own;
mod sources;
mod whole;

use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::report::Report as Printed;
use super::{CommandError, Context, Kind};
use crate::audit::{Report, Verdict};
use crate::client::{Connection, Pins};
use crate::domain::{KeptReceipt, LedgerId, Role};
use crate::merkle::VerifierKey;

pub(in crate::cli) use own::audit_own;
pub(in crate::cli) use whole::audit_whole;

/// Replays the log and compares every root, permission, value and account
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The service: http://HOST:PORT, or https:// for other machines; else the profile's
    #[arg(value_name = "URL")]
    url: Option<String>,
    /// The verifier key of the log, as the operator published it; else the profile's
    #[arg(long, value_name = "KEY", requires = "ledger")]
    log_key: Vec<VerifierKey>,
    /// The ledger id; else the profile's
    #[arg(long, value_name = "ID", requires = "log_key")]
    ledger: Option<LedgerId>,
    /// A kept receipt that the log must agree with; may stand several times
    #[arg(long, value_name = "FILE")]
    receipt: Vec<PathBuf>,
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
    let target = match &args.url {
        Some(url) => context.target_at(url)?,
        None => context.target()?,
    };
    let pins = match args.ledger {
        Some(ledger) => Pins {
            ledger,
            log_keys: args.log_key,
        },
        None => context.pins()?,
    };
    let kept = read_receipts(&args.receipt, &pins)?;
    let connection = context.connect_to(&target, pins).await?;
    let identity = connection.identity()?.party.clone();
    let roles = connection.party(&identity).await?.roles;
    let all = roles.contains(&Role::Operator) || roles.contains(&Role::Auditor);
    let report = if all {
        audit_whole(&connection, &kept, context.streams.terminal).await?
    } else {
        audit_own(&connection, &identity, &kept).await?
    };
    let (verdict, findings) = (report.verdict(), report.findings.len());
    context.show(&Shown(report))?;
    match verdict {
        Verdict::Equal => Ok(()),
        Verdict::Different => {
            let error = format!("{findings} of what was checked is not as it must be");
            Err(CommandError::new(Kind::Finding, error)
                .hint("Keep the report and your receipts. `fenrun log show INDEX` shows an entry."))
        }
        Verdict::Incomplete => {
            let error = "the log was not replayed to its end";
            Err(CommandError::new(Kind::Finding, error)
                .hint("The rules of the log may be newer than this program. Install a newer one."))
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
fn pins_of(connection: &Connection) -> crate::audit::Pins {
    let pins = connection.pins();
    // Newest checkpoint and receipts may be signed by a key that the log changed to.
    let learned = connection.learned_keys();
    crate::audit::Pins {
        ledger: pins.ledger,
        log_keys: pins.log_keys.iter().cloned().chain(learned).collect(),
    }
}
