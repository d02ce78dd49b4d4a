//! Grants: what `consent` asks for, given and ended by the owner of a contribution.

use super::contributions::find_own;
use crate::domain::{
    GrantUse, GrantedPolicy, Grantee, Period, Reason, Rejection, RevokeUse, Role, Violation,
};
use crate::ledger::decide::{Rules, Stop, not_found, refuse};
use crate::ledger::rows::{GrantRow, KeyPart, PartyRow, ThingKind};
use crate::ledger::view::ViewFault;

pub(super) fn grant(rules: &mut Rules<'_>, grant: &GrantUse) -> Result<Vec<ThingKind>, Stop> {
    check_policy(grant)?;
    let (at, contribution) = find_own(rules, &grant.contribution)?;
    check_grantee(rules, &grant.grantee)?;
    let for_child = matches!(grant.grantee, Grantee::ChildParty(_));
    if let Some(withdrawal) = contribution.withdrawn
        && (for_child || withdrawal.covers(&grant.from_period))
    {
        let message = format!(
            "{} was withdrawn, so nothing is left to grant",
            contribution.name
        );
        return refuse(Reason::Withdrawn, message);
    }
    let key = (at, grant.grantee.clone(), rules.index());
    let row = GrantRow {
        policy: grant.policy,
        from_period: grant.from_period,
        until_period: None,
    };
    rules.state.put(&key, &row);
    Ok(vec![ThingKind::Nothing])
}

fn check_policy(grant: &GrantUse) -> Result<(), Stop> {
    let for_child = matches!(grant.grantee, Grantee::ChildParty(_));
    if !for_child || grant.policy == GrantedPolicy::Any {
        return Ok(());
    }
    let text = "must be any policy where a party is granted to derive";
    let violations = vec![Violation::new("grant_use.policy", text)];
    Err(Rejection::with_violations(Reason::InvalidArgument, violations).into())
}

fn check_grantee(rules: &Rules<'_>, grantee: &Grantee) -> Result<(), Stop> {
    match grantee {
        Grantee::Pool(_) => Ok(()),
        Grantee::ChildParty(name) => match rules.state.get::<PartyRow>(name)? {
            None => not_found(format!("party {name}")),
            Some(party) if party.has(Role::Provider) => Ok(()),
            Some(_) => {
                let message = format!("{name} is no provider, so it derives nothing");
                refuse(Reason::RoleMissing, message)
            }
        },
    }
}

/// Ends every grant of a grantee from a period on; one that began later covers nothing then.
pub(super) fn revoke(rules: &mut Rules<'_>, revoke: &RevokeUse) -> Result<Vec<ThingKind>, Stop> {
    let (at, _) = find_own(rules, &revoke.contribution)?;
    let grantee = &revoke.grantee;
    let prefix = (at, grantee.clone()).prefix();
    let until = revoke.from_period;
    let mut ended = false;
    for (rest, grant) in rules.state.list::<GrantRow>(&prefix)? {
        let ends_before = |other: Period| other.first_month() <= until.first_month();
        if grant.until_period.is_some_and(ends_before) {
            continue;
        }
        let Ok(given_at) = <[u8; 8]>::try_from(rest.as_slice()) else {
            return Err(ViewFault::new("the key of a grant has another length").into());
        };
        let key = (at, grantee.clone(), u64::from_be_bytes(given_at));
        let row = GrantRow {
            until_period: Some(until),
            ..grant
        };
        rules.state.put(&key, &row);
        ended = true;
    }
    if !ended {
        return not_found("grant to end from that period on");
    }
    Ok(vec![ThingKind::Nothing])
}
