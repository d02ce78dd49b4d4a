//! What a valuation takes from the rows: who recorded what, what was used, and approved costs.
//!
//! The service's job and the auditor both ask here, so that they value the same things.

use std::collections::{BTreeMap, BTreeSet};

use super::find;
use super::rows::{
    ClaimRow, ContributionRow, KeyPart, Locator, PartyRow, PeriodRow, PeriodState, PoolRow, UseRow,
    ValuationRow,
};
use super::state::State;
use super::view::ViewFault;
use crate::domain::{PartyName, Period, PoolName, ThingId, UseClass};
use crate::valuation::{Contribution, FeatureTable, Rows};

/// A recorded contribution as a valuation takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Where it was recorded.
    pub at: Locator,
    /// What was recorded.
    pub row: ContributionRow,
    /// Its beneficial owner.
    pub owner: PartyName,
}

/// Returns every contribution that is recorded, by id.
///
/// # Errors
/// Fails when the storage does, or where a row has no place or no party.
pub fn recorded(state: &State<'_>) -> Result<BTreeMap<ThingId, Recorded>, ViewFault> {
    let mut recorded = BTreeMap::new();
    for (key, row) in state.list::<ContributionRow>(&[])? {
        let at = Locator::from_key(&key);
        let party = state.get::<PartyRow>(&row.name.party)?;
        let (Some(at), Some(party)) = (at, party) else {
            return Err(ViewFault::new(format!(
                "{} has no place or no party",
                row.name
            )));
        };
        let owner = party.beneficial_owner;
        recorded.insert(row.id, Recorded { at, row, owner });
    }
    Ok(recorded)
}

/// Returns where the contributions in use were recorded; use in the public interest is priced at
/// zero and takes no part.
///
/// # Errors
/// Fails when the storage does.
pub fn used(
    state: &State<'_>,
    pool: &PoolName,
    period: Period,
) -> Result<BTreeSet<Locator>, ViewFault> {
    let prefix = (pool.clone(), period).prefix();
    let rows = state.list::<UseRow>(&prefix)?.into_iter();
    let priced = rows.filter(|(_, row)| row.class != UseClass::PublicInterest);
    Ok(priced.map(|(_, row)| row.contribution).collect())
}

/// The rows of contributions with what the ledger says of them.
#[derive(Debug)]
pub struct Gathered {
    recorded: BTreeMap<ThingId, Recorded>,
    tables: BTreeMap<ThingId, FeatureTable>,
    used: BTreeSet<Locator>,
    costs: BTreeMap<PartyName, u128>,
}

impl Gathered {
    /// Reads the rows of some recorded contributions, and what else their valuation takes, which
    /// was asked for or imported at `before`.
    ///
    /// # Errors
    /// What `read` fails with, or the storage.
    pub fn of<E: From<ViewFault>>(
        state: &State<'_>,
        valuation: &ValuationRow,
        before: Locator,
        recorded: BTreeMap<ThingId, Recorded>,
        mut read: impl FnMut(&ContributionRow) -> Result<FeatureTable, E>,
    ) -> Result<Self, E> {
        let mut tables = BTreeMap::new();
        for (id, one) in &recorded {
            tables.insert(*id, read(&one.row)?);
        }
        Ok(Self {
            recorded,
            tables,
            used: used(state, &valuation.pool, valuation.period)?,
            costs: approved_costs(state, &valuation.pool, valuation.period, before.index)?,
        })
    }

    /// Returns the contributions as the recipe takes them.
    pub fn contributions(&self) -> Vec<Contribution<'_>> {
        let mut contributions = Vec::with_capacity(self.recorded.len());
        for (one, table) in self.recorded.values().zip(self.tables.values()) {
            contributions.push(Contribution {
                id: one.row.id,
                owner: one.owner.clone(),
                place: (one.at.index, one.at.number),
                used: self.used.contains(&one.at),
                rows: Rows::Table(table),
            });
        }
        contributions
    }

    /// Returns approved costs by beneficial owner.
    pub fn costs(&self) -> &BTreeMap<PartyName, u128> {
        &self.costs
    }

    /// Returns how many rows there are.
    pub fn rows(&self) -> usize {
        self.tables.values().map(FeatureTable::rows).sum()
    }

    /// Returns how many numbers all rows have together.
    pub fn cells(&self) -> usize {
        self.tables.values().map(|table| table.cells().len()).sum()
    }
}

/// Returns what was approved to each beneficial owner for its contributions, in minor units of the
/// pool's currency; who has nothing approved is not named.
///
/// What counts was approved by the entry that froze the period, or so far while it is open, and in
/// both cases before the index `before`; costs in other currencies do not count.
///
/// # Errors
/// Fails when the storage does, or where a row names another that is not there.
pub fn approved_costs(
    state: &State<'_>,
    pool: &PoolName,
    period: Period,
    before: u64,
) -> Result<BTreeMap<PartyName, u128>, ViewFault> {
    let Some(currency) = state.get::<PoolRow>(pool)?.map(|row| row.currency) else {
        return Ok(BTreeMap::new());
    };
    let row = state.get::<PeriodRow>(&(pool.clone(), period))?;
    let until = match row.map(|row| row.state) {
        Some(PeriodState::Frozen { at }) => at,
        Some(PeriodState::Settled { frozen_at, .. }) => frozen_at,
        Some(PeriodState::Open) | None => u64::MAX,
    };
    let mut costs: BTreeMap<PartyName, u128> = BTreeMap::new();
    for (_, claim) in state.list::<ClaimRow>(&[])? {
        let decided = claim
            .decision
            .filter(|decision| decision.at <= until && decision.at < before);
        let approved = decided.map_or(0, |decision| decision.approved);
        let approved = u128::try_from(approved).unwrap_or(0);
        if approved == 0 || claim.claimed.currency != currency {
            continue;
        }
        let party = find::recorded(state, claim.contribution)?.name.party;
        let Some(party) = state.get::<PartyRow>(&party)? else {
            return Err(ViewFault::new(format!("the party {party} has no row")));
        };
        // Fewer than 2^64 amounts below 2^63 add up.
        let sum = costs.entry(party.beneficial_owner).or_default();
        *sum = sum.saturating_add(approved);
    }
    Ok(costs)
}
