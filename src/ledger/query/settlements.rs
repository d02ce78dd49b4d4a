//! Settlements and their lines, and what one would be.

use bytes::Bytes;

use super::page::{Cursor, Page, Span, newest};
use super::valuations::valuation;
use crate::domain::{PartyName, Period, PoolName, Reason, ThingId, TreeHash};
use crate::ledger::access::Caller;
use crate::ledger::decide::{Attachments, Stop, not_found, refuse};
use crate::ledger::rows::{Locator, SettledPeriodRow, SettlementRow, ValuationRow};
use crate::ledger::settling::{LineDocument, ResultDocument, SettlementResult, line_tree, prepare};
use crate::ledger::state::State;
use crate::ledger::view::{View, ViewFault};
use crate::merkle::Prover;

/// A settlement as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Where it was booked.
    pub at: Locator,
    /// Its row.
    pub row: SettlementRow,
    /// The id of the valuation whose weights were used.
    pub valuation: ThingId,
}

/// A settlement computed and not booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The id of the valuation whose weights were used.
    pub valuation: ThingId,
    /// What `Settle` would book.
    pub result: SettlementResult,
}

/// A line of a settlement with its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvedLine {
    /// Its number in the result, from 0.
    pub number: u64,
    /// The line as canonical JSON, the leaf under the output root.
    pub json: String,
    /// The inclusion proof under the output root, lowest sibling first.
    pub inclusion_proof: Vec<TreeHash>,
}

/// A page of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinePage {
    /// The lines that the caller may see, in the result's order.
    pub lines: Vec<ProvedLine>,
    /// How many lines the result has.
    pub total: u64,
    /// The root that the proofs lead to.
    pub output_root: TreeHash,
    /// The number of the line to go on with; none at the end.
    pub next: Option<u64>,
}

/// Which lines of a settlement are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineFilter {
    /// Only of this contribution.
    pub contribution: Option<ThingId>,
    /// Only of this party.
    pub party: Option<PartyName>,
}

/// Computes the settlement of a frozen period without booking it; for operators and auditors.
/// `reference` names the valuation by its id in hex, or by at least
/// [`REFERENCE_DIGITS_MIN`](super::REFERENCE_DIGITS_MIN) digits of it.
///
/// # Errors
/// `NOT_PERMITTED`, and what `Settle` would be refused for but that its result differs; or a fault
/// of the storage.
pub fn preview(
    view: &dyn View,
    caller: &Caller,
    attachments: &dyn Attachments,
    pool: &PoolName,
    period: Period,
    reference: &str,
) -> Result<Preview, Stop> {
    if !caller.sees_all() {
        return refuse(
            Reason::NotPermitted,
            "previews are for operators and auditors",
        );
    }
    let valuation = valuation(view, caller, reference)?.row.id;
    let state = State::new(view);
    let prepared = prepare(&state, attachments, pool, period, &valuation)?;
    Ok(Preview {
        valuation,
        result: prepared.result,
    })
}

/// Returns the settlement of a pool's period.
///
/// # Errors
/// `NOT_FOUND`, or a fault of the storage.
pub fn settlement(
    view: &dyn View,
    caller: &Caller,
    pool: &PoolName,
    period: Period,
) -> Result<Settlement, Stop> {
    let state = State::new(view);
    let settled = state.get::<SettledPeriodRow>(&(pool.clone(), period))?;
    if let Some(SettledPeriodRow { at }) = settled
        && caller.sees_settlement(&state, pool, period)?
    {
        let found = load(&state, at)?;
        // The key holds the first month only, which periods of other kinds share.
        if found.row.period == period {
            return Ok(found);
        }
    }
    not_found(format!("settlement of {pool} in {period}"))
}

/// Lists settlements, the newest first, of one pool or of all.
///
/// # Errors
/// Fails when the storage does.
pub fn settlements(
    view: &dyn View,
    caller: &Caller,
    pool: Option<&PoolName>,
    cursor: Cursor,
    limit: usize,
) -> Result<Page<Settlement>, ViewFault> {
    let state = State::new(view);
    let span = Span::all(cursor, limit);
    newest(&state, &[], span, &mut |at, row: SettlementRow| {
        let wanted = pool.is_none_or(|pool| row.pool == *pool);
        if !wanted || !caller.sees_settlement(&state, &row.pool, row.period)? {
            return Ok(None);
        }
        shown(&state, at, row).map(Some)
    })
}

/// Lists the lines of a settlement that the caller may see, from line `from` on (0 for the first).
///
/// # Errors
/// As [`settlement`].
pub fn lines(
    view: &dyn View,
    caller: &Caller,
    attachments: &dyn Attachments,
    settlement: &Settlement,
    filter: &LineFilter,
    (from, limit): (u64, usize),
) -> Result<LinePage, ViewFault> {
    let _ = view;
    let bytes = stored_result(attachments, &settlement.row)?;
    let document = ResultDocument::parse(&bytes)?;
    let tree = line_tree(document.lines.iter().map(|line| line.get()));
    let broken = |error| ViewFault::because("the tree over a result's lines is broken", error);
    let mut prover = Prover::new(tree.size(), &tree).map_err(broken)?;
    let contribution = filter.contribution.map(|id| id.to_string());
    let mut page = LinePage {
        lines: Vec::new(),
        total: tree.size(),
        output_root: prover.root(),
        next: None,
    };
    for (number, raw) in (0_u64..).zip(&document.lines) {
        if number < from {
            continue;
        }
        let line = LineDocument::parse(raw)?;
        let party = line.party.as_deref();
        let wanted = filter
            .party
            .as_ref()
            .is_none_or(|of| party == Some(of.as_str()))
            && (contribution.is_none() || line.contribution == contribution);
        if !wanted || !caller.sees_line(party) {
            continue;
        }
        if page.lines.len() == limit {
            page.next = Some(number);
            break;
        }
        page.lines.push(ProvedLine {
            number,
            json: raw.get().to_owned(),
            inclusion_proof: prover.inclusion(number).map_err(broken)?,
        });
    }
    Ok(page)
}

/// Reads the settlement that was booked at a place.
pub(super) fn load(state: &State<'_>, at: Locator) -> Result<Settlement, ViewFault> {
    match state.get::<SettlementRow>(&at)? {
        Some(row) => shown(state, at, row),
        None => {
            let message = format!("the settlement of entry {} has no row", at.index);
            Err(ViewFault::new(message))
        }
    }
}

fn shown(state: &State<'_>, at: Locator, row: SettlementRow) -> Result<Settlement, ViewFault> {
    let Some(valuation) = state.get::<ValuationRow>(&row.valuation)? else {
        let message = format!("the valuation of the settlement {} has no row", row.id);
        return Err(ViewFault::new(message));
    };
    Ok(Settlement {
        at,
        row,
        valuation: valuation.id,
    })
}

/// Reads the result of a settlement, which the rules produced and which is never deleted.
pub(super) fn stored_result(
    attachments: &dyn Attachments,
    settlement: &SettlementRow,
) -> Result<Bytes, ViewFault> {
    let gone = || {
        ViewFault::new(format!(
            "the result of the settlement {} is gone",
            settlement.id
        ))
    };
    attachments.get(&settlement.result_hash).ok_or_else(gone)
}
