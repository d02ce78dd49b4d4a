//! The rules of each action, one file a resource.
//!
//! A rule reads rows, refuses or changes them, and says what the command created. Its refusals
//! come after all checks of `decide` and in the order in which its code stands.

mod found;

use super::decide::{Outcome, Rules, Stop, refuse};
use super::rows::ThingKind;
use crate::domain::{Action, Reason};

pub(crate) use found::found;

/// Runs the rules of the command's action; returns what it created, at least one
/// [`ThingKind::Nothing`].
pub(crate) fn run(rules: &mut Rules<'_>) -> Result<Vec<ThingKind>, Stop> {
    match &rules.submission.command.action {
        Action::Found(_) => refuse(Reason::AlreadyFounded, "the ledger is founded"),
        _ => refuse(Reason::NotInThisVersion, "not yet"),
    }
}
