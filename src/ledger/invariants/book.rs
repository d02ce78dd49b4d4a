//! Invariants of accounts, postings, valuations and settlements.

use std::collections::BTreeMap;

use super::Findings;
use crate::book::{Account, PoolAccount};
use crate::domain::{Currency, PoolName, Role};
use crate::ledger::booking::{account_of_key, balance};
use crate::ledger::rows::{
    AccountRow, ClaimRow, KeyPart, Locator, PartyRow, PartySettlementRow, PeriodRow, PeriodState,
    PoolOpenedRow, PoolRow, PostingRow, SettledPeriodRow, SettlementRow, ThingKind, ThingRow,
    ValuationRequestRow, ValuationRow,
};
use crate::ledger::state::State;
use crate::ledger::view::ViewFault;

/// Reads the place that the key of a posting ends with.
fn place_of(key: &[u8]) -> Result<Locator, ViewFault> {
    let tail = key.len().checked_sub(Locator::SIZE);
    let at = tail
        .and_then(|tail| key.get(tail..))
        .and_then(Locator::from_key);
    at.ok_or_else(|| ViewFault::new("the key of a row ends without a place"))
}

pub(super) fn accounts(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
    state.each::<AccountRow>(|key, row| {
        let account = account_of_key(key)?;
        let sum = sums.entry(account.currency).or_default();
        *sum = sum.saturating_add(i128::from(row.balance));
        findings.expect(account.side().allows(row.balance), || {
            format!("{account} holds {}", row.balance)
        });
        let last = state.first::<PostingRow>(
            &(
                account.clone(),
                Locator {
                    index: row.last_index.saturating_add(1),
                    number: 0,
                },
            )
                .prefix(),
            crate::ledger::view::Order::Descending,
        )?;
        let holds = last.is_some_and(|(key, posting)| {
            key.starts_with(&account.prefix()) && posting.balance == row.balance
        });
        findings.expect(holds, || {
            format!("{account} holds {}, its last posting another", row.balance)
        });
        Ok(())
    })?;
    for (currency, sum) in sums {
        findings.expect(sum == 0, || {
            format!("all accounts in {currency} hold {sum}")
        });
    }
    Ok(())
}

pub(super) fn postings(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    let mut running: BTreeMap<Account, i64> = BTreeMap::new();
    let mut entries: BTreeMap<(u64, Currency), i128> = BTreeMap::new();
    state.each::<PostingRow>(|key, row| {
        let (account, at) = (account_of_key(key)?, place_of(key)?);
        let sum = entries.entry((at.index, account.currency)).or_default();
        *sum = sum.saturating_add(i128::from(row.amount));
        let before = running.get(&account).copied().unwrap_or(0);
        findings.expect(before.checked_add(row.amount) == Some(row.balance), || {
            format!(
                "entry {} posts {} to {account}, which held {before}, and says {}",
                at.index, row.amount, row.balance
            )
        });
        running.insert(account, row.balance);
        Ok(())
    })?;
    for ((index, currency), sum) in entries {
        findings.expect(sum == 0, || {
            format!("entry {index} posts {sum} in {currency}")
        });
    }
    for (account, last) in running {
        let holds = balance(state, &account)?;
        findings.expect(holds == last, || {
            format!("{account} holds {holds}, its postings come to {last}")
        });
    }
    Ok(())
}

pub(super) fn revenue(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<PoolOpenedRow>(|_, opened| {
        let pool: PoolName = opened.name;
        let Some(row) = state.get::<PoolRow>(&pool)? else {
            findings.expect(false, || format!("the pool {pool} has no row"));
            return Ok(());
        };
        let mut waiting = 0_i128;
        for (_, period) in state.list::<PeriodRow>(&pool.prefix())? {
            if !matches!(period.state, PeriodState::Settled { .. }) {
                waiting = waiting.saturating_add(i128::from(period.revenue_sum()));
            }
        }
        let account = Account::of_pool(PoolAccount::Revenue, &pool, row.currency);
        let holds = balance(state, &account)?;
        findings.expect(i128::from(holds) == waiting, || {
            format!("{account} holds {holds}, the periods that are not settled {waiting}")
        });
        Ok(())
    })
}

pub(super) fn claims(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    let mut recovered: BTreeMap<Currency, i128> = BTreeMap::new();
    state.each::<ClaimRow>(|_, row| {
        let Some(decision) = row.decision else {
            return Ok(());
        };
        let back = i128::from(decision.approved).saturating_sub(decision.outstanding.into());
        let sum = recovered.entry(row.claimed.currency).or_default();
        *sum = sum.saturating_add(back);
        Ok(())
    })?;
    state.each::<SettlementRow>(|_, row| {
        let sum = recovered.entry(row.currency).or_default();
        *sum = sum.saturating_sub(row.cost_recovered.into());
        Ok(())
    })?;
    for (currency, sum) in recovered {
        findings.expect(sum == 0, || {
            format!("claims in {currency} were lowered by {sum} more than settlements paid back")
        });
    }
    Ok(())
}

pub(super) fn valuations(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<ValuationRow>(|key, row| {
        let at = place_of(key)?;
        let kind = ThingKind::Valuation;
        let thing = state.get::<ThingRow>(&row.id)?;
        findings.expect(thing == Some(ThingRow { at, kind }), || {
            format!(
                "the id of the valuation of entry {} points to {thing:?}",
                at.index
            )
        });
        let holds = match row.request {
            None => {
                let pool = state.get::<PoolRow>(&row.pool)?;
                pool.is_some_and(|pool| pool.evaluator == row.evaluator)
            }
            Some(request) => {
                let request = state.get::<ValuationRequestRow>(&request)?;
                let service = state.get::<PartyRow>(&row.evaluator)?;
                service.is_some_and(|party| party.has(Role::Service))
                    && request.is_some_and(|request| request.finished == Some(at))
            }
        };
        findings.expect(holds, || {
            format!("{} did not value {} as asked", row.evaluator, row.pool)
        });
        Ok(())
    })
}

pub(super) fn settlements(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<SettlementRow>(|key, row| {
        let at = place_of(key)?;
        let kind = ThingKind::Settlement;
        let thing = state.get::<ThingRow>(&row.id)?;
        findings.expect(thing == Some(ThingRow { at, kind }), || {
            format!(
                "the id of the settlement of entry {} points to {thing:?}",
                at.index
            )
        });
        let key = (row.pool.clone(), row.period);
        let settled = state.get::<SettledPeriodRow>(&key)?;
        findings.expect(settled == Some(SettledPeriodRow { at }), || {
            format!("{} in {} was settled at {settled:?}", row.pool, row.period)
        });
        let valuation = state.get::<ValuationRow>(&row.valuation)?;
        let holds = valuation
            .is_some_and(|valuation| valuation.pool == row.pool && valuation.period == row.period);
        findings.expect(holds, || {
            format!("the settlement {} has other weights", row.id)
        });
        Ok(())
    })?;
    state.each::<PartySettlementRow>(|key, _| {
        let at = place_of(key)?;
        let exists = state.get::<SettlementRow>(&at)?.is_some();
        findings.expect(exists, || {
            format!("a party takes part in nothing at {at:?}")
        });
        Ok(())
    })
}

pub(super) fn settled_periods(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<PeriodRow>(|key, row| {
        let settled = state.list::<SettledPeriodRow>(key)?;
        let found = settled.first().map(|(_, settled)| settled.at.index);
        let says = match row.state {
            PeriodState::Settled { at, .. } => Some(at),
            PeriodState::Open | PeriodState::Frozen { .. } => None,
        };
        findings.expect(found == says, || {
            format!(
                "{} is {:?}, its settlement at {found:?}",
                row.period, row.state
            )
        });
        Ok(())
    })
}
