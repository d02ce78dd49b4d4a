//! `fenrun verify --proof`: what a proof file proves, without asking anybody.

use std::path::Path;

use serde::Serialize;

use super::Args;
use crate::cli::report::{Report, facts};
use crate::cli::{CommandError, Context, Kind};
use crate::domain::{
    Action, COMMAND_TYPE, Command, CommandId, ContentHash, Entry, LedgerId, PartyName, TreeHash,
    UnixMillis, Verifier, signing_bytes,
};
use crate::keys::StrictVerifier;
use crate::merkle::{LOG_PROOF_BYTES_MAX, LogProof, Policy, SignedNote, VerifierKey};
use crate::wire::decode_command;

/// What was proved.
#[derive(Debug, Serialize)]
struct Proved {
    log: String,
    ledger: LedgerId,
    index: u64,
    tree_size: u64,
    root: TreeHash,
    recorded_at: UnixMillis,
    party: PartyName,
    action: &'static str,
    command_id: CommandId,
    contributions: Vec<Recorded>,
    witnesses: Vec<String>,
    path: Option<String>,
}

/// A contribution that the entry records.
#[derive(Debug, Clone, Serialize)]
struct Recorded {
    name: String,
    content_hash: ContentHash,
    content_bytes: u64,
}

impl Report for Proved {
    fn text(&self) -> String {
        let mut rows = vec![
            ("log", self.log.clone()),
            ("ledger", self.ledger.to_string()),
            ("entry", format!("{} of {}", self.index, self.tree_size)),
            ("recorded", self.recorded_at.to_string()),
            ("signed by", self.party.to_string()),
            ("action", self.action.to_owned()),
            ("command", self.command_id.to_string()),
        ];
        for one in &self.contributions {
            let (name, hash) = (&one.name, &one.content_hash);
            rows.push((
                "records",
                format!("{name}, {} bytes, {hash}", one.content_bytes),
            ));
        }
        if !self.witnesses.is_empty() {
            rows.push(("cosigned by", self.witnesses.join(" ")));
        }
        if let Some(path) = &self.path {
            rows.push(("file", format!("{path} has these bytes")));
        }
        facts(&rows)
    }
}

/// Checks a proof file, and a file against it.
pub(super) fn run(
    proof: &Path,
    args: &Args,
    context: &mut Context<'_, '_>,
) -> Result<(), CommandError> {
    let policy = args.policy.as_deref().map(read_policy).transpose()?;
    let logs = policy.as_ref().map_or(&[][..], |policy| &policy.logs);
    let typed = [args.log_key.as_slice(), logs].concat();
    let pinned = match typed.as_slice() {
        [] => Some(context.pins().map_err(|error| {
            error.hint("Or say --log-key with the verifier key that the operator published.")
        })?),
        _ => None,
    };
    let keys = pinned.as_ref().map_or(&typed, |pins| &pins.log_keys);
    let path = args.path.as_deref();
    let mut proved = read(proof, keys, policy.as_ref())?;
    if let Some(pins) = &pinned
        && pins.ledger != proved.ledger
    {
        let (pinned, found) = (pins.ledger, proved.ledger);
        let error = format!("the entry is of the ledger {found}, and {pinned} is pinned");
        return Err(CommandError::new(Kind::Finding, error));
    }
    if let Some(path) = path {
        let hashed = crate::cli::hash::of_file(path)?;
        let shown = path.display().to_string();
        let of_it =
            |one: &Recorded| one.content_hash == hashed.hash && one.content_bytes == hashed.size;
        proved.contributions.retain(of_it);
        if proved.contributions.is_empty() {
            let error = format!(
                "{shown} has hash {} and {} bytes, which entry {} does not record",
                hashed.hash, hashed.size, proved.index
            );
            return Err(CommandError::new(Kind::Finding, error)
                .hint("The file was changed, or the proof is of another one."));
        }
        proved.path = Some(shown);
    }
    context.show(&proved)
}

/// Reads a proof file and checks everything in it: form, checkpoint, proof, command, signature.
fn read(
    path: &Path,
    keys: &[VerifierKey],
    policy: Option<&Policy>,
) -> Result<Proved, CommandError> {
    let shown = path.display();
    let unread =
        |error: std::io::Error| CommandError::input(format!("{shown} cannot be read: {error}"));
    let long = std::fs::metadata(path).map_err(unread)?.len();
    if long > u64::try_from(LOG_PROOF_BYTES_MAX).unwrap_or(u64::MAX) {
        return Err(CommandError::input(format!(
            "{shown} is too long for a proof file"
        )));
    }
    let bytes = std::fs::read(path).map_err(unread)?;
    let wrong = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::new(Kind::Finding, error).hint(format!(
            "{shown} proves nothing: it was changed, or is of another log."
        ))
    };
    let proof = LogProof::parse(&bytes).map_err(|error| wrong(error.into()))?;
    let verified = proof.verify(keys, &StrictVerifier);
    let (leaf, checkpoint) = verified.map_err(|error| wrong(error.into()))?;
    let witnesses = policy.map_or(Ok(Vec::new()), |policy| cosigned(policy, &proof));
    let witnesses = witnesses.map_err(|error| wrong(error.into()))?;
    let entry = Entry::from_leaf(leaf).map_err(|error| wrong(error.into()))?;
    let command = decode_command(&entry.command).map_err(|error| wrong(error.into()))?;
    let signed = signing_bytes(COMMAND_TYPE, &entry.command);
    if !StrictVerifier.verify(&entry.public_key, &signed, &entry.signature) {
        let key = entry.public_key;
        return Err(wrong(
            format!("the entry's signature is not one of {key}").into(),
        ));
    }
    let command_id = entry.command_id();
    Ok(Proved {
        log: checkpoint.origin.to_string(),
        ledger: command.ledger.unwrap_or(LedgerId(command_id.0)),
        index: proof.index,
        tree_size: checkpoint.size,
        root: checkpoint.root,
        recorded_at: entry.recorded_at,
        action: command.action.kind().name(),
        command_id,
        contributions: contributions(&command),
        party: command.actor,
        witnesses,
        path: None,
    })
}

fn read_policy(path: &Path) -> Result<Policy, CommandError> {
    let shown = path.display();
    let bytes = std::fs::read(path)
        .map_err(|error| CommandError::input(format!("{shown} cannot be read: {error}")))?;
    Policy::parse(&bytes).map_err(CommandError::input)
}

/// Returns the witnesses that have cosigned the checkpoint of a proof, where they are enough.
fn cosigned(policy: &Policy, proof: &LogProof) -> Result<Vec<String>, String> {
    let note = SignedNote::parse(proof.checkpoint.as_bytes()).map_err(|error| error.to_string())?;
    let cosigned = policy.cosigned(&note, &StrictVerifier);
    let named = policy.witnesses.iter().zip(&cosigned);
    let names = named.filter(|(_, cosigned)| **cosigned);
    let names: Vec<String> = names.map(|(one, _)| one.key.name.to_string()).collect();
    match policy.holds(&cosigned) {
        true => Ok(names),
        false => Err(format!(
            "{} of the policy's witnesses have cosigned the checkpoint, which is no quorum",
            names.len()
        )),
    }
}

fn contributions(command: &Command) -> Vec<Recorded> {
    let recorded = match &command.action {
        Action::RecordContribution(one) => std::slice::from_ref(one),
        Action::RecordContributions(many) => many.contributions.as_slice(),
        _ => &[],
    };
    let shown = recorded.iter().map(|one| Recorded {
        name: one.name(&command.actor).to_string(),
        content_hash: one.content_hash,
        content_bytes: one.content_bytes,
    });
    shown.collect()
}
