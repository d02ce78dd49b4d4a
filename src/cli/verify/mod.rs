//! `fenrun verify`: whether a file has the bytes that were recorded, by the ledger or by a proof;
//! and whether evidence of a fork is some.

mod fork;
mod proof;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::report::Report;
use super::{CommandError, Context, Kind};
use crate::domain::{ContentHash, ContributionName};
use crate::merkle::VerifierKey;

/// Checks that a file has the bytes of a contribution, or what a file of evidence proves
///
/// With --contribution the ledger is asked. With --proof no network is needed: the proof file has
/// the entry, its place in the tree and the log's checkpoint, and is checked under the log's
/// verifier key alone, the pinned one or --log-key. So is evidence of `fenrun audit` with --fork.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The file; with --proof it may be left out, to check the proof alone
    #[arg(value_name = "PATH", required_unless_present_any = ["proof", "fork"])]
    path: Option<PathBuf>,
    /// A name such as school/digits@2, an id, or at least 8 digits of one
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present_any = ["proof", "fork"],
        conflicts_with_all = ["proof", "fork"]
    )]
    contribution: Option<String>,
    /// A file of `fenrun contribute --proof` or `fenrun log prove --proof`
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// A file of `fenrun audit` that shows that the log has signed two histories
    #[arg(long, value_name = "FILE", conflicts_with_all = ["proof", "path"])]
    fork: Option<PathBuf>,
    /// A verifier key of the log [default: those that the profile has pinned]
    #[arg(long, value_name = "KEY", conflicts_with = "contribution")]
    log_key: Vec<VerifierKey>,
    /// A C2SP tlog-policy file: its logs count, and its quorum must have cosigned the checkpoint
    #[arg(long, value_name = "FILE", requires = "proof")]
    policy: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Verified {
    path: String,
    contribution: ContributionName,
    content_hash: ContentHash,
    recorded_index: u64,
}

impl Report for Verified {
    fn text(&self) -> String {
        let (path, name, index) = (&self.path, &self.contribution, self.recorded_index);
        format!(
            "{path} is {name}, as entry {index} records it: {}",
            self.content_hash
        )
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    if let Some(fork) = &args.fork {
        return fork::run(fork, &args.log_key, context);
    }
    match (&args.proof, &args.contribution, &args.path) {
        (Some(proof), ..) => proof::run(proof, &args, context),
        (None, Some(contribution), Some(path)) => recorded(path, contribution, context).await,
        _ => Err(CommandError::input(
            "a file and --contribution, or --proof, is needed",
        )),
    }
}

/// Returns the keys that were typed, else those that are pinned.
fn keys_or_pinned(
    typed: &[VerifierKey],
    context: &Context<'_, '_>,
) -> Result<Vec<VerifierKey>, CommandError> {
    if !typed.is_empty() {
        return Ok(typed.to_vec());
    }
    let pins = context.pins().map_err(|error| {
        error.hint("Or say --log-key with the verifier key that the operator published.")
    })?;
    Ok(pins.log_keys)
}

/// Compares a file with what the ledger says of a contribution.
async fn recorded(
    path: &Path,
    contribution: &str,
    context: &mut Context<'_, '_>,
) -> Result<(), CommandError> {
    let hashed = super::hash::of_file(path)?;
    let recorded = context.connect().await?.contribution(contribution).await?;
    let path = path.display().to_string();
    if hashed.hash != recorded.content_hash || hashed.size != recorded.content_bytes {
        let error = format!(
            "{path} has hash {} and {} bytes; {} was recorded with hash {} and {} bytes",
            hashed.hash, hashed.size, recorded.name, recorded.content_hash, recorded.content_bytes
        );
        return Err(CommandError::new(Kind::Finding, error)
            .hint("The file was changed, or is another version."));
    }
    context.show(&Verified {
        path,
        contribution: recorded.name,
        content_hash: hashed.hash,
        recorded_index: recorded.recorded_index,
    })
}
