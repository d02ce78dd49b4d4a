//! Every check of a command at once, for authors of clients: what [`decide`](super::decide)
//! answers is the first of what is found here.

use super::{
    Attachments, Rules, Stop, Submission, accept, check_ledger, check_permission, check_signature,
    check_time, refuse,
};
use crate::domain::{Reason, Rejection, Verifier};
use crate::ledger::rows::{CharterRow, KeyHolder, KeyRow, KeyState, PartyRow, ThingRow};
use crate::ledger::rules;
use crate::ledger::state::State;
use crate::ledger::view::{View, ViewFault};

/// A command to check.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// The command, with the place and time that it would get.
    pub submission: Submission<'a>,
    /// Whether it came with a key and a signature; without, neither is checked.
    pub signed: bool,
    /// Whether somebody else has vouched that the command's actor asks. What depends on more rows
    /// than those of the key is told to the actor only: a good signature under its active key, or
    /// this, shows that it is.
    pub vouched: bool,
}

/// Returns everything for which a command would be refused, in the order of precedence; nothing
/// where it would be accepted or was accepted before. It changes nothing.
///
/// # Errors
/// A [`ViewFault`] where the storage fails.
pub fn check(
    view: &dyn View,
    trial: &Trial<'_>,
    verifier: &dyn Verifier,
    attachments: &dyn Attachments,
) -> Result<Vec<Rejection>, ViewFault> {
    let mut refusals = Refusals::default();
    match run(view, trial, verifier, attachments, &mut refusals) {
        Ok(()) => Ok(refusals.0),
        Err(Stop::Rejected(last)) => {
            refusals.0.push(last);
            Ok(refusals.0)
        }
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

/// What was found so far.
#[derive(Default)]
struct Refusals(Vec<Rejection>);

impl Refusals {
    /// Keeps a refusal and goes on.
    fn note(&mut self, checked: Result<(), Stop>) -> Result<(), ViewFault> {
        match checked {
            Ok(()) => Ok(()),
            Err(Stop::Rejected(rejection)) => {
                self.0.push(rejection);
                Ok(())
            }
            Err(Stop::Fault(fault)) => Err(fault),
        }
    }
}

fn run(
    view: &dyn View,
    trial: &Trial<'_>,
    verifier: &dyn Verifier,
    attachments: &dyn Attachments,
    refusals: &mut Refusals,
) -> Result<(), Stop> {
    let submission = trial.submission;
    let command = submission.command;
    let state = State::new(view);
    let Some(charter) = state.get::<CharterRow>(&())? else {
        return rules::found(state, submission, verifier).map(|_| ());
    };
    let key = key_of(&state, trial, refusals)?;
    refusals.note(check_ledger(&charter, command))?;
    if let Some((_, KeyHolder::Party(holder))) = &key
        && *holder != command.actor
    {
        let message = format!("the key is not one of {}'s", command.actor);
        refusals.note(refuse(Reason::ActorMismatch, message))?;
    }
    let accepted = state.get::<ThingRow>(&submission.id.thing(0))?.is_some();
    if accepted && refusals.0.is_empty() {
        return Ok(());
    }
    let active = key
        .as_ref()
        .is_some_and(|(state, _)| *state == KeyState::Active);
    if key.is_some() && !active {
        let message = "the key may no longer sign; sign with the active one";
        refusals.note(refuse(Reason::KeyInactive, message))?;
    }
    // So far nothing but the key has been looked up, and only the window may be wrong besides.
    let proved = refusals.0.is_empty() && active && submission.signature_valid;
    refusals.note(check_time(charter.time_window_ms, &submission))?;
    if !proved && !trial.vouched {
        return Ok(());
    }
    let Some(actor) = state.get::<PartyRow>(&command.actor)? else {
        return Ok(());
    };
    check_permission(command, &actor)?;
    let rules = Rules {
        state,
        submission,
        charter,
        actor,
        verifier,
        attachments,
        produced: Vec::new(),
    };
    accept(rules).map(|_| ())
}

/// Returns the key that signed, having noted what is wrong with it and with the signature.
fn key_of(
    state: &State<'_>,
    trial: &Trial<'_>,
    refusals: &mut Refusals,
) -> Result<Option<(KeyState, KeyHolder)>, Stop> {
    if !trial.signed {
        return Ok(None);
    }
    let key = trial.submission.public_key;
    let row = state.get::<KeyRow>(&key)?;
    let row = row.filter(|row| matches!(row.holder, KeyHolder::Party(_)));
    if row.is_none() {
        let message = format!("no party of this ledger has the key {key}");
        refusals.note(refuse(Reason::KeyUnknown, message))?;
    }
    refusals.note(check_signature(&trial.submission))?;
    Ok(row.map(|row| (row.state, row.holder)))
}
