//! The entries that an explanation rests on, as far as the caller may open them.
//!
//! What is added here as seen must be what [`Caller::sees_entry`] lets the caller open; a test
//! holds the two against each other.

use std::collections::BTreeMap;

use crate::domain::{Money, RevenueKind, ThingId};
use crate::ledger::access::Caller;
use crate::ledger::find;
use crate::ledger::query::settlements::Settlement;
use crate::ledger::rows::{
    ContributionRow, KeyPart, Locator, PeriodRow, PeriodState, PolicyRow, PoolRow, UseRow,
    ValuationRow,
};
use crate::ledger::settling::LineDocument;
use crate::ledger::state::State;
use crate::ledger::view::ViewFault;

/// An entry that an explanation rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceEntry {
    /// The index of the entry.
    pub index: u64,
    /// What the entry did, in a few words.
    pub what: String,
}

/// Collects the entries of an explanation.
pub(super) struct Evidence<'a> {
    state: &'a State<'a>,
    caller: &'a Caller,
    entries: BTreeMap<u64, String>,
}

impl<'a> Evidence<'a> {
    pub fn new(state: &'a State<'a>, caller: &'a Caller) -> Self {
        Self {
            state,
            caller,
            entries: BTreeMap::new(),
        }
    }

    /// Returns the entries, ascending.
    pub fn finish(self) -> Vec<EvidenceEntry> {
        let entries = self.entries.into_iter();
        entries
            .map(|(index, what)| EvidenceEntry { index, what })
            .collect()
    }

    fn add(&mut self, seen: bool, index: u64, what: impl Into<String>) {
        if seen {
            self.entries.entry(index).or_insert_with(|| what.into());
        }
    }

    /// Adds where a contribution was recorded.
    pub fn recorded(&mut self, at: Locator, row: &ContributionRow) {
        let seen = self.caller.sees_party(&row.name.party);
        self.add(seen, at.index, format!("recorded {}", row.name));
    }

    /// Adds what every line of a settlement rests on: pool, policy, freeze, settlement. The caller
    /// sees the settlement.
    pub fn settlement(&mut self, settlement: &Settlement) -> Result<(), ViewFault> {
        let row = &settlement.row;
        let (pool, period) = (&row.pool, row.period);
        if let Some(opened) = self.state.get::<PoolRow>(pool)? {
            let seen = self.caller.sees_pool(&opened.payer, &opened.evaluator);
            self.add(seen, opened.opened_at, format!("opened the pool {pool}"));
        }
        if let Some(policy) = self.state.get::<PolicyRow>(&row.policy)? {
            let what = format!("published the policy {}", policy.policy.name);
            self.add(true, policy.published_at, what);
        }
        let key = (pool.clone(), period);
        if let Some(PeriodState::Settled { frozen_at, at }) =
            self.state.get::<PeriodRow>(&key)?.map(|row| row.state)
        {
            self.add(true, frozen_at, format!("froze {period} of {pool}"));
            self.add(true, at, format!("settled {period} of {pool}"));
        }
        Ok(())
    }

    /// Adds what a line rests on besides.
    pub fn line(
        &mut self,
        settlement: &Settlement,
        line: &LineDocument<'_>,
    ) -> Result<(), ViewFault> {
        match line.name.as_str() {
            "net_revenue" => self.revenue(settlement)?,
            "cost_recovery" => self.claim(line.input("claim"))?,
            "value_share" | "owner_cap" => self.value(settlement, line)?,
            "upstream_received" => {
                self.named(line.input("child"))?;
                self.named(line.contribution.as_deref())?;
            }
            "upstream_passed" => {
                self.named(line.contribution.as_deref())?;
                self.named(line.input("parent"))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn revenue(&mut self, settlement: &Settlement) -> Result<(), ViewFault> {
        let row = &settlement.row;
        let seen = self.caller.sees_pool_named(self.state, &row.pool)?;
        let key = (row.pool.clone(), row.period);
        let Some(period) = self.state.get::<PeriodRow>(&key)? else {
            return Ok(());
        };
        for (at, posted) in find::revenue(self.state, &row.pool, &period)? {
            let amount = Money {
                minor_units: posted.amount,
                currency: row.currency,
            };
            let kind = match posted.kind {
                RevenueKind::Receipt => "a receipt",
                RevenueKind::Refund => "a refund",
                RevenueKind::Chargeback => "a chargeback",
            };
            self.add(seen, at.index, format!("posted {kind} of {amount}"));
        }
        Ok(())
    }

    fn claim(&mut self, id: Option<&str>) -> Result<(), ViewFault> {
        let Some(id) = id.and_then(|id| id.parse::<ThingId>().ok()) else {
            return Ok(());
        };
        let Some((at, claim)) = find::claim(self.state, &id)? else {
            return Ok(());
        };
        let contribution = find::recorded(self.state, claim.contribution)?;
        let seen = self.caller.sees_party(&contribution.name.party);
        self.recorded(claim.contribution, &contribution);
        let what = format!(
            "claimed {} of costs on {}",
            claim.claimed, contribution.name
        );
        self.add(seen, at.index, what);
        if let Some(decision) = claim.decision {
            let approved = Money {
                minor_units: decision.approved,
                currency: claim.claimed.currency,
            };
            self.add(
                seen,
                decision.at,
                format!("approved {approved} of the claim"),
            );
        }
        Ok(())
    }

    /// Adds the valuation, the use and the record of the line's contribution.
    fn value(&mut self, settlement: &Settlement, line: &LineDocument<'_>) -> Result<(), ViewFault> {
        self.valued(settlement)?;
        if let Some(at) = self.named(line.contribution.as_deref())? {
            self.used(settlement, at)?;
        }
        Ok(())
    }

    /// Adds where the weights of a settlement were imported.
    pub fn valued(&mut self, settlement: &Settlement) -> Result<(), ViewFault> {
        let at = settlement.row.valuation;
        if let Some(valuation) = self.state.get::<ValuationRow>(&at)? {
            let seen = self.caller.sees_valuation(self.state, at, &valuation)?;
            let what = format!("imported weights by the method {}", valuation.method);
            self.add(seen, at.index, what);
        }
        Ok(())
    }

    /// Adds where the use of a contribution was declared. The caller sees the settlement.
    pub fn used(&mut self, settlement: &Settlement, at: Locator) -> Result<(), ViewFault> {
        let (pool, period) = (&settlement.row.pool, settlement.row.period);
        let prefix = (pool.clone(), period, at).prefix();
        for (_, row) in self.state.list::<UseRow>(&prefix)? {
            let what = format!("declared the use in {period} of {pool}");
            self.add(true, row.declared_at, what);
        }
        Ok(())
    }

    /// Adds where a contribution was recorded that a line names by its id in hex.
    fn named(&mut self, id: Option<&str>) -> Result<Option<Locator>, ViewFault> {
        let Some(id) = id.and_then(|id| id.parse::<ThingId>().ok()) else {
            return Ok(None);
        };
        let found = find::contribution(self.state, &id)?;
        Ok(found.map(|(at, row)| {
            self.recorded(at, &row);
            at
        }))
    }
}
