//! Keys: a party has at most one that may sign, and a key serves one party or one log, forever.

use std::ops::ControlFlow;

use super::possession::check_possession;
use crate::domain::{
    PartyName, PublicKey, Reason, Rejection, ReplaceKey, RevokeKey, Role, RotateKey, Signature,
    Violation,
};
use crate::ledger::decide::{Rules, Stop, not_found, refuse};
use crate::ledger::rows::{KeyHolder, KeyPart, KeyRow, KeyState, PartyKeyRow, PartyRow, ThingKind};
use crate::ledger::view::{Order, ViewFault};

/// Checks that a key never served anybody.
pub(super) fn check_unused(rules: &Rules<'_>, key: &PublicKey) -> Result<(), Stop> {
    if rules.state.get::<KeyRow>(key)?.is_none() {
        return Ok(());
    }
    let message = format!("the key {key} serves or served already; make a new one");
    refuse(Reason::KeyTaken, message)
}

/// Makes an unused key the active one of a party, and writes the party's row.
pub(super) fn put_active(
    rules: &mut Rules<'_>,
    name: &PartyName,
    mut party: PartyRow,
    key: PublicKey,
) {
    let since = rules.index();
    party.active_key = Some(key);
    rules.state.put(name, &party);
    let row = KeyRow {
        holder: KeyHolder::Party(name.clone()),
        since,
        state: KeyState::Active,
    };
    rules.state.put(&key, &row);
    let row = PartyKeyRow { public_key: key };
    rules.state.put(&(name.clone(), since), &row);
}

/// Writes that a key may no longer sign, keeping the rest of its row.
pub(super) fn end(rules: &mut Rules<'_>, key: &PublicKey, ended: KeyState) -> Result<(), Stop> {
    let Some(row) = rules.state.get::<KeyRow>(key)? else {
        return Err(ViewFault::new(format!("the key {key} in use has no row")).into());
    };
    rules.state.put(
        key,
        &KeyRow {
            state: ended,
            ..row
        },
    );
    Ok(())
}

pub(super) fn rotate(rules: &mut Rules<'_>, rotate: &RotateKey) -> Result<Vec<ThingKind>, Stop> {
    let party = rules.actor.clone();
    let name = rules.actor_name();
    check_new_key(rules, name, &rotate.new_key, &rotate.possession)?;
    let at = rules.index();
    let old = rules.submission.public_key;
    end(rules, &old, KeyState::Rotated { at })?;
    put_active(rules, name, party, rotate.new_key);
    Ok(vec![ThingKind::Nothing])
}

pub(super) fn replace(rules: &mut Rules<'_>, replace: &ReplaceKey) -> Result<Vec<ThingKind>, Stop> {
    let name = &replace.party;
    let Some(party) = rules.state.get::<PartyRow>(name)? else {
        return not_found(format!("party {name}"));
    };
    check_new_key(rules, name, &replace.new_key, &replace.possession)?;
    let at = rules.index();
    // All others have ended before: a party has at most one key that may sign.
    if let Some(old) = party.active_key {
        end(rules, &old, KeyState::Replaced { at })?;
    }
    put_active(rules, name, party, replace.new_key);
    Ok(vec![ThingKind::Nothing])
}

fn check_new_key(
    rules: &Rules<'_>,
    party: &PartyName,
    key: &PublicKey,
    possession: &Signature,
) -> Result<(), Stop> {
    check_unused(rules, key)?;
    check_possession(
        rules.verifier,
        Some(&rules.charter.ledger),
        party.as_str(),
        key,
        &rules.submission.command.nonce,
        possession,
    )
}

pub(super) fn revoke(rules: &mut Rules<'_>, revoke: &RevokeKey) -> Result<Vec<ThingKind>, Stop> {
    let at = rules.index();
    let suspect_from = revoke.suspect_from;
    if suspect_from.is_some_and(|from| from > at) {
        let text = format!("must be at most {at}, the index of this entry");
        let violations = vec![Violation::new("revoke_key.suspect_from", text)];
        return Err(Rejection::with_violations(Reason::InvalidArgument, violations).into());
    }
    let key = &revoke.public_key;
    let missing = || not_found(format!("party's key {key}"));
    let Some(row) = rules.state.get::<KeyRow>(key)? else {
        return missing();
    };
    let KeyHolder::Party(holder) = &row.holder else {
        return missing();
    };
    if holder != rules.actor_name() && !rules.actor.has(Role::Operator) {
        return missing();
    }
    if row.state != KeyState::Active {
        return refuse(Reason::KeyState, "the key may not sign any more already");
    }
    let Some(mut party) = rules.state.get::<PartyRow>(holder)? else {
        return missing();
    };
    if party.has(Role::Operator) && !other_operator_can_sign(rules, holder)? {
        let message = "this is the last key of an operator; rotate it, or admit another operator";
        return refuse(Reason::LastOperatorKey, message);
    }
    party.active_key = None;
    rules.state.put(holder, &party);
    end(rules, key, KeyState::Revoked { at, suspect_from })?;
    Ok(vec![ThingKind::Nothing])
}

/// Says whether an operator party other than `name` has an active key.
fn other_operator_can_sign(rules: &Rules<'_>, name: &PartyName) -> Result<bool, Stop> {
    let mut found = false;
    let own = name.prefix();
    let mut visit = |key: &[u8], party: PartyRow| {
        if key != own && party.has(Role::Operator) && party.active_key.is_some() {
            found = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    rules.state.scan(&[], Order::Ascending, &mut visit)?;
    Ok(found)
}
