//! The founding of a ledger: the one command that is decided on an empty state.

use super::possession::check_possession;
use crate::domain::{Action, Found, Reason, Rejection, Role, TIME_WINDOW_MS, Verifier, Violation};
use crate::ledger::decide::{
    Outcome, RULES_VERSION, Stop, Submission, check_signature, check_time, refuse,
};
use crate::ledger::rows::{
    CharterRow, KeyHolder, KeyRow, KeyState, Locator, LogKeyRow, PartyAdmittedRow, PartyKeyRow,
    PartyRow, ThingKind, ThingRow,
};
use crate::ledger::state::State;
use crate::ledger::view::ViewFault;

/// Decides the command at index 0; the checks come in the order that `decide` has.
pub(crate) fn found(
    mut state: State<'_>,
    submission: Submission<'_>,
    verifier: &dyn Verifier,
) -> Result<Outcome, Stop> {
    let command = submission.command;
    let Action::Found(found) = &command.action else {
        let message = "the ledger is not founded, so that no party has a key yet";
        return refuse(Reason::KeyUnknown, message);
    };
    if submission.public_key != found.operator_key {
        let message = "the founding command is signed by the operator key that it names";
        return refuse(Reason::KeyUnknown, message);
    }
    check_signature(&submission)?;
    if command.ledger.is_some() {
        let message = "the founding command makes a ledger and cannot name one";
        return refuse(Reason::LedgerMismatch, message);
    }
    if command.actor != found.operator {
        let message = format!(
            "the founder is {}, the operator {}",
            command.actor, found.operator
        );
        return refuse(Reason::ActorMismatch, message);
    }
    check_time(found.time_window_ms, &submission)?;
    if submission.index != 0 {
        return Err(ViewFault::new("the state is empty although the log has entries").into());
    }
    check_fields(found)?;
    if found.log_key == found.operator_key {
        let message = "the log's key is the operator's; a key serves one, so make another";
        return refuse(Reason::KeyTaken, message);
    }
    check_possession(
        verifier,
        None,
        found.origin.as_str(),
        &found.log_key,
        &command.nonce,
        &found.log_key_possession,
    )?;
    put_rows(&mut state, &submission, found);
    Ok(Outcome {
        changes: state.into_changes(),
        produced: Vec::new(),
    })
}

fn check_fields(found: &Found) -> Result<(), Stop> {
    let mut violations = Vec::new();
    if !TIME_WINDOW_MS.contains(&found.time_window_ms) {
        violations.push(Violation::new("found.time_window_ms", window_range()));
    }
    if !found.approvals.is_empty() {
        let text = "must be empty in rules version 1";
        violations.push(Violation::new("found.approvals", text));
    }
    if !violations.is_empty() {
        return Err(Rejection::with_violations(Reason::InvalidArgument, violations).into());
    }
    if found.rules_version != 1 {
        let message = format!(
            "a ledger is founded under rules version 1, not {}; this program knows up to {}",
            found.rules_version, RULES_VERSION
        );
        return refuse(Reason::RulesVersionUnknown, message);
    }
    Ok(())
}

/// Says which time windows there are, for a violation.
pub(super) fn window_range() -> String {
    format!(
        "must be {} to {} milliseconds",
        TIME_WINDOW_MS.start(),
        TIME_WINDOW_MS.end()
    )
}

fn put_rows(state: &mut State<'_>, submission: &Submission<'_>, found: &Found) {
    let id = submission.id.thing(0);
    state.put(
        &(),
        &CharterRow {
            ledger: submission.id.into(),
            origin: found.origin.clone(),
            log_key: found.log_key,
            rules_version: found.rules_version,
            time_window_ms: found.time_window_ms,
            terms_hash: found.terms_hash,
        },
    );
    state.put(
        &found.operator,
        &PartyRow {
            id,
            admitted_at: submission.index,
            roles: vec![Role::Operator],
            beneficial_owner: found.operator.clone(),
            active_key: Some(found.operator_key),
        },
    );
    let key = |holder| KeyRow {
        holder,
        since: submission.index,
        state: KeyState::Active,
    };
    let holder = KeyHolder::Party(found.operator.clone());
    state.put(&found.operator_key, &key(holder));
    state.put(&found.log_key, &key(KeyHolder::Log));
    let row = LogKeyRow {
        public_key: found.log_key,
    };
    state.put(&submission.index, &row);
    let row = PartyKeyRow {
        public_key: found.operator_key,
    };
    let since = submission.index;
    state.put(&(found.operator.clone(), since), &row);
    let at = Locator {
        index: submission.index,
        number: 0,
    };
    let row = PartyAdmittedRow {
        name: found.operator.clone(),
    };
    state.put(&at, &row);
    let kind = ThingKind::Party;
    state.put(&id, &ThingRow { at, kind });
}
