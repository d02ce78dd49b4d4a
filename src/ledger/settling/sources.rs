//! What a run reads of its pool: period, policy, revenue, use and open claims.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::domain::{
    ContentHash, Currency, Period, PolicyTerms, PoolName, Reason, RevenueKind, ThingId, UseClass,
};
use crate::ledger::decide::{Stop, not_found, refuse};
use crate::ledger::find;
use crate::ledger::rows::{
    KeyPart, Locator, PeriodRow, PeriodState, PolicyRow, PoolOpenedRow, PoolRow,
};
use crate::ledger::state::State;
use crate::ledger::view::{Order, ViewFault};

/// Revenue as a run reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Posted {
    /// The entry that posted it.
    pub index: u64,
    /// Which way the money went.
    pub kind: RevenueKind,
    /// The amount in minor units.
    pub amount: i64,
}

/// What a run reads of its pool.
pub(crate) struct Sources {
    /// The pool.
    pub pool: PoolName,
    /// Its row.
    pub pool_row: PoolRow,
    /// The earning period.
    pub period: Period,
    /// Its row; none where it has no inputs and was not frozen.
    pub period_row: Option<PeriodRow>,
    /// The currency of all amounts.
    pub currency: Currency,
    /// The hash of the policy in force for the period.
    pub policy_hash: ContentHash,
    /// Its terms.
    pub policy: PolicyTerms,
    /// How many days after the settlement its parties may object.
    pub objection_days: u32,
    /// The revenue that names the period.
    pub revenue: Vec<Posted>,
    /// The contributions in use, by id. Use in the public interest is priced at zero and is not
    /// among them.
    pub used: BTreeMap<ThingId, Locator>,
}

impl Sources {
    /// Reads what a run needs of a pool's period.
    ///
    /// # Errors
    /// `NOT_FOUND`, `PERIOD_MISMATCH`, or a fault of the storage.
    pub fn load(state: &State<'_>, pool: &PoolName, period: Period) -> Result<Self, Stop> {
        let Some(pool_row) = state.get::<PoolRow>(pool)? else {
            return not_found(format!("pool {pool}"));
        };
        let Some(policy_hash) = pool_row.policy_of(&period) else {
            let message = format!("the pool {pool} has no policy for {period}");
            return refuse(Reason::PeriodMismatch, message);
        };
        let Some(policy) = state.get::<PolicyRow>(&policy_hash)? else {
            return Err(ViewFault::new(format!("the policy {policy_hash} has no row")).into());
        };
        let period_row = state.get::<PeriodRow>(&(pool.clone(), period))?;
        Ok(Self {
            revenue: revenue(state, pool, period_row.as_ref())?,
            used: used(state, pool, period)?,
            pool: pool.clone(),
            currency: pool_row.currency,
            pool_row,
            period,
            period_row,
            policy_hash,
            objection_days: policy.policy.objection_days,
            policy: policy.policy.terms,
        })
    }

    /// Returns where the period stands.
    pub fn period_state(&self) -> PeriodState {
        self.period_row
            .as_ref()
            .map_or(PeriodState::Open, |row| row.state)
    }
}

fn revenue(
    state: &State<'_>,
    pool: &PoolName,
    period: Option<&PeriodRow>,
) -> Result<Vec<Posted>, ViewFault> {
    let Some(period) = period else {
        return Ok(Vec::new());
    };
    let rows = find::revenue(state, pool, period)?;
    Ok(rows
        .into_iter()
        .map(|(at, row)| Posted {
            index: at.index,
            kind: row.kind,
            amount: row.amount,
        })
        .collect())
}

fn used(
    state: &State<'_>,
    pool: &PoolName,
    period: Period,
) -> Result<BTreeMap<ThingId, Locator>, ViewFault> {
    let mut used = BTreeMap::new();
    for row in find::uses(state, pool, period)? {
        if row.class != UseClass::PublicInterest {
            let at = row.contribution;
            used.insert(find::recorded(state, at)?.id, at);
        }
    }
    Ok(used)
}

/// Checks that it is the period's turn to be settled: it is frozen and not settled, and so is
/// everything that settles before it.
///
/// # Errors
/// `NOT_FROZEN`, `ALREADY_SETTLED`, `EARLIER_PERIOD_OPEN`, or a fault of the storage.
pub(crate) fn check_turn(state: &State<'_>, sources: &Sources) -> Result<(), Stop> {
    let (pool, period) = (&sources.pool, sources.period);
    match sources.period_state() {
        PeriodState::Open => {
            let message = format!("the period {period} of {pool} is not frozen");
            return refuse(Reason::NotFrozen, message);
        }
        PeriodState::Frozen { .. } => {}
        PeriodState::Settled { at, .. } => {
            let message = format!("the period {period} of {pool} was settled by entry {at}");
            return refuse(Reason::AlreadySettled, message);
        }
    }
    if let Some(open) = earlier_period(state, pool, period)? {
        let message = format!("settle the period {open} of {pool} first: it has inputs");
        return refuse(Reason::EarlierPeriodOpen, message);
    }
    if let Some(other) = earlier_pool(state, sources)? {
        let message = format!(
            "settle the period {period} of {other} first: pools of one currency settle in the \
             order of their ids, because they recover the same claims"
        );
        return refuse(Reason::EarlierPeriodOpen, message);
    }
    Ok(())
}

/// Returns the first period of a pool before one that has inputs and is not settled.
fn earlier_period(
    state: &State<'_>,
    pool: &PoolName,
    period: Period,
) -> Result<Option<Period>, ViewFault> {
    let mut open = None;
    let from = pool.prefix();
    let to = (pool.clone(), period).prefix();
    state.scan_between::<PeriodRow>(&from, &to, Order::Ascending, |_, row| {
        if is_waiting(&row) {
            open = Some(row.period);
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(open)
}

fn is_waiting(row: &PeriodRow) -> bool {
    row.has_inputs() && !matches!(row.state, PeriodState::Settled { .. })
}

/// Returns a pool of the same currency with a lower id whose same period has inputs and is not
/// settled.
fn earlier_pool(state: &State<'_>, sources: &Sources) -> Result<Option<PoolName>, ViewFault> {
    let mut earlier = None;
    state.each::<PoolOpenedRow>(|_, opened| {
        let name = opened.name;
        let Some(row) = state.get::<PoolRow>(&name)? else {
            return Err(ViewFault::new(format!("the pool {name} has no row")));
        };
        let before = row.currency == sources.currency && row.id < sources.pool_row.id;
        if before && earlier.is_none() {
            let period = state.get::<PeriodRow>(&(name.clone(), sources.period))?;
            let same = |row: &PeriodRow| row.period == sources.period && is_waiting(row);
            earlier = period.filter(same).map(|_| name);
        }
        Ok(())
    })?;
    Ok(earlier)
}

/// A claim of which something is outstanding.
pub(crate) struct OpenClaim {
    /// Its id.
    pub id: ThingId,
    /// The class of cost.
    pub class: String,
    /// What is outstanding, in minor units, above zero.
    pub outstanding: i64,
}

/// Returns the open claims on a contribution in a currency.
///
/// # Errors
/// Fails when the storage does.
pub(crate) fn open_claims(
    state: &State<'_>,
    currency: Currency,
    contribution: Locator,
) -> Result<Vec<OpenClaim>, ViewFault> {
    let claims = find::claims_on(state, contribution)?;
    Ok(claims
        .into_iter()
        .filter(|(_, row)| row.claimed.currency == currency && row.outstanding() > 0)
        .map(|(_, row)| OpenClaim {
            id: row.id,
            class: row.class.as_str().to_owned(),
            outstanding: row.outstanding(),
        })
        .collect())
}
