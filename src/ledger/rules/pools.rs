//! Opening pools and sealing their periods.
//!
//! Periods of a pool are sealed in their order, because each settlement opens with what the one
//! before left: a period that is earlier than a frozen one takes no more inputs, whether or not
//! it was frozen itself.

use std::ops::ControlFlow;

use super::failures::Failures;
use crate::domain::{
    ContentHash, FreezePeriod, OpenPool, PartyName, Period, PoolName, Reason, Role,
};
use crate::ledger::decide::{Rules, Stop, not_found, refuse};
use crate::ledger::rows::{
    KeyPart, PartyRow, PeriodRow, PeriodState, PolicyRow, PoolOpenedRow, PoolRow, ThingKind,
};
use crate::ledger::state::State;
use crate::ledger::view::{Order, ViewFault};

pub(super) fn open(rules: &mut Rules<'_>, open: &OpenPool) -> Result<Vec<ThingKind>, Stop> {
    let mut failures = Failures::default();
    check_policies(rules, open, &mut failures)?;
    check_party(rules, "payer", &open.payer, Role::Payer, &mut failures)?;
    let evaluator = &open.evaluator;
    check_party(
        rules,
        "evaluator",
        evaluator,
        Role::Evaluator,
        &mut failures,
    )?;
    if rules.state.get::<PoolRow>(&open.name)?.is_some() {
        let text = format!("there is a pool {} already", open.name);
        failures.add(Reason::NameTaken, "open_pool.name", text);
    }
    failures.check()?;
    let row = PoolRow {
        id: rules.submission.id.thing(0),
        opened_at: rules.index(),
        payer: open.payer.clone(),
        currency: open.currency,
        period_kind: open.period_kind,
        evaluator: evaluator.clone(),
        policies: open.policies.clone(),
        validation_hash: open.validation_hash,
        frozen_through: None,
    };
    rules.state.put(&open.name, &row);
    let name = open.name.clone();
    rules
        .state
        .put(&rules.first_locator(), &PoolOpenedRow { name });
    Ok(vec![ThingKind::Pool])
}

fn check_policies(rules: &Rules<'_>, open: &OpenPool, failures: &mut Failures) -> Result<(), Stop> {
    let policies = &open.policies;
    let ascend = policies.is_sorted_by(|one, next| one.from_period < next.from_period);
    if policies.is_empty() || !ascend {
        let text = "must be at least one, ascending by period, none twice";
        failures.add(Reason::InvalidArgument, "open_pool.policies", text);
    }
    for (place, policy) in policies.iter().enumerate() {
        let path = |field: &str| format!("open_pool.policies[{place}].{field}");
        let hash = policy.policy_hash;
        if rules.state.get::<PolicyRow>(&hash)?.is_none() {
            let text = format!("there is no policy {hash}; publish it first");
            failures.add(Reason::NotFound, path("policy_hash"), text);
        }
        if policy.from_period.kind() != open.period_kind {
            let text = "is of another kind than the pool's periods";
            failures.add(Reason::PeriodMismatch, path("from_period"), text);
        }
    }
    Ok(())
}

fn check_party(
    rules: &Rules<'_>,
    field: &str,
    name: &PartyName,
    role: Role,
    failures: &mut Failures,
) -> Result<(), Stop> {
    let path = format!("open_pool.{field}");
    match rules.state.get::<PartyRow>(name)? {
        None => failures.add(Reason::NotFound, path, format!("there is no party {name}")),
        Some(party) if party.has(role) => {}
        Some(_) => {
            let text = format!("{name} was not admitted as {field}");
            failures.add(Reason::RoleMissing, path, text);
        }
    }
    Ok(())
}

/// Returns a pool that the actor pays; another's is answered as if it did not exist.
pub(super) fn find_paid(rules: &Rules<'_>, name: &PoolName) -> Result<PoolRow, Stop> {
    match rules.state.get::<PoolRow>(name)? {
        Some(pool) if pool.payer == *rules.actor_name() => Ok(pool),
        _ => not_found(format!("pool {name}")),
    }
}

/// Returns the policy that a pool has for a period: `PERIOD_MISMATCH` where it has none.
pub(super) fn policy_of(
    name: &PoolName,
    pool: &PoolRow,
    period: &Period,
) -> Result<ContentHash, Stop> {
    let Some(policy) = pool.policy_of(period) else {
        let first = pool.policies.first().map(|policy| policy.from_period);
        let first = first.map_or_else(String::new, |first| format!(" from {first} on"));
        let message = format!(
            "a period of the pool {name} is a {}{first}, not {period}",
            pool.period_kind
        );
        return refuse(Reason::PeriodMismatch, message);
    };
    Ok(policy)
}

/// Returns the row of a period that takes inputs, a new one where it had none: `PERIOD_MISMATCH`
/// or `PERIOD_CLOSED` where it takes none.
pub(super) fn open_period(
    state: &State<'_>,
    name: &PoolName,
    pool: &PoolRow,
    period: Period,
) -> Result<PeriodRow, Stop> {
    policy_of(name, pool, &period)?;
    if pool.is_closed(&period) {
        let message = format!(
            "{period} of the pool {name} is closed, as is every period up to the last that was \
             frozen"
        );
        return refuse(Reason::PeriodClosed, message);
    }
    let row = state.get::<PeriodRow>(&(name.clone(), period))?;
    Ok(row.unwrap_or_else(|| PeriodRow::new(period)))
}

pub(super) fn freeze(rules: &mut Rules<'_>, freeze: &FreezePeriod) -> Result<Vec<ThingKind>, Stop> {
    let (name, period) = (&freeze.pool, freeze.period);
    let Some(pool) = rules.state.get::<PoolRow>(name)? else {
        return not_found(format!("pool {name}"));
    };
    let row = open_period(&rules.state, name, &pool, period)?;
    if let Some(earlier) = earlier_open(&rules.state, name, &pool, period)? {
        let message = format!("{earlier} of the pool {name} has inputs and is not frozen");
        return refuse(Reason::EarlierPeriodOpen, message);
    }
    let at = rules.index();
    let row = PeriodRow {
        state: PeriodState::Frozen { at },
        ..row
    };
    rules.state.put(&(name.clone(), period), &row);
    let pool = PoolRow {
        frozen_through: Some(period),
        ..pool
    };
    rules.state.put(name, &pool);
    Ok(vec![ThingKind::Nothing])
}

/// Returns the first period before another that has inputs and is not frozen.
fn earlier_open(
    state: &State<'_>,
    name: &PoolName,
    pool: &PoolRow,
    period: Period,
) -> Result<Option<Period>, ViewFault> {
    // What is not later than the last frozen period is closed and need not be looked at.
    let first = pool
        .frozen_through
        .map_or(0, |last| last.first_month().saturating_add(1));
    let from = (name.clone(), first).prefix();
    let to = (name.clone(), period).prefix();
    let mut found = None;
    state.scan_between::<PeriodRow>(&from, &to, Order::Ascending, |_, row| {
        if !row.has_inputs() {
            return Ok(ControlFlow::Continue(()));
        }
        found = Some(row.period);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}
