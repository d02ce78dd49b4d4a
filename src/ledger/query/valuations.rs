//! Valuations, their tables, and the requests for them.

use super::page::{Cursor, Page, Span, newest};
use super::reference::by_digits;
use crate::domain::{ContributionName, Period, PoolName, ThingId};
use crate::ledger::access::Caller;
use crate::ledger::decide::{Attachments, Stop};
use crate::ledger::find;
use crate::ledger::rows::{Locator, ThingKind, ValuationRequestRow, ValuationRow};
use crate::ledger::settling::read_table;
use crate::ledger::state::State;
use crate::ledger::view::{View, ViewFault};
use crate::valuation::{Line, ValueTable};

/// A valuation as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Valuation {
    /// Where it was imported.
    pub at: Locator,
    /// Its row.
    pub row: ValuationRow,
    /// The id of the request that it answers; none where it was imported.
    pub request: Option<ThingId>,
}

impl Valuation {
    fn of(state: &State<'_>, at: Locator, row: ValuationRow) -> Result<Self, ViewFault> {
        let request = match row.request {
            Some(request) => state
                .get::<ValuationRequestRow>(&request)?
                .map(|row| row.id),
            None => None,
        };
        Ok(Self { at, row, request })
    }
}

/// Which valuations are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValuationFilter {
    /// Only of this pool.
    pub pool: Option<PoolName>,
    /// Only of this period.
    pub period: Option<Period>,
}

/// One row of a value table as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRow {
    /// The line of the table.
    pub line: Line,
    /// The name of the contribution; none where the caller may not see it.
    pub name: Option<ContributionName>,
}

/// A page of a value table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TablePage {
    /// The rows that the caller may see, in the table's order.
    pub rows: Vec<TableRow>,
    /// What the values are over.
    pub denominator: u128,
    /// The number of the line to go on with; none at the end.
    pub next: Option<u64>,
}

/// Returns a valuation by its id in hex, or by at least
/// [`REFERENCE_DIGITS_MIN`](super::REFERENCE_DIGITS_MIN) digits of it.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_ARGUMENT` where the reference has another form, or stands for several
/// valuations that the caller may see; or a fault of the storage.
pub fn valuation(view: &dyn View, caller: &Caller, reference: &str) -> Result<Valuation, Stop> {
    let state = State::new(view);
    let select = |at| {
        let Some(row) = state.get::<ValuationRow>(&at)? else {
            let message = format!("the valuation of entry {} has no row", at.index);
            return Err(ViewFault::new(message).into());
        };
        let name = row.id.to_string();
        let sees = caller.sees_valuation(&state, at, &row)?;
        let found = Valuation::of(&state, at, row)?;
        Ok(sees.then_some((found, name)))
    };
    by_digits(
        &state,
        "valuation",
        reference,
        ThingKind::Valuation,
        &select,
    )
}

/// Lists valuations, the newest first.
///
/// # Errors
/// Fails when the storage does.
pub fn valuations(
    view: &dyn View,
    caller: &Caller,
    filter: &ValuationFilter,
    cursor: Cursor,
    limit: usize,
) -> Result<Page<Valuation>, ViewFault> {
    let state = State::new(view);
    let span = Span::all(cursor, limit);
    newest(&state, &[], span, &mut |at, row: ValuationRow| {
        let wanted = filter.pool.as_ref().is_none_or(|pool| row.pool == *pool)
            && filter.period.is_none_or(|period| row.period == period);
        if !wanted || !caller.sees_valuation(&state, at, &row)? {
            return Ok(None);
        }
        Valuation::of(&state, at, row).map(Some)
    })
}

/// Returns the rows of a valuation's table that the caller may see, from line `from` on (0 for
/// the first). Whoever sees the pool sees all rows, a provider those of its own contributions.
///
/// # Errors
/// As [`valuation`].
pub fn value_table(
    view: &dyn View,
    caller: &Caller,
    attachments: &dyn Attachments,
    reference: &str,
    from: u64,
    limit: usize,
) -> Result<TablePage, Stop> {
    let state = State::new(view);
    let found = valuation(view, caller, reference)?;
    let table = stored_table(attachments, &found.row)?;
    let sees_all = caller.sees_pool_named(&state, &found.row.pool)?;
    let mut page = TablePage {
        rows: Vec::new(),
        denominator: table.denominator.get(),
        next: None,
    };
    for (number, line) in (0_u64..).zip(table.contributions) {
        if number < from {
            continue;
        }
        if page.rows.len() == limit {
            page.next = Some(number);
            break;
        }
        let Some((at, row)) = find::contribution(&state, &line.contribution)? else {
            let message = format!("the contribution {} has no row", line.contribution);
            return Err(ViewFault::new(message).into());
        };
        if sees_all || caller.sees_party(&row.name.party) {
            let sees = caller.sees_contribution(&state, at, &row)?;
            let name = sees.then_some(row.name);
            page.rows.push(TableRow { line, name });
        }
    }
    Ok(page)
}

/// Reads the table of a valuation, which was checked when it was imported and is never deleted.
pub(super) fn stored_table(
    attachments: &dyn Attachments,
    valuation: &ValuationRow,
) -> Result<ValueTable, ViewFault> {
    read_table(attachments, &valuation.table_hash).map_err(|stop| match stop {
        Stop::Fault(fault) => fault,
        Stop::Rejected(rejection) => {
            let message = format!("the table of the valuation {} is gone", valuation.id);
            ViewFault::because(message, rejection)
        }
    })
}

/// A request for a valuation as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    /// Where it was made.
    pub at: Locator,
    /// Its row.
    pub row: ValuationRequestRow,
    /// The id of the valuation that answers it; none while it is open.
    pub valuation: Option<ThingId>,
}

impl Requested {
    /// Returns a request by its place, whoever asks; none where there is none.
    ///
    /// # Errors
    /// Fails when the storage does.
    pub fn load(view: &dyn View, at: Locator) -> Result<Option<Self>, ViewFault> {
        let state = State::new(view);
        let row = state.get::<ValuationRequestRow>(&at)?;
        row.map(|row| Self::of(&state, at, row)).transpose()
    }

    fn of(state: &State<'_>, at: Locator, row: ValuationRequestRow) -> Result<Self, ViewFault> {
        let valuation = match row.finished {
            Some(finished) => state.get::<ValuationRow>(&finished)?.map(|row| row.id),
            None => None,
        };
        Ok(Self { at, row, valuation })
    }
}

/// Returns a request for a valuation by its id in hex, or by at least
/// [`REFERENCE_DIGITS_MIN`](super::REFERENCE_DIGITS_MIN) digits of it; whoever sees the pool does.
///
/// # Errors
/// As [`valuation`].
pub fn valuation_request(
    view: &dyn View,
    caller: &Caller,
    reference: &str,
) -> Result<Requested, Stop> {
    let state = State::new(view);
    let select = |at: Locator| {
        let Some(row) = state.get::<ValuationRequestRow>(&at)? else {
            let message = format!("the request of entry {} has no row", at.index);
            return Err(ViewFault::new(message).into());
        };
        let name = row.id.to_string();
        let sees = caller.sees_pool_named(&state, &row.pool)?;
        let found = Requested::of(&state, at, row)?;
        Ok(sees.then_some((found, name)))
    };
    let (what, kind) = ("request for a valuation", ThingKind::ValuationRequest);
    by_digits(&state, what, reference, kind, &select)
}

/// Lists requests for valuations, the newest first; whoever sees a pool sees its requests.
///
/// # Errors
/// Fails when the storage does.
pub fn valuation_requests(
    view: &dyn View,
    caller: &Caller,
    filter: &ValuationFilter,
    cursor: Cursor,
    limit: usize,
) -> Result<Page<Requested>, ViewFault> {
    let state = State::new(view);
    let span = Span::all(cursor, limit);
    newest(&state, &[], span, &mut |at, row: ValuationRequestRow| {
        let wanted = filter.pool.as_ref().is_none_or(|pool| row.pool == *pool)
            && filter.period.is_none_or(|period| row.period == period);
        if !wanted || !caller.sees_pool_named(&state, &row.pool)? {
            return Ok(None);
        }
        Requested::of(&state, at, row).map(Some)
    })
}
