//! Posting money of a period.

use super::pools;
use crate::domain::{PostRevenue, Reason, Rejection, RevenueKind, Role, Violation};
use crate::ledger::booking::{book, revenue_postings};
use crate::ledger::decide::{Rules, Stop, not_found, refuse};
use crate::ledger::rows::{
    PeriodRow, PoolRow, RevenueReferenceRow, RevenueRow, RevenueSpan, ThingKind,
};

pub(super) fn post(rules: &mut Rules<'_>, posted: &PostRevenue) -> Result<Vec<ThingKind>, Stop> {
    let (name, period, amount) = (&posted.pool, posted.period, posted.amount);
    if amount.minor_units <= 0 {
        let violation = Violation::new("post_revenue.amount", "must be above zero");
        return Err(Rejection::with_violations(Reason::InvalidArgument, vec![violation]).into());
    }
    let pool = find_posted_to(rules, posted)?;
    if amount.currency != pool.currency {
        let message = format!("the money of the pool {name} is in {}", pool.currency);
        return refuse(Reason::CurrencyMismatch, message);
    }
    let before = rules.state.get::<PeriodRow>(&(name.clone(), period))?;
    let before = before.unwrap_or_else(|| PeriodRow::new(period));
    let after = with_revenue(&before, posted, rules.index())?;
    pools::open_period(&rules.state, name, &pool, period)?;
    let key = (name.clone(), posted.reference.clone());
    if rules.state.get::<RevenueReferenceRow>(&key)?.is_some() {
        let message = format!(
            "the pool {name} has revenue with the reference {:?} already",
            posted.reference
        );
        return refuse(Reason::ReferenceTaken, message);
    }
    let at = rules.first_locator();
    rules.state.put(&key, &RevenueReferenceRow { at });
    let row = RevenueRow {
        period,
        kind: posted.kind,
        amount: amount.minor_units,
        reference: posted.reference.clone(),
    };
    rules.state.put(&(name.clone(), at), &row);
    rules.state.put(&(name.clone(), period), &after);
    let postings = revenue_postings(name, posted.kind, amount);
    book(&mut rules.state, rules.submission.index, postings)?;
    Ok(vec![ThingKind::Revenue])
}

/// Returns the pool, where the actor pays it or operates the ledger; another's is answered as if
/// it did not exist.
fn find_posted_to(rules: &Rules<'_>, posted: &PostRevenue) -> Result<PoolRow, Stop> {
    if !rules.actor.has(Role::Operator) {
        return pools::find_paid(rules, &posted.pool);
    }
    match rules.state.get::<PoolRow>(&posted.pool)? {
        Some(pool) => Ok(pool),
        None => not_found(format!("pool {}", posted.pool)),
    }
}

/// Adds to the sums of a period, which stay within 64 bits.
fn with_revenue(before: &PeriodRow, posted: &PostRevenue, index: u64) -> Result<PeriodRow, Stop> {
    let mut after = before.clone();
    let sum = match posted.kind {
        RevenueKind::Receipt => &mut after.receipts,
        RevenueKind::Refund | RevenueKind::Chargeback => &mut after.taken_back,
    };
    let Some(larger) = sum.checked_add(posted.amount.minor_units) else {
        let message = format!("the sum of {} would be beyond 64 bits", before.period);
        return refuse(Reason::AmountOutOfRange, message);
    };
    *sum = larger;
    let first = before.revenue.map_or(index, |span| span.first);
    after.revenue = Some(RevenueSpan { first, last: index });
    Ok(after)
}
