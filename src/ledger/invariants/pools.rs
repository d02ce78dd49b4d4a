//! Invariants of policies, pools, and what the periods of pools take in.

use super::Findings;
use crate::domain::{ContentHash, PoolName, RevenueKind, Role};
use crate::ledger::find;
use crate::ledger::rows::{
    ContributionRow, KeyPart, Locator, PartyRow, PeriodRow, PeriodState, PolicyPublishedRow,
    PolicyRow, PoolOpenedRow, PoolRow, RevenueReferenceRow, RevenueRow, RevenueSpan, ThingKind,
    ThingRow, UseRow,
};
use crate::ledger::state::State;
use crate::ledger::view::ViewFault;
use crate::wire::policy_hash;

/// Reads the pool's name that a key of a row begins with, and the rest of the key.
fn pool_of_key(key: &[u8]) -> Option<(PoolName, &[u8])> {
    let end = key.iter().position(|byte| *byte == 0)?;
    let (name, rest) = key.split_at_checked(end)?;
    let name = std::str::from_utf8(name).ok()?.parse().ok()?;
    Some((name, rest.get(1..)?))
}

fn first_of(index: u64) -> Locator {
    Locator { index, number: 0 }
}

pub(super) fn policies(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<PolicyRow>(|key, row| {
        let hash = policy_hash(&row.policy);
        findings.expect(hash.as_bytes().as_slice() == key, || {
            format!("the policy under {} has the hash {hash}", hex::encode(key))
        });
        let at = first_of(row.published_at);
        let kind = ThingKind::Policy;
        let thing = state.get::<ThingRow>(&row.id)?;
        findings.expect(thing == Some(ThingRow { at, kind }), || {
            format!("the id of the policy {hash} points to {thing:?}")
        });
        let listed = state.get::<PolicyPublishedRow>(&at)?;
        let holds = listed.is_some_and(|listed| listed.policy_hash == hash);
        findings.expect(holds, || format!("entry {} does not list {hash}", at.index));
        Ok(())
    })
}

pub(super) fn pools(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<PoolRow>(|key, row| {
        let Some((name, _)) = pool_of_key(key) else {
            findings.expect(false, || format!("{} is no name", hex::encode(key)));
            return Ok(());
        };
        let at = first_of(row.opened_at);
        let kind = ThingKind::Pool;
        let thing = state.get::<ThingRow>(&row.id)?;
        findings.expect(thing == Some(ThingRow { at, kind }), || {
            format!("the id of the pool {name} points to {thing:?}")
        });
        let listed = state.get::<PoolOpenedRow>(&at)?;
        let holds = listed.is_some_and(|listed| listed.name == name);
        findings.expect(holds, || format!("entry {} does not list {name}", at.index));
        for (party, role) in [(&row.payer, Role::Payer), (&row.evaluator, Role::Evaluator)] {
            let admitted = state.get::<PartyRow>(party)?;
            let holds = admitted.is_some_and(|admitted| admitted.has(role));
            findings.expect(holds, || format!("{party} is no {role:?} of {name}"));
        }
        pool_policies(state, findings, &name, &row)?;
        if let Some(last) = row.frozen_through {
            let period = state.get::<PeriodRow>(&(name.clone(), last))?;
            let frozen = period.is_some_and(|period| period.state != PeriodState::Open);
            findings.expect(frozen, || format!("{last} of {name} is not frozen"));
        }
        Ok(())
    })
}

fn pool_policies(
    state: &State<'_>,
    findings: &mut Findings,
    name: &PoolName,
    row: &PoolRow,
) -> Result<(), ViewFault> {
    let policies = &row.policies;
    let ascend = policies.is_sorted_by(|one, next| one.from_period < next.from_period);
    findings.expect(ascend && !policies.is_empty(), || {
        format!("{name} has the policies {policies:?}")
    });
    for policy in policies {
        let hash: ContentHash = policy.policy_hash;
        let published = state.get::<PolicyRow>(&hash)?.is_some();
        let holds = published && policy.from_period.kind() == row.period_kind;
        findings.expect(holds, || format!("{name} names the policy {policy:?}"));
    }
    Ok(())
}

pub(super) fn periods(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<PeriodRow>(|key, row| {
        let pool = match pool_of_key(key) {
            Some((name, _)) => state.get::<PoolRow>(&name)?.map(|pool| (name, pool)),
            None => None,
        };
        let Some((name, pool)) = pool else {
            findings.expect(false, || format!("{} is of no pool", hex::encode(key)));
            return Ok(());
        };
        let period = row.period;
        let own = (name.clone(), period).prefix() == key && pool.policy_of(&period).is_some();
        findings.expect(own, || format!("{period} is no period of {name}"));
        let sound = match row.state {
            PeriodState::Open => !(pool.is_closed(&period) && row.has_inputs()),
            PeriodState::Frozen { .. } => pool.is_closed(&period),
            PeriodState::Settled { frozen_at, at } => pool.is_closed(&period) && frozen_at < at,
        };
        findings.expect(sound, || {
            let (stands, last) = (row.state, pool.frozen_through);
            format!("{period} of {name} is {stands:?}, the pool frozen through {last:?}")
        });
        let uses = find::uses(state, &name, period)?;
        findings.expect(u64::try_from(uses.len()) == Ok(row.uses), || {
            format!(
                "{period} of {name} counts {} of {} uses",
                row.uses,
                uses.len()
            )
        });
        revenue_sums(state, findings, &name, &row)
    })
}

fn revenue_sums(
    state: &State<'_>,
    findings: &mut Findings,
    name: &PoolName,
    row: &PeriodRow,
) -> Result<(), ViewFault> {
    let (mut receipts, mut taken_back) = (0_i128, 0_i128);
    let revenue = find::revenue(state, name, row)?;
    for (_, posted) in &revenue {
        let sum = match posted.kind {
            RevenueKind::Receipt => &mut receipts,
            RevenueKind::Refund | RevenueKind::Chargeback => &mut taken_back,
        };
        // Far fewer than 2^64 amounts of 64 bits each.
        *sum = sum.saturating_add(i128::from(posted.amount));
    }
    let equal = receipts == i128::from(row.receipts) && taken_back == i128::from(row.taken_back);
    let span = match (revenue.first(), revenue.last()) {
        (Some((first, _)), Some((last, _))) => Some(RevenueSpan {
            first: first.index,
            last: last.index,
        }),
        _ => None,
    };
    findings.expect(equal && span == row.revenue, || {
        format!(
            "{} of {name} has {receipts} and {taken_back} in {span:?}, its row says {row:?}",
            row.period
        )
    });
    Ok(())
}

pub(super) fn uses(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<UseRow>(|key, row| {
        let parts = pool_of_key(key).and_then(|(name, rest)| {
            let (month, rest) = rest.split_first_chunk::<4>()?;
            Some((name, u32::from_be_bytes(*month), rest))
        });
        let Some((name, month, rest)) = parts else {
            findings.expect(false, || format!("{} is no use", hex::encode(key)));
            return Ok(());
        };
        let own = (row.contribution, row.class).prefix() == rest;
        let recorded = state.get::<ContributionRow>(&row.contribution)?.is_some();
        let older = row.contribution.index < row.declared_at;
        findings.expect(own && recorded && older, || {
            format!(
                "a use in {name} is of {:?}, which is none before it",
                row.contribution
            )
        });
        let mut counted = false;
        let prefix = (name.clone(), month).prefix();
        for (_, period) in state.list::<PeriodRow>(&prefix)? {
            counted = period.uses > 0;
        }
        findings.expect(counted, || {
            format!("{name} has a use in a period without any")
        });
        Ok(())
    })
}

pub(super) fn revenue(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<RevenueRow>(|key, row| {
        let parts =
            pool_of_key(key).and_then(|(name, rest)| Some((name, Locator::from_key(rest)?)));
        let Some((name, at)) = parts else {
            findings.expect(false, || format!("{} is of no pool", hex::encode(key)));
            return Ok(());
        };
        let reference = (name.clone(), row.reference.clone());
        let referred = state.get::<RevenueReferenceRow>(&reference)?;
        findings.expect(referred == Some(RevenueReferenceRow { at }), || {
            format!(
                "the reference {:?} of {name} points to {referred:?}",
                row.reference
            )
        });
        let period = state.get::<PeriodRow>(&(name.clone(), row.period))?;
        let within = period
            .and_then(|period| period.revenue)
            .is_some_and(|span| (span.first..=span.last).contains(&at.index));
        findings.expect(within && row.amount > 0, || {
            format!("{row:?} of {name} is outside of its period, or no amount")
        });
        Ok(())
    })
}

pub(super) fn references(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<RevenueReferenceRow>(|key, referred| {
        let row = match pool_of_key(key) {
            Some((name, _)) => {
                let row = state.get::<RevenueRow>(&(name.clone(), referred.at))?;
                row.filter(|row| (name, row.reference.clone()).prefix() == key)
            }
            None => None,
        };
        findings.expect(row.is_some(), || {
            format!(
                "a reference points to {:?}, which has another or none",
                referred.at
            )
        });
        Ok(())
    })
}
