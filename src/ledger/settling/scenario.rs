//! The scenario of a run, built from the rows as of the entry before.
//!
//! Every id in it can be read off the log: a contribution, claim or revenue is known by its id in
//! hex, a party and an owner by name. `docs/settlement.md` says which of them are in a run.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::sources::{OpenClaim, Sources};
use crate::book::{Account, Holder, OwnerAccount, PartyAccount};
use crate::domain::{Currency, PartyName, ThingId};
use crate::ledger::booking::{Openings, account_of_key, balance};
use crate::ledger::find;
use crate::ledger::rows::{AccountRow, ContributionRow, KeyPart, Locator, OwnedPartyRow, PartyRow};
use crate::ledger::state::State;
use crate::ledger::view::{Order, ViewFault, prefix_end};
use crate::settlement::{
    Claim, Contribution, Id, Opening, Owner, Parent, Party, Revenue, Scenario,
};

/// The contributions of a run by where they were recorded.
pub(crate) type Run = BTreeMap<Locator, ContributionRow>;

/// The most contributions from which those in use in a period were derived and that are not in
/// use themselves.
pub(crate) const RUN_ANCESTORS_MAX: usize = 100_000;
/// The most contributions of a run: those in use, those that a valuation adds, and all that these
/// were derived from. It bounds what one command can make everybody compute, and leaves room for
/// as many uses as a period has, with as many ancestors.
pub(crate) const RUN_CONTRIBUTIONS_MAX: usize = 200_000;

/// Returns contributions with all their ancestors; none where that makes more than `most`.
///
/// # Errors
/// Fails when the storage does, or where a contribution has no row.
pub(crate) fn with_ancestors(
    state: &State<'_>,
    places: impl IntoIterator<Item = Locator>,
    most: usize,
) -> Result<Option<Run>, ViewFault> {
    let mut run = Run::new();
    let mut keep = |at, row| {
        run.insert(at, row);
    };
    let all = walk_ancestors(state, places, most, &mut keep)?;
    Ok(all.then_some(run))
}

/// Says whether contributions have, besides themselves, at most `most` ancestors.
///
/// # Errors
/// As [`with_ancestors`].
pub(crate) fn ancestors_are_within(
    state: &State<'_>,
    places: impl IntoIterator<Item = Locator>,
    most: usize,
) -> Result<bool, ViewFault> {
    let places: BTreeSet<Locator> = places.into_iter().collect();
    let most = places.len().saturating_add(most);
    walk_ancestors(state, places, most, &mut |_, _| {})
}

/// Visits contributions and all their ancestors once each, and says whether it visited all: it
/// gives up where they are more than `most`.
fn walk_ancestors(
    state: &State<'_>,
    places: impl IntoIterator<Item = Locator>,
    most: usize,
    visit: &mut dyn FnMut(Locator, ContributionRow),
) -> Result<bool, ViewFault> {
    let mut known: BTreeSet<Locator> = places.into_iter().collect();
    let mut waiting: Vec<Locator> = known.iter().copied().collect();
    while let Some(at) = waiting.pop() {
        if known.len() > most {
            return Ok(false);
        }
        let row = find::recorded(state, at)?;
        let parents = row.parents.iter().map(|parent| parent.at);
        waiting.extend(parents.filter(|parent| known.insert(*parent)));
        visit(at, row);
    }
    Ok(true)
}

/// Builds the scenario of a pool's period with the weights of a valuation.
///
/// # Errors
/// Fails when the storage does.
pub(crate) fn build(
    state: &State<'_>,
    sources: &Sources,
    run: &Run,
    weights: &BTreeMap<ThingId, u64>,
    openings: &Openings,
) -> Result<Scenario, ViewFault> {
    let currency = sources.currency;
    let parties = parties_of(state, run, currency)?;
    let owners: BTreeSet<&PartyName> = parties.values().collect();
    let mut owner_list = Vec::with_capacity(owners.len());
    for owner in owners {
        let debt = Account::of_owner(OwnerAccount::Debt, owner, currency);
        owner_list.push(Owner {
            id: Id::from(owner.as_str()),
            floor_eligible: false,
            debt: balance(state, &debt)?.saturating_neg(),
        });
    }
    let mut party_list = Vec::with_capacity(parties.len());
    for (party, owner) in &parties {
        let carried = Account::of_party(PartyAccount::Carried, party, currency);
        party_list.push(Party {
            id: Id::from(party.as_str()),
            owner: Id::from(owner.as_str()),
            tax_bps: 0,
            carried: balance(state, &carried)?,
        });
    }
    Ok(Scenario {
        currency: Id::from(currency.code()),
        period: Id::from(sources.period.to_string()),
        policy: sources.policy.clone(),
        revenue: sources.revenue.iter().map(revenue).collect(),
        opening: Opening {
            profit_layer: openings.profit_layer,
            pool_deficit: openings.deficit,
            over_recovery: openings.over_recovery,
        },
        owners: owner_list,
        parties: party_list,
        contributions: contributions(run, weights),
        claims: claims(state, sources, run)?,
        holds: Vec::new(),
    })
}

fn revenue(posted: &super::sources::Posted) -> Revenue {
    Revenue {
        reference: Id::from(posted.index.to_string()),
        kind: match posted.kind {
            crate::domain::RevenueKind::Receipt => crate::settlement::RevenueKind::Receipt,
            crate::domain::RevenueKind::Refund => crate::settlement::RevenueKind::Refund,
            crate::domain::RevenueKind::Chargeback => crate::settlement::RevenueKind::Chargeback,
        },
        amount: posted.amount,
    }
}

fn contributions(run: &Run, weights: &BTreeMap<ThingId, u64>) -> Vec<Contribution> {
    let id = |row: &ContributionRow| Id::from(row.id.to_string());
    run.values()
        .map(|row| Contribution {
            id: id(row),
            party: Id::from(row.name.party.as_str()),
            weight: weights.get(&row.id).copied().unwrap_or(0),
            // The ancestors of what is in a run are in it, so none is left out.
            parents: row
                .parents
                .iter()
                .filter_map(|parent| {
                    let id = id(run.get(&parent.at)?);
                    let upstream_bps = parent.upstream_bps;
                    Some(Parent { id, upstream_bps })
                })
                .collect(),
        })
        .collect()
}

/// Returns the open claims on contributions of the run that its policy has a class for.
fn claims(state: &State<'_>, sources: &Sources, run: &Run) -> Result<Vec<Claim>, ViewFault> {
    let mut claims = Vec::new();
    for (at, row) in run {
        for OpenClaim {
            id,
            class,
            outstanding,
        } in super::sources::open_claims(state, sources.currency, *at)?
        {
            let recovery = sources.policy.cost_recovery.as_ref();
            let listed = recovery.is_some_and(|recovery| recovery.classes.contains(&class));
            if listed {
                claims.push(Claim {
                    id: Id::from(id.to_string()),
                    contribution: Id::from(row.id.to_string()),
                    class: Id::from(class),
                    outstanding,
                });
            }
        }
    }
    Ok(claims)
}

/// Returns the parties of a run with their owners: all parties of every owner who has a
/// contribution in it, and every party for whom something is carried in the currency.
fn parties_of(
    state: &State<'_>,
    run: &Run,
    currency: Currency,
) -> Result<BTreeMap<PartyName, PartyName>, ViewFault> {
    let mut parties = BTreeMap::new();
    let mut owners: BTreeSet<PartyName> = BTreeSet::new();
    for row in run.values() {
        let party = &row.name.party;
        if !parties.contains_key(party) {
            let owner = owner_of(state, party)?;
            owners.insert(owner.clone());
            parties.insert(party.clone(), owner);
        }
    }
    for owner in owners {
        if state.get::<PartyRow>(&owner)?.is_some() {
            parties.insert(owner.clone(), owner.clone());
        }
        for party in owned_by(state, &owner)? {
            parties.insert(party, owner.clone());
        }
    }
    for party in carried_for(state, currency)? {
        let owner = owner_of(state, &party)?;
        parties.insert(party, owner);
    }
    Ok(parties)
}

fn owner_of(state: &State<'_>, party: &PartyName) -> Result<PartyName, ViewFault> {
    match state.get::<PartyRow>(party)? {
        Some(row) => Ok(row.beneficial_owner),
        None => Err(ViewFault::new(format!("the party {party} has no row"))),
    }
}

fn owned_by(state: &State<'_>, owner: &PartyName) -> Result<Vec<PartyName>, ViewFault> {
    let mut parties = Vec::new();
    for (rest, _) in state.list::<OwnedPartyRow>(&owner.prefix())? {
        let name = rest
            .strip_suffix(&[0])
            .and_then(|name| std::str::from_utf8(name).ok());
        match name.and_then(|name| name.parse().ok()) {
            Some(party) => parties.push(party),
            None => return Err(ViewFault::new("the key of an owned party is no name")),
        }
    }
    Ok(parties)
}

/// Returns every party for whom something is carried in a currency.
fn carried_for(state: &State<'_>, currency: Currency) -> Result<Vec<PartyName>, ViewFault> {
    let from = format!("{}/", PartyAccount::Carried.as_str()).into_bytes();
    let to = prefix_end(&from).unwrap_or_default();
    let mut parties = Vec::new();
    state.scan_between::<AccountRow>(&from, &to, Order::Ascending, |key, row| {
        let account = account_of_key(key)?;
        if let Holder::Party(_, party) = account.holder
            && account.currency == currency
            && row.balance != 0
        {
            parties.push(party);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(parties)
}
