//! Finds rows by what people and commands name them by.

use std::ops::ControlFlow;

use super::rows::{
    ClaimRow, ContributionClaimRow, ContributionRow, KeyPart, Locator, PayoutRow, PeriodRow,
    RevenueRow, ThingKind, ThingRow, UseRow, ValuationRequestRow,
};
use super::state::State;
use super::view::{Order, ViewFault};
use crate::domain::{Period, PoolName, ThingId};

/// Returns the contribution of an id and where it was recorded; none where there is none.
///
/// # Errors
/// Fails when the storage does, or where the id has no row.
pub(crate) fn contribution(
    state: &State<'_>,
    id: &ThingId,
) -> Result<Option<(Locator, ContributionRow)>, ViewFault> {
    let Some(at) = place(state, id, ThingKind::Contribution)? else {
        return Ok(None);
    };
    match state.get::<ContributionRow>(&at)? {
        Some(row) => Ok(Some((at, row))),
        None => Err(ViewFault::new(format!("the contribution {id} has no row"))),
    }
}

/// Returns the claim of an id and where it was made; none where there is none.
///
/// # Errors
/// Fails when the storage does, or where the id has no row.
pub(crate) fn claim(
    state: &State<'_>,
    id: &ThingId,
) -> Result<Option<(Locator, ClaimRow)>, ViewFault> {
    let Some(at) = place(state, id, ThingKind::Claim)? else {
        return Ok(None);
    };
    match state.get::<ClaimRow>(&at)? {
        Some(row) => Ok(Some((at, row))),
        None => Err(ViewFault::new(format!("the claim {id} has no row"))),
    }
}

/// Returns the payout of an id and where it was issued; none where there is none.
///
/// # Errors
/// Fails when the storage does, or where the id has no row.
pub(crate) fn payout(
    state: &State<'_>,
    id: &ThingId,
) -> Result<Option<(Locator, PayoutRow)>, ViewFault> {
    let Some(at) = place(state, id, ThingKind::Payout)? else {
        return Ok(None);
    };
    match state.get::<PayoutRow>(&at)? {
        Some(row) => Ok(Some((at, row))),
        None => Err(ViewFault::new(format!("the payout {id} has no row"))),
    }
}

/// Returns the request for a valuation of an id and where it was made; none where there is none.
///
/// # Errors
/// Fails when the storage does, or where the id has no row.
pub(crate) fn valuation_request(
    state: &State<'_>,
    id: &ThingId,
) -> Result<Option<(Locator, ValuationRequestRow)>, ViewFault> {
    let Some(at) = place(state, id, ThingKind::ValuationRequest)? else {
        return Ok(None);
    };
    match state.get::<ValuationRequestRow>(&at)? {
        Some(row) => Ok(Some((at, row))),
        None => Err(ViewFault::new(format!("the request {id} has no row"))),
    }
}

fn place(state: &State<'_>, id: &ThingId, kind: ThingKind) -> Result<Option<Locator>, ViewFault> {
    let thing = state.get::<ThingRow>(id)?;
    Ok(thing
        .filter(|thing| thing.kind == kind)
        .map(|thing| thing.at))
}

/// Returns the contribution that was recorded at a place that another row names.
///
/// # Errors
/// Fails when the storage does, or where there is none.
pub(crate) fn recorded(state: &State<'_>, at: Locator) -> Result<ContributionRow, ViewFault> {
    let missing = || ViewFault::new(format!("the contribution of entry {} has no row", at.index));
    state.get::<ContributionRow>(&at)?.ok_or_else(missing)
}

/// Returns the uses of a period of a pool, in the order in which the contributions were recorded
/// and then by class.
///
/// # Errors
/// Fails when the storage does.
pub(crate) fn uses(
    state: &State<'_>,
    pool: &PoolName,
    period: Period,
) -> Result<Vec<UseRow>, ViewFault> {
    let rows = state.list::<UseRow>(&(pool.clone(), period).prefix())?;
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// Returns the revenue of a period of a pool and where each stands, in the order in which it was
/// posted.
///
/// # Errors
/// Fails when the storage does.
pub(crate) fn revenue(
    state: &State<'_>,
    pool: &PoolName,
    period: &PeriodRow,
) -> Result<Vec<(Locator, RevenueRow)>, ViewFault> {
    let Some(span) = period.revenue else {
        return Ok(Vec::new());
    };
    let at = |index| Locator { index, number: 0 };
    let from = (pool.clone(), at(span.first)).prefix();
    let to = (pool.clone(), at(span.last.saturating_add(1))).prefix();
    let prefix = pool.prefix().len();
    let mut found = Vec::new();
    state.scan_between::<RevenueRow>(&from, &to, Order::Ascending, |key, row| {
        let Some(at) = key.get(prefix..).and_then(Locator::from_key) else {
            return Err(ViewFault::new("the key of revenue ends without a locator"));
        };
        if row.period == period.period {
            found.push((at, row));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Returns the claims on a contribution and where each was made, the oldest first.
///
/// # Errors
/// Fails when the storage does, or where a claim that is listed has no row.
pub(crate) fn claims_on(
    state: &State<'_>,
    contribution: Locator,
) -> Result<Vec<(Locator, ClaimRow)>, ViewFault> {
    let mut found = Vec::new();
    for (rest, _) in state.list::<ContributionClaimRow>(&contribution.prefix())? {
        let at = Locator::from_key(&rest);
        let row = match at {
            Some(at) => state.get::<ClaimRow>(&at)?.map(|row| (at, row)),
            None => None,
        };
        let missing = || ViewFault::new(format!("a claim on {contribution:?} has no row"));
        found.push(row.ok_or_else(missing)?);
    }
    Ok(found)
}
