//! Valuations and their tables.

use super::page::{Cursor, Page, Span, newest};
use super::reference::by_digits;
use crate::domain::{ContributionName, Period, PoolName};
use crate::ledger::access::Caller;
use crate::ledger::decide::{Attachments, Stop};
use crate::ledger::find;
use crate::ledger::rows::{Locator, ThingKind, ValuationRow};
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
        Ok(sees.then_some((Valuation { at, row }, name)))
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
        Ok(Some(Valuation { at, row }))
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
