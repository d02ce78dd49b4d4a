//! Who may read what: the one place that says so, asked by every query and by the services.
//!
//! Operator and auditor see all; everybody else sees its own. What a caller may not see is
//! answered exactly like what does not exist, so these functions only ever say yes or no.

use std::ops::ControlFlow;

use super::find;
use super::rows::{
    ContributionRow, GrantRow, KeyHolder, KeyPart, KeyRow, Locator, PartyRow, PartySettlementRow,
    PoolRow, SettledPeriodRow, SettlementRow, ValuationRow,
};
use super::state::State;
use super::view::{Order, View, ViewFault, prefix_end};
use crate::book::{Account, Holder};
use crate::domain::{
    Action, Command, ContentHash, DeclareUse, FailPayout, FreezePeriod, Grantee, KeyId, PartyName,
    Period, PoolName, PublicKey, Role, Settle, SettlePayout,
};

/// Who reads, as admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The party.
    pub name: PartyName,
    /// What it may do.
    pub roles: Vec<Role>,
    /// Who stands behind it.
    pub beneficial_owner: PartyName,
}

impl Caller {
    /// Returns a party as a caller; none where there is no such party.
    ///
    /// # Errors
    /// Fails when the storage does.
    pub fn load(view: &dyn View, name: &PartyName) -> Result<Option<Self>, ViewFault> {
        let row = State::new(view).get::<PartyRow>(name)?;
        Ok(row.map(|row| Self::admitted(name, row)))
    }

    /// Returns the party of a token and its key; none where the party is not admitted or its
    /// active key has another id.
    ///
    /// # Errors
    /// Fails when the storage does.
    pub fn by_active_key(
        view: &dyn View,
        name: &PartyName,
        key: &KeyId,
    ) -> Result<Option<(Self, PublicKey)>, ViewFault> {
        let Some(row) = State::new(view).get::<PartyRow>(name)? else {
            return Ok(None);
        };
        let active = row.active_key.filter(|active| KeyId::of(active) == *key);
        Ok(active.map(|active| (Self::admitted(name, row), active)))
    }

    fn admitted(name: &PartyName, row: PartyRow) -> Self {
        Self {
            name: name.clone(),
            roles: row.roles,
            beneficial_owner: row.beneficial_owner,
        }
    }

    /// Says whether the caller has a role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Says whether the caller sees everything: operator and auditor do.
    pub fn sees_all(&self) -> bool {
        self.has(Role::Operator) || self.has(Role::Auditor)
    }

    /// Says whether the caller sees what belongs to a party: its row, claims, lines, statement.
    pub fn sees_party(&self, name: &PartyName) -> bool {
        self.sees_all() || self.name == *name
    }

    /// Says whether the caller sees a pool: its payer does, and the evaluator that it names.
    pub fn sees_pool(&self, payer: &PartyName, evaluator: &PartyName) -> bool {
        self.sees_all() || self.name == *payer || self.name == *evaluator
    }

    /// Says whether the caller sees a pool by its name.
    ///
    /// # Errors
    /// Fails when the storage does.
    pub fn sees_pool_named(&self, state: &State<'_>, pool: &PoolName) -> Result<bool, ViewFault> {
        let row = state.get::<PoolRow>(pool)?;
        Ok(row.is_some_and(|row| self.sees_pool(&row.payer, &row.evaluator)))
    }

    /// Says whether the caller sees an account: a party its own, an owner's parties those of the
    /// owner, and a payer those of its pools.
    ///
    /// # Errors
    /// Fails when the storage does.
    pub fn sees_account(&self, state: &State<'_>, account: &Account) -> Result<bool, ViewFault> {
        Ok(match &account.holder {
            _ if self.sees_all() => true,
            Holder::Party(_, party) => self.name == *party,
            Holder::Owner(_, owner) => self.beneficial_owner == *owner,
            Holder::Pool(_, pool) => {
                let row = state.get::<PoolRow>(pool)?;
                row.is_some_and(|row| self.name == row.payer)
            }
        })
    }

    /// Says whether the caller is a party of the settlement of a pool's period.
    fn takes_part(
        &self,
        state: &State<'_>,
        pool: &PoolName,
        period: Period,
    ) -> Result<Option<SettlementRow>, ViewFault> {
        let Some(settled) = state.get::<SettledPeriodRow>(&(pool.clone(), period))? else {
            return Ok(None);
        };
        let key = (self.name.clone(), settled.at);
        match state.get::<PartySettlementRow>(&key)? {
            Some(_) => state.get::<SettlementRow>(&settled.at),
            None => Ok(None),
        }
    }

    /// Says whether the caller sees that a pool's period was settled, and what it came to: whoever
    /// sees the pool does, and the parties of the settlement.
    ///
    /// # Errors
    /// Fails when the storage does.
    pub fn sees_settlement(
        &self,
        state: &State<'_>,
        pool: &PoolName,
        period: Period,
    ) -> Result<bool, ViewFault> {
        Ok(self.sees_pool_named(state, pool)? || self.takes_part(state, pool, period)?.is_some())
    }

    /// Says whether the caller sees a line of a settlement that it sees: a party its own, and
    /// everybody the totals, which are about no party.
    pub fn sees_line(&self, party: Option<&str>) -> bool {
        self.sees_all() || party.is_none_or(|party| party == self.name.as_str())
    }

    /// Says whether the caller sees a valuation: whoever sees the pool does, and the parties of
    /// the settlement that used it.
    ///
    /// # Errors
    /// Fails when the storage does.
    pub fn sees_valuation(
        &self,
        state: &State<'_>,
        at: Locator,
        valuation: &ValuationRow,
    ) -> Result<bool, ViewFault> {
        if self.sees_pool_named(state, &valuation.pool)? {
            return Ok(true);
        }
        let settled = self.takes_part(state, &valuation.pool, valuation.period)?;
        Ok(settled.is_some_and(|settled| settled.valuation == at))
    }

    /// Says whether the caller sees a contribution: its provider does, and whoever was granted to
    /// derive from it or sees a pool that was granted its use, also after the grant has ended.
    ///
    /// # Errors
    /// Fails when the storage does.
    pub fn sees_contribution(
        &self,
        state: &State<'_>,
        at: Locator,
        contribution: &ContributionRow,
    ) -> Result<bool, ViewFault> {
        if self.sees_party(&contribution.name.party) {
            return Ok(true);
        }
        let grantee = Grantee::ChildParty(self.name.clone());
        let mut granted = false;
        let mut visit = |_: &[u8], _: GrantRow| {
            granted = true;
            ControlFlow::Break(())
        };
        let prefix = (at, grantee).prefix();
        state.scan(&prefix, Order::Ascending, &mut visit)?;
        if granted || !(self.has(Role::Payer) || self.has(Role::Evaluator)) {
            return Ok(granted);
        }
        self.sees_pool_granted(state, at)
    }

    /// Says whether the caller sees a pool that was ever granted the use of a contribution.
    fn sees_pool_granted(&self, state: &State<'_>, at: Locator) -> Result<bool, ViewFault> {
        let from = at.prefix();
        let to = prefix_end(&from).unwrap_or_default();
        let mut granted = false;
        state.scan_between::<GrantRow>(&from, &to, Order::Ascending, |key, _| {
            let grantee = key.get(Locator::SIZE..).unwrap_or_default();
            if let Some(pool) = Grantee::pool_of_key(grantee) {
                granted = self.sees_pool_named(state, &pool)?;
            }
            Ok(if granted {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        Ok(granted)
    }

    /// Says whether the caller sees an entry: what it signed itself, what was decided about it,
    /// and what governs everybody.
    ///
    /// # Errors
    /// Fails when the storage does.
    pub fn sees_entry(&self, view: &dyn View, command: &Command) -> Result<bool, ViewFault> {
        if self.sees_party(&command.actor) {
            return Ok(true);
        }
        let own = |party: &PartyName| *party == self.name;
        let state = State::new(view);
        let own_grant = |grantee: &Grantee| match grantee {
            Grantee::ChildParty(party) => Ok(own(party)),
            Grantee::Pool(pool) => self.sees_pool_named(&state, pool),
        };
        Ok(match &command.action {
            Action::Found(_)
            | Action::AmendCharter(_)
            | Action::Upgrade(_)
            | Action::PublishPolicy(_) => true,
            Action::AdmitParty(admit) => own(&admit.application.name),
            Action::ReplaceKey(replace) => own(&replace.party),
            Action::RevokeKey(revoke) => {
                let row = state.get::<KeyRow>(&revoke.public_key)?;
                row.is_some_and(|row| match &row.holder {
                    KeyHolder::Party(holder) => own(holder),
                    KeyHolder::Log => false,
                })
            }
            Action::GrantUse(grant) => own_grant(&grant.grantee)?,
            Action::RevokeUse(revoke) => own_grant(&revoke.grantee)?,
            Action::IssuePayout(payout) => own(&payout.party),
            Action::SettlePayout(SettlePayout { payout, .. })
            | Action::FailPayout(FailPayout { payout, .. }) => {
                find::payout(&state, payout)?.is_some_and(|(_, row)| own(&row.party))
            }
            Action::OpenPool(open) => self.sees_pool(&open.payer, &open.evaluator),
            Action::PostRevenue(posted) => self.sees_pool_named(&state, &posted.pool)?,
            Action::ApproveCost(approval) => match find::claim(&state, &approval.claim)? {
                Some((_, claim)) => own(&find::recorded(&state, claim.contribution)?.name.party),
                None => false,
            },
            Action::DeclareUse(DeclareUse { pool, period, .. })
            | Action::FreezePeriod(FreezePeriod { pool, period })
            | Action::Settle(Settle { pool, period, .. }) => {
                self.sees_settlement(&state, pool, *period)?
            }
            Action::CommitReveal(commit) => self.sees_pool_named(&state, &commit.pool)?,
            Action::StartValuation(start) => self.sees_pool_named(&state, &start.pool)?,
            Action::FinishValuation(finish) => {
                let Some((_, request)) = find::valuation_request(&state, &finish.request)? else {
                    return Ok(false);
                };
                self.sees_table(&state, &request.pool, request.period, &finish.table_hash)?
            }
            Action::ImportWeights(import) => {
                self.sees_table(&state, &import.pool, import.period, &import.table_hash)?
            }
            _ => false,
        })
    }

    /// Says whether the caller sees the entry that brought a value table: whoever sees the pool
    /// does, and the parties of the settlement that used it.
    fn sees_table(
        &self,
        state: &State<'_>,
        pool: &PoolName,
        period: Period,
        table_hash: &ContentHash,
    ) -> Result<bool, ViewFault> {
        if self.sees_pool_named(state, pool)? {
            return Ok(true);
        }
        let Some(settled) = self.takes_part(state, pool, period)? else {
            return Ok(false);
        };
        let used = state.get::<ValuationRow>(&settled.valuation)?;
        Ok(used.is_some_and(|used| used.table_hash == *table_hash))
    }
}
