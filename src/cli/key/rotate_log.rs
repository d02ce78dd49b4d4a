//! `fenrun key rotate-log`: gives the log a new key, in one step where folder and operator's key
//! are on one machine, and in two where they are not.
//!
//! The new key is made where the service runs and stays there; what travels is its public half with
//! a proof of possession for one command.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{make, write_key};
use crate::cli::data_folder::open_error;
use crate::cli::log_signers::later_key_path;
use crate::cli::recorded::RecordedReport;
use crate::cli::report::{Report, facts};
use crate::cli::{CommandError, Context};
use crate::client::{random, write_durably};
use crate::domain::{
    AmendCharter, KeyId, LedgerId, NewLogKey, Nonce, PublicKey, Signature, Signer,
};
use crate::engine::founding_of;
use crate::merkle::VerifierKey;
use crate::store::log::RealDisk;
use crate::wire::prove_possession;

/// Gives the log a new key, which signs every checkpoint from then on
///
/// Where the operator's key is not on the server: `--request` there, then the file here.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// What `--request` wrote on the server; else the key is made in the data folder of --dir
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Makes the key in the data folder of --dir and writes what the operator needs to a file
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    request: Option<PathBuf>,
}

/// What the operator needs of a new log key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    ledger: LedgerId,
    origin: String,
    new_key: PublicKey,
    nonce: Nonce,
    possession: Signature,
}

impl Report for Request {
    fn text(&self) -> String {
        facts(&[
            ("ledger", self.ledger.to_string()),
            ("log", self.origin.clone()),
            ("new key", self.new_key.to_string()),
            ("fingerprint", KeyId::of(&self.new_key).to_string()),
        ])
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let request = match &args.file {
        Some(path) => read(path)?,
        None => prepare(&context.settings.dir.value)?,
    };
    match &args.request {
        Some(path) => {
            let text = serde_json::to_string_pretty(&request).map_err(CommandError::input)?;
            write_durably(path, text.as_bytes(), false)
                .map_err(|error| CommandError::input(format!("{}: {error}", path.display())))?;
            context.show(&request)
        }
        None => rotate(request, context).await,
    }
}

fn read(path: &Path) -> Result<Request, CommandError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| CommandError::input(format!("{shown} cannot be read: {error}")))?;
    serde_json::from_str(&text)
        .map_err(|error| CommandError::input(format!("{shown} is not such a request: {error}")))
}

/// Makes the key in a data folder, whose service may run.
fn prepare(dir: &Path) -> Result<Request, CommandError> {
    let founded = founding_of(&RealDisk::read_only(dir));
    let (ledger, verifier_key) = founded.map_err(open_error)?;
    let (key, nonce) = (make()?, Nonce(random()?));
    // On disk before anything is signed with it: the log may need it from the next batch on.
    write_key(&later_key_path(dir, &key), &key)?;
    let (origin, new_key) = (verifier_key.name.to_string(), key.public_key());
    Ok(Request {
        ledger,
        new_key,
        nonce,
        possession: prove_possession(&key, Some(&ledger), &origin, &nonce),
        origin,
    })
}

async fn rotate(request: Request, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let session = context.session().await?;
    if session.ledger() != request.ledger {
        let (asked, pinned) = (request.ledger, session.ledger());
        let error = format!("the request is of the ledger {asked}, not of {pinned}");
        return Err(CommandError::input(error));
    }
    let facts = session.connection().facts().await?;
    let action = AmendCharter {
        time_window_ms: facts.time_window_ms,
        log_key: Some(NewLogKey {
            key: request.new_key,
            possession: request.possession,
        }),
    };
    let signed = session.sign_with(request.nonce, action)?;
    let recorded = session.send(&signed).await?;
    let verifier_key = VerifierKey {
        name: facts.origin,
        key: request.new_key,
    };
    // The connection has learned the key from the log itself.
    session.connection().facts().await?;
    context.keep_learned(session.connection())?;
    let what = format!("the log now signs with {verifier_key}; publish it");
    let report = RecordedReport::new(what, &recorded).about("verifier_key", verifier_key);
    context.show(&report)
}
