//! Invariants of contributions, their names, content hashes, ids and grants.

use super::Findings;
use crate::domain::{BASIS_POINTS_MAX, ContentHash, ThingId};
use crate::ledger::rows::{
    ClaimRow, ContentRow, ContributionNameRow, ContributionRow, GrantRow, KeyPart, Locator,
    PartyAdmittedRow, PartyRow, PayoutRow, PolicyPublishedRow, PolicyRow, PoolOpenedRow, PoolRow,
    SettlementRow, ThingKind, ThingRow, ValuationRequestRow, ValuationRow,
};
use crate::ledger::rules::GENERATION_MAX;
use crate::ledger::state::State;
use crate::ledger::view::ViewFault;

pub(super) fn contributions(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<ContributionRow>(|key, row| {
        let name = &row.name;
        let Some(at) = Locator::from_key(key) else {
            findings.expect(false, || format!("{} is no place", hex::encode(key)));
            return Ok(());
        };
        let named = state.get::<ContributionNameRow>(name)?;
        findings.expect(named == Some(ContributionNameRow { at }), || {
            format!("the name {name} points to {named:?}")
        });
        let kind = ThingKind::Contribution;
        let thing = state.get::<ThingRow>(&row.id)?;
        findings.expect(thing == Some(ThingRow { at, kind }), || {
            format!("the id of {name} points to {thing:?}")
        });
        let content = state.get::<ContentRow>(&(row.content_hash, at))?;
        findings.expect(content.is_some(), || {
            format!("the content hash of {name} is not listed")
        });
        let provider = state.get::<PartyRow>(&name.party)?;
        findings.expect(provider.is_some(), || format!("{name} has no provider"));
        let sound = row
            .withdrawn
            .is_none_or(|withdrawal| withdrawal.at > at.index);
        findings.expect(sound, || {
            format!("{name} was withdrawn before it was recorded")
        });
        parents(state, findings, at, &row)
    })
}

fn parents(
    state: &State<'_>,
    findings: &mut Findings,
    at: Locator,
    row: &ContributionRow,
) -> Result<(), ViewFault> {
    let name = &row.name;
    let (mut generation, mut upstream) = (0_u32, 0_u64);
    for parent in &row.parents {
        upstream = upstream.saturating_add(u64::from(parent.upstream_bps));
        let found = state.get::<ContributionRow>(&parent.at)?;
        findings.expect(found.is_some() && parent.at.index < at.index, || {
            format!(
                "{name} has a parent at {:?}, which is missing or not older",
                parent.at
            )
        });
        let above = found.map_or(0, |found| found.generation);
        generation = generation.max(above.saturating_add(1));
    }
    findings.expect(
        row.generation == generation && generation <= GENERATION_MAX,
        || {
            format!(
                "{name} says generation {}, its parents {generation}",
                row.generation
            )
        },
    );
    findings.expect(upstream <= u64::from(BASIS_POINTS_MAX), || {
        format!("{name} passes up {upstream} basis points")
    });
    Ok(())
}

pub(super) fn names(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<ContributionNameRow>(|key, named| {
        let row = state.get::<ContributionRow>(&named.at)?;
        let holds = row.as_ref().is_some_and(|row| row.name.prefix() == key);
        findings.expect(holds, || format!("{:?} is another's or nothing", named.at));
        Ok(())
    })
}

pub(super) fn contents(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<ContentRow>(|key, _| {
        let parts = key.split_first_chunk::<{ ContentHash::SIZE }>();
        let at =
            parts.and_then(|(hash, rest)| Some((ContentHash(*hash), Locator::from_key(rest)?)));
        let row = match at {
            Some((hash, at)) => state
                .get::<ContributionRow>(&at)?
                .filter(|row| row.content_hash == hash),
            None => None,
        };
        findings.expect(row.is_some(), || format!("{at:?} has other content"));
        Ok(())
    })
}

pub(super) fn things(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<ThingRow>(|key, thing| {
        let id = ThingId::try_from(key).ok();
        let found = match thing.kind {
            ThingKind::Contribution => state.get::<ContributionRow>(&thing.at)?.map(|row| row.id),
            ThingKind::Party => match state.get::<PartyAdmittedRow>(&thing.at)? {
                Some(admitted) => state.get::<PartyRow>(&admitted.name)?.map(|row| row.id),
                None => None,
            },
            ThingKind::Policy => match state.get::<PolicyPublishedRow>(&thing.at)? {
                Some(listed) => state
                    .get::<PolicyRow>(&listed.policy_hash)?
                    .map(|row| row.id),
                None => None,
            },
            ThingKind::Pool => match state.get::<PoolOpenedRow>(&thing.at)? {
                Some(opened) => state.get::<PoolRow>(&opened.name)?.map(|row| row.id),
                None => None,
            },
            ThingKind::Claim => state.get::<ClaimRow>(&thing.at)?.map(|row| row.id),
            ThingKind::Valuation => state.get::<ValuationRow>(&thing.at)?.map(|row| row.id),
            ThingKind::Settlement => state.get::<SettlementRow>(&thing.at)?.map(|row| row.id),
            ThingKind::Payout => state.get::<PayoutRow>(&thing.at)?.map(|row| row.id),
            ThingKind::ValuationRequest => state
                .get::<ValuationRequestRow>(&thing.at)?
                .map(|row| row.id),
            // These have no row that is known by an id.
            ThingKind::Nothing | ThingKind::Use | ThingKind::Revenue => return Ok(()),
        };
        findings.expect(id.is_some() && id == found, || {
            format!(
                "{} points to {thing:?}, whose id is {found:?}",
                hex::encode(key)
            )
        });
        Ok(())
    })
}

pub(super) fn grants(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    state.each::<GrantRow>(|key, _| {
        let at = Locator::from_key(key);
        let exists = match at {
            Some(at) => state.get::<ContributionRow>(&at)?.is_some(),
            None => false,
        };
        findings.expect(exists, || format!("a grant stands at {at:?}"));
        let Some([1, party @ ..]) = key.get(Locator::SIZE..) else {
            return Ok(());
        };
        let party = super::parties::party_name(party);
        let admitted = match &party {
            Some(party) => state.get::<PartyRow>(party)?.is_some(),
            None => false,
        };
        findings.expect(admitted, || format!("a grant is for {party:?}"));
        Ok(())
    })
}
