//! References: an id in hex, or enough of its digits.

use std::ops::ControlFlow;

use crate::domain::{Reason, Rejection, ThingId, Violation};
use crate::ledger::decide::{Stop, not_found};
use crate::ledger::rows::{Locator, Row, ThingKind, ThingRow};
use crate::ledger::state::State;
use crate::ledger::view::Order;

/// The fewest digits of an id that are looked up.
pub const REFERENCE_DIGITS_MIN: usize = 8;
/// The most candidates that an ambiguous reference is answered with.
pub const CANDIDATES_MAX: usize = 5;
/// The most rows that are looked at; ids are hashes, so that more is somebody's mischief.
const ROWS_MAX: usize = 1_000;

/// Returns the one thing of a kind that the digits of an id stand for. `select` says what the
/// caller sees at a place, with its name for people; what it does not see is no candidate.
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
    let digits = Digits::read(what, reference)?;
    let mut places = Vec::new();
    digits.scan(state, &mut |_, thing: ThingRow| {
        if thing.kind == kind {
            places.push(thing.at);
        }
    })?;
    let mut found = Vec::new();
    for at in places {
        found.extend(select(at)?);
        if found.len() > CANDIDATES_MAX {
            break;
        }
    }
    pick(what, reference, found)
}

/// Digits of an id or hash, in lower case, as many as are looked up.
pub struct Digits(String);

impl Digits {
    /// Reads digits; none where they are not hex, too few or too many.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.to_ascii_lowercase();
        let hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let enough = (REFERENCE_DIGITS_MIN..=ThingId::SIZE * 2).contains(&digits.len());
        (hex && enough).then_some(Self(digits))
    }

    /// Says whether an id, in lower case, begins with the digits.
    pub fn begin(&self, id: &str) -> bool {
        id.starts_with(&self.0)
    }

    /// Returns the number that the first eight digits stand for.
    pub fn first_four(&self) -> u32 {
        let first = self.0.get(..REFERENCE_DIGITS_MIN);
        // They are eight hex digits, which is a number of 32 bits.
        first.map_or(0, |first| u32::from_str_radix(first, 16).unwrap_or(0))
    }

    /// Reads the digits that refer to some `what`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where they are none, too few or too many.
    pub(crate) fn read(what: &str, reference: &str) -> Result<Self, Stop> {
        if let Some(digits) = Self::parse(reference) {
            return Ok(digits);
        }
        let text = format!(
            "must be {REFERENCE_DIGITS_MIN} to 64 hex digits of the id of a {what}, or its name \
             where names are unique"
        );
        invalid(text, &[])
    }

    /// Hands the rows of a table whose keys begin with the digits to `visit`, with the key in
    /// hex, ascending.
    ///
    /// # Errors
    /// Fails when the storage does.
    pub(crate) fn scan<R: Row>(
        &self,
        state: &State<'_>,
        visit: &mut dyn FnMut(&str, R),
    ) -> Result<(), Stop> {
        // An odd digit at the end is half a byte, which the comparison below settles.
        let whole = self.0.get(..self.0.len() & !1).unwrap_or_default();
        let prefix = hex::decode(whole).unwrap_or_default();
        let mut looked_at = 0_usize;
        state.scan(&prefix, Order::Ascending, &mut |rest, row: R| {
            let key = format!("{whole}{}", hex::encode(rest));
            if self.begin(&key) {
                visit(&key, row);
            }
            looked_at = looked_at.saturating_add(1);
            if looked_at < ROWS_MAX {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        Ok(())
    }
}

/// Returns the only one of what was found for a reference, each with its name for people.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_ARGUMENT` where it is more than one.
pub(crate) fn pick<T>(what: &str, reference: &str, mut found: Vec<(T, String)>) -> Result<T, Stop> {
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

fn invalid<T>(text: String, candidates: &[String]) -> Result<T, Stop> {
    let violations = vec![Violation::new("reference", text)];
    let rejection = Rejection::with_violations(Reason::InvalidArgument, violations);
    if candidates.is_empty() {
        return Err(rejection.into());
    }
    Err(rejection.fact("candidates", candidates.join(", ")).into())
}
