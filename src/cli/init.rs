//! `fenrun init`: founds a ledger in a data folder.
//!
//! The operator's key lies outside the folder: who has the folder can sign checkpoints, and no
//! command. Founding never comes over the network.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::connect::absolute;
use super::context::read_key;
use super::data_folder::{folder_error, log_error, verifier_key};
use super::guarding::{guard_file, place};
use super::key::{make, write_key};
use super::log_signers::log_key_path;
use super::report::{Report, facts};
use super::serve::LISTEN_DEFAULT;
use super::{CommandError, Context, Kind};
use crate::client::{SignedCommand, random, sign_command};
use crate::config::ConfigFile;
use crate::domain::{
    Action, ContentHash, Found, LedgerId, Nonce, Origin, PartyName, Signer, TIME_WINDOW_MS,
    UnixMillis,
};
use crate::engine::{FoundError, SignedBytes, found};
use crate::keys::SecretKey;
use crate::ledger::RULES_VERSION;
use crate::merkle::VerifierKey;
use crate::store::log::{DataFolder, LogOptions, SegmentLog, StartError, read_founding};
use crate::wire::prove_possession;

/// The default time window, in seconds.
const WINDOW_SECONDS_DEFAULT: u64 = 600;

/// Founds a ledger in a data folder and prints its id and verifier key
///
/// Makes the log key in the folder and the operator's key outside of it, and a profile for the
/// operator. Publish the ledger id and the verifier key where parties find them.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The name of the log, for good: a domain of yours and a path, such as ledger.example/data
    #[arg(long, value_name = "NAME")]
    origin: Origin,
    /// The name of the operator's party
    #[arg(long, value_name = "NAME", default_value = "operator")]
    operator: PartyName,
    /// The file with the terms that every party accepts
    #[arg(long, value_name = "FILE", conflicts_with = "terms_hash")]
    terms: Option<PathBuf>,
    /// BLAKE3 of the terms instead of their file
    #[arg(long, value_name = "HASH", required_unless_present = "terms")]
    terms_hash: Option<ContentHash>,
    /// How far a command's time may be from the server's
    #[arg(long, value_name = "SECONDS", default_value_t = WINDOW_SECONDS_DEFAULT)]
    time_window: u64,
}

#[derive(Debug, Serialize)]
struct Founded {
    ledger: LedgerId,
    verifier_key: String,
    dir: String,
    guard: String,
    operator: PartyName,
    operator_key: String,
    profile: String,
}

impl Report for Founded {
    fn text(&self) -> String {
        facts(&[
            ("ledger", self.ledger.to_string()),
            ("verifier key", self.verifier_key.clone()),
            ("data folder", self.dir.clone()),
            ("guard", self.guard.clone()),
            ("operator", self.operator.to_string()),
            ("operator's key", self.operator_key.clone()),
            ("profile", self.profile.clone()),
        ])
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let profile = context.settings.profile.value.clone();
    if let Some(pins) = &context.settings.pins {
        let ledger = pins.value.ledger;
        let error = format!("the profile {profile} is pinned to ledger {ledger} already");
        return Err(CommandError::input(error).hint("Say --profile with a new name."));
    }
    let terms_hash = match (&args.terms, args.terms_hash) {
        (_, Some(hash)) => hash,
        (Some(path), None) => super::hash::of_file(path)?.hash,
        (None, None) => return Err(CommandError::input("--terms or --terms-hash is needed")),
    };
    let dir = absolute(&context.settings.dir.value);
    let key_path = match &context.settings.key {
        Some(key) => absolute(&key.value),
        None => absolute(&context.settings.key_file(args.operator.as_str())),
    };
    let operator_key = operator_key(&dir, &key_path)?;
    let time_window_ms = args.time_window.saturating_mul(1_000);
    let founding = Founding {
        origin: args.origin.clone(),
        operator: args.operator.clone(),
        terms_hash,
        time_window_ms,
    };
    let disk = Arc::new(DataFolder::create(&dir).map_err(folder_error)?);
    refuse_founded(&disk)?;
    drop(disk);
    let log_key = log_key(&log_key_path(&dir))?;
    let guard = guard_file(context).value;
    let NewLedger {
        ledger,
        verifier_key,
    } = found_in(
        &dir,
        &guard,
        &founding,
        &operator_key,
        &log_key,
        context.now(),
    )?;
    let founded = Founded {
        ledger,
        verifier_key: verifier_key.to_string(),
        dir: dir.display().to_string(),
        guard: guard.display().to_string(),
        operator: args.operator,
        operator_key: key_path.display().to_string(),
        profile: profile.clone(),
    };
    ConfigFile::change(&context.settings.folder.value, |file| {
        file.profile.get_or_insert_with(|| profile.clone());
        let kept = file.profiles.entry(profile).or_default();
        kept.server = Some(format!("http://{LISTEN_DEFAULT}"));
        kept.ledger = Some(ledger.to_string());
        kept.verifier_keys = vec![verifier_key.to_string()];
        kept.party = Some(founded.operator.to_string());
        kept.key = Some(key_path);
    })?;
    context.show(&founded)?;
    context.note(&format!("Start it: fenrun serve --dir {}", dir.display()))
}

/// What a ledger is founded with.
pub(super) struct Founding {
    /// The name of the log.
    pub(super) origin: Origin,
    /// The operator's party.
    pub(super) operator: PartyName,
    /// BLAKE3 of the terms that every party accepts.
    pub(super) terms_hash: ContentHash,
    /// How far a command's time may be from the server's, in milliseconds.
    pub(super) time_window_ms: u64,
}

/// A ledger that was founded.
pub(super) struct NewLedger {
    /// Its id.
    pub(super) ledger: LedgerId,
    /// The key that signs its checkpoints.
    pub(super) verifier_key: VerifierKey,
}

/// Founds a ledger in a folder that has none, with a guard; the log key must lie in it already.
///
/// # Errors
/// The folder has a ledger, the founding is refused, or the log cannot be written.
pub(super) fn found_in(
    dir: &Path,
    guard: &Path,
    founding: &Founding,
    operator_key: &SecretKey,
    log_key: &SecretKey,
    now: UnixMillis,
) -> Result<NewLedger, CommandError> {
    let disk = Arc::new(DataFolder::create(dir).map_err(folder_error)?);
    refuse_founded(&disk)?;
    let nonce = Nonce(random()?);
    let found_command = found_command(founding, operator_key, log_key, nonce)?;
    let verifier_key = verifier_key(&found_command);
    let action = Action::from(found_command);
    let signed = sign_command(operator_key, &founding.operator, None, nonce, now, action);
    let ledger = LedgerId::from(signed.command_id());
    let log = SegmentLog::create_guarded(disk, LogOptions::default(), ledger, &place(guard)?);
    let mut log = log.map_err(log_error)?;
    found(&mut log, log_key, now, &as_received(&signed)).map_err(found_error)?;
    Ok(NewLedger {
        ledger,
        verifier_key,
    })
}

fn refuse_founded(disk: &DataFolder) -> Result<(), CommandError> {
    match read_founding(disk) {
        Err(StartError::Empty) => Ok(()),
        Err(error) => Err(log_error(error)),
        Ok((ledger, _)) => {
            let error = format!("{} has the ledger {ledger} already", disk.path().display());
            Err(CommandError::input(error)
                .hint("A ledger is founded once. Say --dir with another folder for a new one."))
        }
    }
}

/// Reads or makes the operator's key, which must not lie in the data folder.
fn operator_key(dir: &Path, path: &Path) -> Result<SecretKey, CommandError> {
    if path.starts_with(dir) {
        let error = format!(
            "the operator's key {} lies in the data folder",
            path.display()
        );
        return Err(CommandError::input(error)
            .hint("Say --key with a file elsewhere: the folder holds the log key and no other."));
    }
    if !path.exists() {
        write_key(path, &make()?)?;
    }
    read_key(path)
}

/// Reads or makes the log key; one of a founding that did not get far enough is used again.
fn log_key(path: &Path) -> Result<SecretKey, CommandError> {
    if !path.exists() {
        write_key(path, &make()?)?;
    }
    read_key(path)
}

fn found_command(
    founding: &Founding,
    operator_key: &SecretKey,
    log_key: &SecretKey,
    nonce: Nonce,
) -> Result<Found, CommandError> {
    let time_window_ms = founding.time_window_ms;
    if !TIME_WINDOW_MS.contains(&time_window_ms) {
        let (least, most) = (TIME_WINDOW_MS.start() / 1_000, TIME_WINDOW_MS.end() / 1_000);
        let error = format!("a time window has {least} to {most} seconds");
        return Err(CommandError::input(error));
    }
    let public_key = log_key.public_key();
    let possession = prove_possession(log_key, None, founding.origin.as_str(), &nonce);
    Ok(Found {
        origin: founding.origin.clone(),
        operator: founding.operator.clone(),
        operator_key: operator_key.public_key(),
        log_key: public_key,
        log_key_possession: possession,
        rules_version: RULES_VERSION,
        time_window_ms,
        approvals: Vec::new(),
        terms_hash: founding.terms_hash,
    })
}

fn as_received(signed: &SignedCommand) -> SignedBytes {
    SignedBytes {
        command: signed.command.clone(),
        public_key: bytes::Bytes::copy_from_slice(&signed.public_key.0),
        signature: bytes::Bytes::copy_from_slice(&signed.signature.0),
    }
}

fn found_error(error: FoundError) -> CommandError {
    match error {
        FoundError::Refused(rejection) => rejection.into(),
        FoundError::NotEmpty | FoundError::WrongLogKey => CommandError::input(error),
        other => CommandError::new(Kind::Fault, other),
    }
}
