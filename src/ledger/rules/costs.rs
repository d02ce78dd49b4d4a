//! Cost claims: made by the owner of a contribution, decided once by an operator who does not
//! stand behind the claim.
//!
//! A withdrawal ends both: no claim is made after it, and none is approved above zero. What was
//! approved before is still recovered.

use super::contributions::find_own;
use crate::domain::{ApproveCost, ClaimCost, Reason, Rejection, Violation};
use crate::ledger::decide::{Rules, Stop, not_found, refuse};
use crate::ledger::find;
use crate::ledger::rows::{
    ClaimDecision, ClaimRow, ContributionClaimRow, ContributionRow, PartyRow, ThingKind,
};
use crate::ledger::view::ViewFault;

pub(super) fn claim(rules: &mut Rules<'_>, claim: &ClaimCost) -> Result<Vec<ThingKind>, Stop> {
    if claim.amount.minor_units <= 0 {
        return invalid("claim_cost.amount", "must be above zero");
    }
    let (contribution, row) = find_own(rules, &claim.contribution)?;
    check_not_withdrawn(&row)?;
    let at = rules.first_locator();
    let row = ClaimRow {
        id: rules.submission.id.thing(0),
        contribution,
        class: claim.class.clone(),
        claimed: claim.amount,
        evidence_hash: claim.evidence_hash,
        decision: None,
    };
    rules.state.put(&at, &row);
    rules.state.put(&(contribution, at), &ContributionClaimRow);
    Ok(vec![ThingKind::Claim])
}

pub(super) fn approve(
    rules: &mut Rules<'_>,
    approval: &ApproveCost,
) -> Result<Vec<ThingKind>, Stop> {
    let approved = approval.approved;
    if approved.minor_units < 0 {
        return invalid("approve_cost.approved", "must not be negative");
    }
    let Some((at, row)) = find::claim(&rules.state, &approval.claim)? else {
        return not_found(format!("claim {}", approval.claim));
    };
    let contribution = find::recorded(&rules.state, row.contribution)?;
    if approved.minor_units > 0 {
        check_not_withdrawn(&contribution)?;
    }
    let claimed = row.claimed;
    if approved.currency != claimed.currency {
        let message = format!("the claim is in {}", claimed.currency);
        return refuse(Reason::CurrencyMismatch, message);
    }
    if approved.minor_units > claimed.minor_units {
        return refuse(Reason::AmountOutOfRange, format!("{claimed} was claimed"));
    }
    if let Some(decision) = row.decision {
        let message = format!("the claim was decided by the entry {}", decision.at);
        return refuse(Reason::ClaimDecided, message);
    }
    check_not_own(rules, &contribution)?;
    let decision = ClaimDecision {
        at: rules.index(),
        approved: approved.minor_units,
        outstanding: approved.minor_units,
    };
    let row = ClaimRow {
        decision: Some(decision),
        ..row
    };
    rules.state.put(&at, &row);
    Ok(vec![ThingKind::Nothing])
}

fn invalid<T>(path: &str, text: &str) -> Result<T, Stop> {
    let violations = vec![Violation::new(path, text)];
    Err(Rejection::with_violations(Reason::InvalidArgument, violations).into())
}

fn check_not_withdrawn(contribution: &ContributionRow) -> Result<(), Stop> {
    if contribution.withdrawn.is_none() {
        return Ok(());
    }
    let message = format!(
        "{} was withdrawn; costs claimed on it are refused from then on",
        contribution.name
    );
    refuse(Reason::Withdrawn, message)
}

/// The claimant may be the actor itself, or another party of the owner behind it.
fn check_not_own(rules: &Rules<'_>, contribution: &ContributionRow) -> Result<(), Stop> {
    let claimant = &contribution.name.party;
    let Some(party) = rules.state.get::<PartyRow>(claimant)? else {
        return Err(ViewFault::new(format!("the party {claimant} has no row")).into());
    };
    let behind = &party.beneficial_owner;
    if claimant == rules.actor_name() || *behind == rules.actor.beneficial_owner {
        let message = format!(
            "the claim is {claimant}'s, behind which {behind} stands, as behind {}; another \
             operator decides on it",
            rules.actor_name()
        );
        return refuse(Reason::OwnClaim, message);
    }
    Ok(())
}
