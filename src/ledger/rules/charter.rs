//! Changes of the charter and of the rules version.
//!
//! An amendment counts from its own index on: the entry itself was still taken in under the
//! window before, every later one under the new window.

use super::found::window_range;
use crate::domain::{AmendCharter, Reason, Rejection, TIME_WINDOW_MS, Upgrade, Violation};
use crate::ledger::decide::{RULES_VERSION, Rules, Stop, refuse};
use crate::ledger::rows::{CharterRow, ThingKind};

pub(super) fn amend(rules: &mut Rules<'_>, amend: &AmendCharter) -> Result<Vec<ThingKind>, Stop> {
    if !TIME_WINDOW_MS.contains(&amend.time_window_ms) {
        let violation = Violation::new("amend_charter.time_window_ms", window_range());
        let rejection = Rejection::with_violations(Reason::InvalidArgument, vec![violation]);
        return Err(rejection.into());
    }
    let charter = CharterRow {
        time_window_ms: amend.time_window_ms,
        ..rules.charter.clone()
    };
    rules.state.put(&(), &charter);
    Ok(vec![ThingKind::Nothing])
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
