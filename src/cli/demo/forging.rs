//! Two ways to cheat, tried on copies of the demo's ledger, and who finds them.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::cast::PROVIDERS;
use super::story::{fault, money};
use crate::cli::CommandError;
use crate::cli::data_folder::open;
use crate::client::{SignedCommand, sign_command};
use crate::domain::{Action, ApproveCost, Command, Entry, Money, PartyName, Settle, Signer};
use crate::engine::{Engine, Handed, ManualClock, SignedBytes, found};
use crate::keys::SecretKey;
use crate::ledger::{Caller, query};
use crate::store::log::{DataFolder, Guarding, LogOnly, LogOptions, SegmentLog, fsck};
use crate::wire::decode_command;

/// The parts of a data folder that a log signed anew takes over; the rest is made from it.
const TAKEN_OVER: [&str; 3] = ["keys", "blobs", "uploads"];
/// How long the forged engine has to stop.
const STOP_WITHIN: std::time::Duration = std::time::Duration::from_secs(10);

/// Copies a file, or a folder that nobody has open.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Flips one byte of an entry where it lies in the log's first segment, and checks the log.
///
/// Returns what was done, and what the check found.
pub(super) fn flip_a_byte(
    ledger: &Path,
    leaf: &[u8],
    keys: &LogOnly,
) -> Result<(String, Vec<String>), CommandError> {
    let path = ledger.join("segments").join("0000000000.seg");
    let mut bytes = fs::read(&path).map_err(fault)?;
    let start = bytes.windows(leaf.len()).position(|window| window == leaf);
    let start = start.ok_or_else(|| fault("the segment does not hold the entry"))?;
    // Both are positions in memory at once.
    let offset = start.saturating_add(leaf.len() / 2);
    let byte = bytes.get_mut(offset);
    let byte = byte.ok_or_else(|| fault("the entry ends before its middle"))?;
    *byte ^= 1;
    fs::write(&path, &bytes).map_err(fault)?;
    let disk = Arc::new(DataFolder::open(ledger).map_err(fault)?);
    let report = fsck(disk, &Guarding::Off, &mut keys.clone()).map_err(fault)?;
    let done = format!("one bit of byte {offset} of the log is flipped:");
    let found = report
        .findings
        .iter()
        .filter(|finding| !finding.mends_itself);
    let found = found.map(|finding| format!("fsck: {finding}"));
    Ok((done, found.take(1).collect()))
}

/// The operator's secrets, with which it signs what it likes.
pub(super) struct Operator<'a> {
    /// The operator's party.
    pub party: &'a PartyName,
    /// The operator's key.
    pub key: &'a SecretKey,
    /// The log's key.
    pub log_key: &'a SecretKey,
}

/// Writes the whole log anew into an empty folder, with one approved cost raised to what was
/// claimed and the settlement that follows from it, all signed with the real keys.
///
/// Returns what was done.
pub(super) async fn sign_anew(
    ledger: &Path,
    leaves: &[Bytes],
    forged: &Path,
    operator: &Operator<'_>,
) -> Result<String, CommandError> {
    for part in TAKEN_OVER {
        copy(&ledger.join(part), &forged.join(part)).map_err(fault)?;
    }
    let mut entries = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        let entry = Entry::from_leaf(leaf).map_err(fault)?;
        let command = decode_command(&entry.command)?;
        entries.push((entry, command));
    }
    let mut entries = entries.into_iter();
    let (first, _) = entries.next().ok_or_else(|| fault("the log is empty"))?;
    let disk = Arc::new(DataFolder::create(forged).map_err(fault)?);
    let ledger_id = first.command_id().into();
    let mut log = SegmentLog::create(disk, LogOptions::default(), ledger_id).map_err(fault)?;
    let recorded_at = first.recorded_at;
    found(
        &mut log,
        operator.log_key,
        recorded_at,
        &as_received(&first),
    )
    .map_err(fault)?;
    drop(log);
    let clock = Arc::new(ManualClock::at(recorded_at));
    let dir = forged.to_owned();
    let opened = {
        let clock = Arc::clone(&clock);
        tokio::task::spawn_blocking(move || open(&dir, Guarding::Off, clock)).await
    };
    let engine = opened.map_err(fault)??.engine;
    for (entry, command) in entries {
        clock.set(entry.recorded_at);
        let signed = match forge(&engine, command, operator)? {
            Some(signed) => SignedBytes {
                command: signed.command,
                public_key: Bytes::copy_from_slice(&signed.public_key.0),
                signature: Bytes::copy_from_slice(&signed.signature.0),
            },
            None => as_received(&entry),
        };
        engine.submit(signed).await?;
    }
    engine.shutdown(STOP_WITHIN).await;
    let raised = PROVIDERS.iter().find(|one| one.approved < one.claimed);
    let raised = raised.ok_or_else(|| fault("nobody's claim was cut"))?;
    Ok(format!(
        "the operator raises {}'s approved cost from {} to {} and signs a whole new log:",
        raised.name,
        money(raised.approved)?.decimal(),
        money(raised.claimed)?
    ))
}

fn as_received(entry: &Entry) -> SignedBytes {
    SignedBytes {
        command: entry.command.clone(),
        public_key: Bytes::copy_from_slice(&entry.public_key.0),
        signature: Bytes::copy_from_slice(&entry.signature.0),
    }
}

/// Returns the operator's command as it is forged; none where it stays as it was.
fn forge(
    engine: &Engine,
    command: Command,
    operator: &Operator<'_>,
) -> Result<Option<SignedCommand>, CommandError> {
    let action: Action = match command.action {
        Action::ApproveCost(approve) => match raised(&approve)? {
            Some(approved) => ApproveCost {
                approved,
                reason: String::new(),
                ..approve
            }
            .into(),
            None => return Ok(None),
        },
        Action::Settle(settle) => Settle {
            result_hash: previewed(engine, &settle, operator)?,
            ..settle
        }
        .into(),
        _ => return Ok(None),
    };
    let (nonce, created_at) = (command.nonce, command.created_at);
    let (key, party): (&dyn Signer, _) = (operator.key, operator.party);
    let signed = sign_command(key, party, command.ledger, nonce, created_at, action);
    Ok(Some(signed))
}

/// Returns what the claim comes to where the operator approved less.
fn raised(approve: &ApproveCost) -> Result<Option<Money>, CommandError> {
    let cut = |one: &&super::cast::Provider| {
        one.approved < one.claimed && one.approved == approve.approved.minor_units
    };
    let provider = PROVIDERS.iter().find(cut);
    provider.map(|one| money(one.claimed)).transpose()
}

fn previewed(
    engine: &Engine,
    settle: &Settle,
    operator: &Operator<'_>,
) -> Result<crate::domain::ContentHash, CommandError> {
    let published = engine.published();
    let view = &published.view;
    let caller = Caller::load(view, operator.party).map_err(fault)?;
    let caller = caller.ok_or_else(|| fault("the operator is not admitted"))?;
    let attachments = Handed::of_log(engine.attachments(), engine.log().as_ref());
    let reference = settle.valuation.to_string();
    let (pool, period) = (&settle.pool, settle.period);
    let preview = query::preview(view, &caller, &attachments, pool, period, &reference);
    Ok(preview.map_err(fault)?.result.hash)
}
