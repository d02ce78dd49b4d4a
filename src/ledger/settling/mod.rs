//! One settlement from rows to result: the same for a preview, for `Settle`, and for an auditor.
//!
//! [`prepare`] checks that a period can be settled with a valuation, builds the scenario from the
//! rows as of the entry before and runs the policy. Nothing is booked here.

mod result;
mod scenario;
mod sources;
mod table;

pub use result::SettlementResult;
pub use table::TABLE_VIOLATIONS_MAX;

pub(crate) use result::{LineDocument, PartyDocument, ResultDocument, line_tree};
pub(crate) use scenario::{
    RUN_ANCESTORS_MAX, RUN_CONTRIBUTIONS_MAX, ancestors_are_within, with_ancestors,
};
pub(crate) use sources::Sources;
pub(crate) use table::read as read_table;
pub(crate) use table::{Described, check_contributions, check_described, check_validation};

use super::booking::Openings;
use super::decide::{Attachments, Stop, not_found, refuse};
use super::rows::{Locator, ThingKind, ThingRow, ValuationRow};
use super::state::State;
use super::view::ViewFault;
use crate::domain::{Period, PoolName, Reason, Rejection, ThingId};
use crate::settlement::{Scenario, SettleError, settle};

/// A settlement that could be booked now.
pub(crate) struct Prepared {
    /// Where the pool's period, policy, revenue and use were read from.
    pub sources: Sources,
    /// Where the valuation was imported.
    pub valuation_at: Locator,
    /// What the pool carried in.
    pub openings: Openings,
    /// What it came to.
    pub result: SettlementResult,
}

/// Computes the settlement of a pool's period with the weights of a valuation.
///
/// # Errors
/// `NOT_FOUND`, `NOT_FROZEN`, `ALREADY_SETTLED`, `EARLIER_PERIOD_OPEN`, `VALUATION_MISMATCH`,
/// `ATTACHMENT_MISSING` or `SETTLEMENT_REFUSED`; `INTERNAL` where the run does not conserve, which
/// no input can bring about; or a fault of the storage.
pub(crate) fn prepare(
    state: &State<'_>,
    attachments: &dyn Attachments,
    pool: &PoolName,
    period: Period,
    valuation: &ThingId,
) -> Result<Prepared, Stop> {
    // The checks come in the order in which their reasons precede each other.
    let (valuation_at, valuation) = find_valuation(state, valuation)?;
    let sources = Sources::load(state, pool, period)?;
    sources::check_turn(state, &sources)?;
    let table = read_table(attachments, &valuation.table_hash)?;
    if valuation.pool != *pool || valuation.period != period {
        let message = format!(
            "the valuation is of {} in {}, not of {pool} in {period}",
            valuation.pool, valuation.period
        );
        return refuse(Reason::ValuationMismatch, message);
    }
    // What is in use may have changed since the import, so the table is held against it again.
    let joining = check_contributions(state, &table, &sources.used)?;
    let places = sources.used.values().copied().chain(joining);
    // What is in use alone stays within, or its declaration would have been refused.
    let Some(run) = with_ancestors(state, places, RUN_CONTRIBUTIONS_MAX)? else {
        let message = format!(
            "the valuation brings more than {RUN_CONTRIBUTIONS_MAX} contributions into the run, \
             with all that they were derived from"
        );
        return refuse(Reason::ValuationMismatch, message);
    };
    let openings = Openings::of(state, pool, sources.currency)?;
    let scenario = scenario::build(state, &sources, &run, &table.weights(), &openings)?;
    let result = SettlementResult::of(run_policy(&scenario)?)?;
    Ok(Prepared {
        sources,
        valuation_at,
        openings,
        result,
    })
}

fn run_policy(scenario: &Scenario) -> Result<crate::settlement::Outcome, Stop> {
    settle(scenario).map_err(|error| match error {
        SettleError::Refused(violations) => {
            Rejection::with_violations(Reason::SettlementRefused, violations).into()
        }
        SettleError::Fault(fault) => {
            let message = format!("nothing was booked: {fault}");
            Rejection::new(Reason::Internal, message).into()
        }
    })
}

/// Returns a valuation by its id.
///
/// # Errors
/// `NOT_FOUND`, or a fault of the storage.
pub(crate) fn find_valuation(
    state: &State<'_>,
    id: &ThingId,
) -> Result<(Locator, ValuationRow), Stop> {
    let thing = state.get::<ThingRow>(id)?;
    let Some(thing) = thing.filter(|thing| thing.kind == ThingKind::Valuation) else {
        return not_found(format!("valuation {id}"));
    };
    match state.get::<ValuationRow>(&thing.at)? {
        Some(row) => Ok((thing.at, row)),
        None => Err(ViewFault::new(format!("the valuation {id} has no row")).into()),
    }
}
