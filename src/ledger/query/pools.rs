//! Pools with their periods, and their revenue.

use std::ops::ControlFlow;

use super::page::{Cursor, Page, Span, newest};
use crate::domain::{Money, Period, PoolName};
use crate::ledger::access::Caller;
use crate::ledger::decide::{Stop, not_found};
use crate::ledger::rows::{
    KeyPart, Locator, PeriodRow, PeriodState, PoolOpenedRow, PoolRow, RevenueRow,
};
use crate::ledger::state::State;
use crate::ledger::view::{Order, View, ViewFault};

/// The most periods of a pool that are shown.
pub const PERIODS_SHOWN_MAX: usize = 100;

/// A pool as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its name.
    pub name: PoolName,
    /// Its row.
    pub row: PoolRow,
    /// Its newest [`PERIODS_SHOWN_MAX`] periods that have inputs or were frozen, the newest first.
    pub periods: Vec<PeriodRow>,
}

/// Revenue as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revenue {
    /// Where it was posted.
    pub at: Locator,
    /// Its row.
    pub row: RevenueRow,
    /// The amount with the pool's currency.
    pub amount: Money,
}

/// Returns a pool by name.
///
/// # Errors
/// `NOT_FOUND`, or a fault of the storage.
pub fn pool(view: &dyn View, caller: &Caller, name: &PoolName) -> Result<Pool, Stop> {
    let state = State::new(view);
    let row = seen(&state, caller, name)?;
    Ok(shown(&state, name.clone(), row)?)
}

/// Lists pools, the newest first.
///
/// # Errors
/// Fails when the storage does.
pub fn pools(
    view: &dyn View,
    caller: &Caller,
    cursor: Cursor,
    limit: usize,
) -> Result<Page<Pool>, ViewFault> {
    let state = State::new(view);
    let span = Span::all(cursor, limit);
    newest(&state, &[], span, &mut |_, opened: PoolOpenedRow| {
        let name = opened.name;
        let Some(row) = state.get::<PoolRow>(&name)? else {
            return Err(ViewFault::new(format!("the pool {name} has no row")));
        };
        if !caller.sees_pool(&row.payer, &row.evaluator) {
            return Ok(None);
        }
        shown(&state, name, row).map(Some)
    })
}

/// Lists the revenue of a pool, of one period or of all, the newest first.
///
/// # Errors
/// `NOT_FOUND` where the caller sees no such pool, or a fault of the storage.
pub fn revenue(
    view: &dyn View,
    caller: &Caller,
    name: &PoolName,
    period: Option<Period>,
    cursor: Cursor,
    limit: usize,
) -> Result<Page<Revenue>, Stop> {
    let state = State::new(view);
    let pool = seen(&state, caller, name)?;
    let mut span = Span::all(cursor, limit);
    if let Some(period) = period {
        // The revenue of a period lies between its first and its last.
        let row = state.get::<PeriodRow>(&(name.clone(), period))?;
        let row = row.filter(|row| row.period == period);
        let Some(posted) = row.and_then(|row| row.revenue) else {
            let items = Vec::new();
            return Ok(Page { items, next: None });
        };
        span.from_index = posted.first;
        span.to_index = posted.last.saturating_add(1);
    }
    let prefix = name.prefix();
    Ok(newest(
        &state,
        &prefix,
        span,
        &mut |at, row: RevenueRow| {
            if period.is_some_and(|period| row.period != period) {
                return Ok(None);
            }
            let amount = Money {
                minor_units: row.amount,
                currency: pool.currency,
            };
            Ok(Some(Revenue { at, row, amount }))
        },
    )?)
}

/// Returns a pool that the caller sees.
pub(super) fn seen(state: &State<'_>, caller: &Caller, name: &PoolName) -> Result<PoolRow, Stop> {
    match state.get::<PoolRow>(name)? {
        Some(row) if caller.sees_pool(&row.payer, &row.evaluator) => Ok(row),
        _ => not_found(format!("pool {name}")),
    }
}

fn shown(state: &State<'_>, name: PoolName, row: PoolRow) -> Result<Pool, ViewFault> {
    let mut periods = Vec::new();
    let prefix = name.prefix();
    state.scan(&prefix, Order::Descending, &mut |_, period: PeriodRow| {
        if period.has_inputs() || period.state != PeriodState::Open {
            periods.push(period);
        }
        if periods.len() < PERIODS_SHOWN_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    Ok(Pool { name, row, periods })
}
