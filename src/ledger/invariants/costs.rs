//! Invariants of cost claims.

use super::Findings;
use crate::ledger::rows::{
    ClaimRow, ContributionClaimRow, ContributionRow, Locator, ThingKind, ThingRow,
};
use crate::ledger::state::State;
use crate::ledger::view::ViewFault;

pub(super) fn claims(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<ClaimRow>(|key, row| {
        let Some(at) = Locator::from_key(key) else {
            findings.expect(false, || format!("{} is no place", hex::encode(key)));
            return Ok(());
        };
        let id = row.id;
        let kind = ThingKind::Claim;
        let thing = state.get::<ThingRow>(&id)?;
        findings.expect(thing == Some(ThingRow { at, kind }), || {
            format!("the id of the claim {id} points to {thing:?}")
        });
        let recorded = state.get::<ContributionRow>(&row.contribution)?.is_some();
        let older = row.contribution.index < at.index;
        let listed = state.get::<ContributionClaimRow>(&(row.contribution, at))?;
        findings.expect(recorded && older && listed.is_some(), || {
            format!("the claim {id} is on {:?}", row.contribution)
        });
        let claimed = row.claimed.minor_units;
        let sound = row.decision.is_none_or(|decision| {
            let approved = decision.approved;
            decision.at > at.index
                && (0..=claimed).contains(&approved)
                && (0..=approved).contains(&decision.outstanding)
        });
        findings.expect(claimed > 0 && sound, || {
            format!("the claim {id} over {claimed} has {:?}", row.decision)
        });
        Ok(())
    })
}

pub(super) fn listed(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<ContributionClaimRow>(|key, _| {
        let on = Locator::from_key(key);
        let at = key.get(Locator::SIZE..).and_then(Locator::from_key);
        let row = match at {
            Some(at) => state.get::<ClaimRow>(&at)?,
            None => None,
        };
        let holds = row.is_some_and(|row| Some(row.contribution) == on);
        findings.expect(holds, || format!("the claim at {at:?} is not on {on:?}"));
        Ok(())
    })
}
