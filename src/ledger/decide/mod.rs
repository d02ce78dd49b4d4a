//! What a signed command decides: the order of checks, then the rules of its action.
//!
//! The order is part of the interface (`docs/errors.md`): of two defects in one command the
//! earlier check answers, so that every server and auditor gives the same reason.

mod check;

use bytes::Bytes;

pub use check::{Trial, check};

use super::permission::permission;
use super::rows::{CharterRow, KeyHolder, KeyRow, KeyState, Locator, PartyRow, ThingRow};
use super::rules;
use super::state::State;
use super::view::{Changes, View, ViewFault};
use crate::domain::{
    Action, Command, CommandId, ContentHash, PartyName, PublicKey, Reason, Rejection, TreeHash,
    UnixMillis, Verifier,
};

/// The newest version of the rules that this program knows.
pub const RULES_VERSION: u32 = 1;

/// What a command's rules read besides rows: the blobs that it names, and roots of the log.
pub trait Attachments {
    /// Returns the bytes under a hash, which have been checked against it; none if not stored.
    fn get(&self, hash: &ContentHash) -> Option<Bytes>;

    /// Returns the root of the log's tree over its first `size` entries; none where they are not
    /// durable, or more than there are. A seed is made from it.
    fn root(&self, size: u64) -> Option<TreeHash>;
}

/// A decoded command with the place and time that it would get, or has, in the log.
#[derive(Debug, Clone, Copy)]
pub struct Submission<'a> {
    /// The index that the entry gets.
    pub index: u64,
    /// The time that the entry gets.
    pub recorded_at: UnixMillis,
    /// The key that signed.
    pub public_key: PublicKey,
    /// Whether the signature verified, strictly, over the DSSE encoding of the command.
    pub signature_valid: bool,
    /// The command's id.
    pub id: CommandId,
    /// The decoded command.
    pub command: &'a Command,
}

/// What an accepted command does.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The rows that it changes.
    pub changes: Changes,
    /// Attachments that the rules computed; the engine makes them durable before the entry.
    pub produced: Vec<(ContentHash, Bytes)>,
}

/// What became of a command.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It is accepted.
    Accepted(Outcome),
    /// It was accepted before, at this index.
    Repeated {
        /// The index of the entry.
        index: u64,
    },
    /// It is refused and changes nothing.
    Rejected(Rejection),
}

/// Why a rule or a read stopped: the caller's fault or the storage's.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The command, or the read, is refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The storage failed; nothing may be concluded.
    #[error(transparent)]
    Fault(#[from] ViewFault),
}

/// Returns a refusal as the error of a rule.
pub(crate) fn refuse<T>(reason: Reason, message: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Rejected(Rejection::new(reason, message)))
}

/// Refuses because there is no such thing, or none that the actor may see: one answer for both.
pub(crate) fn not_found<T>(what: impl std::fmt::Display) -> Result<T, Stop> {
    refuse(Reason::NotFound, format!("there is no {what}"))
}

/// What the rules of an action work with.
pub(crate) struct Rules<'a> {
    /// The rows, and the changes so far.
    pub state: State<'a>,
    /// The submission.
    pub submission: Submission<'a>,
    /// The charter in force before this entry.
    pub charter: CharterRow,
    /// The actor as admitted.
    pub actor: PartyRow,
    /// Checks proofs of possession and applications.
    pub verifier: &'a dyn Verifier,
    /// What the command names.
    pub attachments: &'a dyn Attachments,
    /// Attachments that the rules computed.
    pub produced: Vec<(ContentHash, Bytes)>,
}

impl<'a> Rules<'a> {
    /// Returns the name of the actor.
    pub fn actor_name(&self) -> &'a PartyName {
        &self.submission.command.actor
    }

    /// Returns the index that the entry gets.
    pub fn index(&self) -> u64 {
        self.submission.index
    }

    /// Returns where the first thing that the command creates stands.
    pub fn first_locator(&self) -> Locator {
        Locator {
            index: self.submission.index,
            number: 0,
        }
    }
}

/// Decides a command on the rows as of the entry before.
///
/// # Errors
/// A [`ViewFault`] where the storage fails; a refusal is not an error but a verdict.
pub fn decide(
    view: &dyn View,
    submission: Submission<'_>,
    verifier: &dyn Verifier,
    attachments: &dyn Attachments,
) -> Result<Verdict, ViewFault> {
    match try_decide(view, submission, verifier, attachments) {
        Ok(verdict) => Ok(verdict),
        Err(Stop::Rejected(rejection)) => Ok(Verdict::Rejected(rejection)),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

fn try_decide(
    view: &dyn View,
    submission: Submission<'_>,
    verifier: &dyn Verifier,
    attachments: &dyn Attachments,
) -> Result<Verdict, Stop> {
    let state = State::new(view);
    let Some(charter) = state.get::<CharterRow>(&())? else {
        return rules::found(state, submission, verifier).map(Verdict::Accepted);
    };
    let command = submission.command;
    let (key, holder) = check_key(&state, &submission)?;
    check_ledger(&charter, command)?;
    if holder != command.actor {
        let message = format!("the key is not one of {}'s", command.actor);
        return refuse(Reason::ActorMismatch, message);
    }
    if let Some(row) = state.get::<ThingRow>(&submission.id.thing(0))? {
        let index = row.at.index;
        return Ok(Verdict::Repeated { index });
    }
    if key != KeyState::Active {
        let message = "the key may no longer sign; sign with the active one";
        return refuse(Reason::KeyInactive, message);
    }
    check_time(charter.time_window_ms, &submission)?;
    let Some(actor) = state.get::<PartyRow>(&command.actor)? else {
        return Err(ViewFault::new("a key names a party that has no row").into());
    };
    check_permission(command, &actor)?;
    accept(Rules {
        state,
        submission,
        charter,
        actor,
        verifier,
        attachments,
        produced: Vec::new(),
    })
    .map(Verdict::Accepted)
}

/// Returns the state of the key that signed and the party that it serves.
fn check_key(
    state: &State<'_>,
    submission: &Submission<'_>,
) -> Result<(KeyState, PartyName), Stop> {
    let key = submission.public_key;
    let Some(KeyRow {
        holder: KeyHolder::Party(holder),
        state,
        ..
    }) = state.get::<KeyRow>(&key)?
    else {
        let message = format!("no party of this ledger has the key {key}");
        return refuse(Reason::KeyUnknown, message);
    };
    check_signature(submission)?;
    Ok((state, holder))
}

/// Checks what was found out about the signature before.
pub(super) fn check_signature(submission: &Submission<'_>) -> Result<(), Stop> {
    if submission.signature_valid {
        return Ok(());
    }
    let rejection = Rejection::new(Reason::SignatureInvalid, "the signature does not verify")
        .fact("command_id", submission.id);
    Err(rejection.into())
}

fn check_ledger(charter: &CharterRow, command: &Command) -> Result<(), Stop> {
    // Found names no ledger because it makes one; its rules say that there is one already.
    let makes_one = command.ledger.is_none() && matches!(command.action, Action::Found(_));
    if makes_one || command.ledger == Some(charter.ledger) {
        return Ok(());
    }
    let message = format!(
        "this ledger is {}; the command names another",
        charter.ledger
    );
    refuse(Reason::LedgerMismatch, message)
}

fn check_permission(command: &Command, actor: &PartyRow) -> Result<(), Stop> {
    let kind = command.action.kind();
    if permission(kind).allows(&actor.roles) {
        return Ok(());
    }
    let message = format!(
        "{} has no role that may ask for {}",
        command.actor,
        kind.name()
    );
    refuse(Reason::NotPermitted, message)
}

/// Checks that the command was signed within the window around the recorded time.
pub(super) fn check_time(window_ms: u64, submission: &Submission<'_>) -> Result<(), Stop> {
    let created_at = submission.command.created_at;
    if created_at.abs_diff(submission.recorded_at) <= window_ms {
        return Ok(());
    }
    let message = format!(
        "created_at is {created_at}, the server's time {}, which is more than {window_ms} ms apart",
        submission.recorded_at
    );
    let rejection = Rejection::new(Reason::TimeWindow, message)
        .fact("server_time", submission.recorded_at)
        .fact("time_window_ms", window_ms);
    Err(rejection.into())
}

/// Runs the rules of the action and records that the command was accepted.
fn accept(mut rules: Rules<'_>) -> Result<Outcome, Stop> {
    let created = rules::run(&mut rules)?;
    let submission = rules.submission;
    for (number, kind) in (0u32..).zip(created) {
        let at = Locator {
            index: submission.index,
            number,
        };
        rules
            .state
            .put(&submission.id.thing(number), &ThingRow { at, kind });
    }
    Ok(Outcome {
        changes: rules.state.into_changes(),
        produced: rules.produced,
    })
}
