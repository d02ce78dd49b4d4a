//! Changes of the charter and of the rules version.
//!
//! An amendment counts from its own index on: the entry itself was still taken in under the
//! window before, every later one under the new window. A new log key signs the checkpoint of its
//! entry's batch together with the old one, and every later one alone.

use super::found::window_range;
use super::keys::{check_unused, end};
use super::possession::check_possession;
use crate::domain::{
    AmendCharter, NewLogKey, Reason, Rejection, TIME_WINDOW_MS, Upgrade, Violation,
};
use crate::ledger::decide::{RULES_VERSION, Rules, Stop, refuse};
use crate::ledger::rows::{CharterRow, KeyHolder, KeyRow, KeyState, LogKeyRow, ThingKind};

pub(super) fn amend(rules: &mut Rules<'_>, amend: &AmendCharter) -> Result<Vec<ThingKind>, Stop> {
    if !TIME_WINDOW_MS.contains(&amend.time_window_ms) {
        let violation = Violation::new("amend_charter.time_window_ms", window_range());
        let rejection = Rejection::with_violations(Reason::InvalidArgument, vec![violation]);
        return Err(rejection.into());
    }
    if let Some(new) = &amend.log_key {
        change_log_key(rules, new)?;
    }
    let new = amend.log_key.as_ref().map(|new| new.key);
    let charter = CharterRow {
        time_window_ms: amend.time_window_ms,
        log_key: new.unwrap_or(rules.charter.log_key),
        ..rules.charter.clone()
    };
    rules.state.put(&(), &charter);
    Ok(vec![ThingKind::Nothing])
}

fn change_log_key(rules: &mut Rules<'_>, new: &NewLogKey) -> Result<(), Stop> {
    check_unused(rules, &new.key)?;
    check_possession(
        rules.verifier,
        Some(&rules.charter.ledger),
        rules.charter.origin.as_str(),
        &new.key,
        &rules.submission.command.nonce,
        &new.possession,
    )?;
    let (at, old) = (rules.index(), rules.charter.log_key);
    end(rules, &old, KeyState::Rotated { at })?;
    let row = KeyRow {
        holder: KeyHolder::Log,
        since: at,
        state: KeyState::Active,
    };
    rules.state.put(&new.key, &row);
    let row = LogKeyRow {
        public_key: new.key,
    };
    rules.state.put(&at, &row);
    Ok(())
}

/// Puts a rules version in force from the next index on: this entry was decided under the one
/// before, because `decide` reads the charter before it runs the rules.
pub(super) fn upgrade(rules: &mut Rules<'_>, upgrade: &Upgrade) -> Result<Vec<ThingKind>, Stop> {
    let (wanted, in_force) = (upgrade.rules_version, rules.charter.rules_version);
    if wanted <= in_force || wanted > RULES_VERSION {
        let message = format!(
            "rules version {in_force} is in force and this program knows up to {RULES_VERSION}, \
             so {wanted} cannot follow"
        );
        return refuse(Reason::RulesVersionUnknown, message);
    }
    let charter = CharterRow {
        rules_version: wanted,
        ..rules.charter.clone()
    };
    rules.state.put(&(), &charter);
    Ok(vec![ThingKind::Nothing])
}
