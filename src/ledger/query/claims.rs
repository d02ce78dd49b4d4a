//! Cost claims: by id or digits of it, and in lists.

use super::page::{Cursor, Page, Span, newest};
use super::reference::by_digits;
use crate::domain::{ContributionName, PartyName};
use crate::ledger::access::Caller;
use crate::ledger::decide::Stop;
use crate::ledger::find;
use crate::ledger::rows::{ClaimRow, Locator, ThingKind};
use crate::ledger::state::State;
use crate::ledger::view::{View, ViewFault};

/// A claim as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Where it was made.
    pub at: Locator,
    /// Its row.
    pub row: ClaimRow,
    /// The name of the contribution, whose party made the claim.
    pub contribution: ContributionName,
}

/// Which claims are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimFilter {
    /// Only of this party.
    pub party: Option<PartyName>,
    /// Only claims that wait for a decision.
    pub undecided: bool,
}

/// Returns a claim by its id in hex, or by at least
/// [`REFERENCE_DIGITS_MIN`](super::REFERENCE_DIGITS_MIN) digits of it.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_ARGUMENT` where the reference has another form, or stands for several
/// claims that the caller may see; or a fault of the storage.
pub fn claim(view: &dyn View, caller: &Caller, reference: &str) -> Result<Claim, Stop> {
    let state = State::new(view);
    let select = |at| {
        let Some(row) = state.get::<ClaimRow>(&at)? else {
            let message = format!("the claim of entry {} has no row", at.index);
            return Err(ViewFault::new(message).into());
        };
        let claim = seen(&state, caller, at, row)?;
        Ok(claim.map(|claim| {
            let id = claim.row.id.to_string();
            (claim, id)
        }))
    };
    by_digits(&state, "claim", reference, ThingKind::Claim, &select)
}

/// Lists claims, the newest first.
///
/// # Errors
/// Fails when the storage does.
pub fn claims(
    view: &dyn View,
    caller: &Caller,
    filter: &ClaimFilter,
    cursor: Cursor,
    limit: usize,
) -> Result<Page<Claim>, ViewFault> {
    let state = State::new(view);
    let span = Span::all(cursor, limit);
    newest(&state, &[], span, &mut |at, row: ClaimRow| {
        if filter.undecided && row.decision.is_some() {
            return Ok(None);
        }
        let claim = seen(&state, caller, at, row)?;
        Ok(claim.filter(|claim| {
            let of = |party: &PartyName| claim.contribution.party == *party;
            filter.party.as_ref().is_none_or(of)
        }))
    })
}

fn seen(
    state: &State<'_>,
    caller: &Caller,
    at: Locator,
    row: ClaimRow,
) -> Result<Option<Claim>, ViewFault> {
    let contribution = find::recorded(state, row.contribution)?.name;
    let sees = caller.sees_party(&contribution.party);
    Ok(sees.then_some(Claim {
        at,
        row,
        contribution,
    }))
}
