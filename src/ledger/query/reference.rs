//! References: an id in hex, or enough of its digits.

use std::ops::ControlFlow;

use crate::domain::{Reason, Rejection, ThingId, Violation};
use crate::ledger::decide::{Stop, not_found};
use crate::ledger::rows::{Locator, ThingKind, ThingRow};
use crate::ledger::state::State;
use crate::ledger::view::Order;

/// The fewest digits of an id that are looked up.
pub const REFERENCE_DIGITS_MIN: usize = 8;
/// The most candidates that an ambiguous reference is answered with.
pub const CANDIDATES_MAX: usize = 5;
/// The most rows that are looked at; ids are hashes, so that more is somebody's mischief.
const ROWS_MAX: usize = 1_000;

/// Returns the one thing of a kind that the digits stand for. `select` says what the caller sees
/// at a place, with its name for people; what it does not see is no candidate.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_ARGUMENT` where the reference is none, or stands for several things;
/// what `select` fails with; or a fault of the storage.
pub(crate) fn by_digits<T>(
    state: &State<'_>,
    what: &str,
    reference: &str,
    kind: ThingKind,
    select: &dyn Fn(Locator) -> Result<Option<(T, String)>, Stop>,
) -> Result<T, Stop> {
    let digits = reference.to_ascii_lowercase();
    let hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !hex || !(REFERENCE_DIGITS_MIN..=ThingId::SIZE * 2).contains(&digits.len()) {
        let text = format!(
            "must be the name of a {what}, or {REFERENCE_DIGITS_MIN} to 64 hex digits of its id"
        );
        return invalid(text, &[]);
    }
    let mut found = Vec::new();
    for at in places(state, &digits, kind)? {
        found.extend(select(at)?);
        if found.len() > CANDIDATES_MAX {
            break;
        }
    }
    if found.len() > 1 {
        let names: Vec<String> = found.into_iter().map(|(_, name)| name).collect();
        let text = format!("stands for more than one {what}; give more digits or the name");
        return invalid(text, names.get(..CANDIDATES_MAX).unwrap_or(&names));
    }
    match found.pop() {
        Some((one, _)) => Ok(one),
        None => not_found(format!("{what} {reference}")),
    }
}

/// Returns where the things of a kind stand whose ids begin with the digits.
fn places(state: &State<'_>, digits: &str, kind: ThingKind) -> Result<Vec<Locator>, Stop> {
    // An odd digit at the end is half a byte, which the comparison below settles.
    let whole = digits.get(..digits.len() & !1).unwrap_or_default();
    let prefix = hex::decode(whole).unwrap_or_default();
    let mut places = Vec::new();
    let mut looked_at = 0_usize;
    state.scan(&prefix, Order::Ascending, &mut |rest, thing: ThingRow| {
        let id = format!("{whole}{}", hex::encode(rest));
        if thing.kind == kind && id.starts_with(digits) {
            places.push(thing.at);
        }
        looked_at = looked_at.saturating_add(1);
        if looked_at < ROWS_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    Ok(places)
}

fn invalid<T>(text: String, candidates: &[String]) -> Result<T, Stop> {
    let violations = vec![Violation::new("reference", text)];
    let rejection = Rejection::with_violations(Reason::InvalidArgument, violations);
    if candidates.is_empty() {
        return Err(rejection.into());
    }
    Err(rejection.fact("candidates", candidates.join(", ")).into())
}
