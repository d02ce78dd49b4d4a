//! Consent: which pools may use a contribution, and who may derive from it.
//!
//! A grant for a pool counts by the period of the use and by the policy that the pool has for it,
//! so what was earned under a grant stays earned when it is revoked. A derivation names no period
//! and the core asks no clock: a grant for a child's party counts until its revocation is
//! recorded, whatever periods the two name.

use std::ops::ControlFlow;

use super::decide::{Stop, refuse};
use super::rows::{ContributionRow, GrantRow, KeyPart, Locator};
use super::state::State;
use super::view::{Order, ViewFault};
use crate::domain::{
    ContentHash, DerivationConsent, GrantedPolicy, Grantee, PartyName, Period, PoolConsent,
    PoolName, Reason,
};

/// Checks that a pool may use a contribution in a period, under the policy that it has for it:
/// `WITHDRAWN` or `CONSENT_MISSING` where not.
pub(crate) fn may_use(
    state: &State<'_>,
    at: Locator,
    contribution: &ContributionRow,
    pool: &PoolName,
    policy: &ContentHash,
    period: Period,
) -> Result<(), Stop> {
    if contribution.terms.pools == PoolConsent::Granted {
        let grantee = Grantee::Pool(pool.clone());
        let granted = any_grant(state, at, &grantee, |grant| {
            let under = match grant.policy {
                GrantedPolicy::Any => true,
                GrantedPolicy::Only(hash) => hash == *policy,
            };
            under && grant.covers(&period)
        })?;
        if !granted {
            let message = format!(
                "{} needs a grant for the pool {pool}, the period {period} and the policy {policy}",
                contribution.name
            );
            return refuse(Reason::ConsentMissing, message);
        }
    }
    match contribution.withdrawn {
        Some(withdrawal) if withdrawal.covers(&period) => {
            let message = format!(
                "{} was withdrawn from {} on",
                contribution.name, withdrawal.from_period
            );
            refuse(Reason::Withdrawn, message)
        }
        _ => Ok(()),
    }
}

/// Says whether a party may derive from a contribution; its owner always may.
pub(crate) fn may_derive(
    state: &State<'_>,
    at: Locator,
    contribution: &ContributionRow,
    party: &PartyName,
) -> Result<bool, ViewFault> {
    if contribution.name.party == *party {
        return Ok(true);
    }
    match contribution.terms.derivation {
        DerivationConsent::Free => Ok(true),
        DerivationConsent::None => Ok(false),
        DerivationConsent::Granted => {
            let grantee = Grantee::ChildParty(party.clone());
            any_grant(state, at, &grantee, |grant| grant.until_period.is_none())
        }
    }
}

fn any_grant(
    state: &State<'_>,
    at: Locator,
    grantee: &Grantee,
    holds: impl Fn(&GrantRow) -> bool,
) -> Result<bool, ViewFault> {
    let mut found = false;
    let prefix = (at, grantee.clone()).prefix();
    state.scan(&prefix, Order::Descending, &mut |_, grant: GrantRow| {
        found = holds(&grant);
        if found {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    Ok(found)
}
