//! What is true of every settlement, over random scenarios.

use std::collections::BTreeMap;

use serde_json::Value;

use super::random::{Choices, cases, scenario};
use super::*;

/// Calls `check` with the scenarios of many seeds and names the seed that fails.
fn for_scenarios(count: u64, check: impl Fn(u64, &Scenario)) {
    for seed in 0..cases(count) {
        let scenario = scenario(seed);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            check(seed, &scenario);
        }));
        assert!(outcome.is_ok(), "seed {seed} fails: {scenario:#?}");
    }
}

/// Calls `check` with those scenarios that do not stop, and their results.
fn for_settled(count: u64, check: impl Fn(&Scenario, &Settlement)) {
    for_scenarios(count, |_, scenario| {
        if let Outcome::Settled(settlement) = settle(scenario).unwrap() {
            check(scenario, &settlement);
        }
    });
}

fn owner_of<'a>(scenario: &'a Scenario, party: &str) -> &'a str {
    &scenario
        .parties
        .iter()
        .find(|one| &*one.id == party)
        .unwrap()
        .owner
}

#[test]
fn agrees_with_the_naive_implementation() {
    let settled = std::cell::Cell::new(0);
    for_scenarios(3_000, |_, scenario| {
        let outcome = settle(scenario).unwrap();
        let mut found: Value = serde_json::to_value(&outcome).unwrap();
        if let Some(lines) = found.as_object_mut().unwrap().remove("lines") {
            assert!(lines.is_array());
            settled.set(settled.get() + 1);
        }
        assert_eq!(found, naive::expected(scenario));
    });
    assert!(
        settled.get() > cases(3_000) / 2,
        "too few scenarios reach the end"
    );
}

#[test]
fn does_not_depend_on_the_order_of_any_list() {
    for_scenarios(500, |seed, scenario| {
        let expected = canonical_json(&settle(scenario).unwrap()).unwrap();
        let mut choices = Choices::new(seed);
        let mut other = scenario.clone();
        choices.shuffle(&mut other.revenue);
        choices.shuffle(&mut other.owners);
        choices.shuffle(&mut other.parties);
        choices.shuffle(&mut other.contributions);
        choices.shuffle(&mut other.claims);
        choices.shuffle(&mut other.holds);
        for contribution in &mut other.contributions {
            choices.shuffle(&mut contribution.parents);
        }
        assert_eq!(canonical_json(&settle(&other).unwrap()).unwrap(), expected);
    });
}

#[test]
fn money_in_is_money_out() {
    for_settled(1_000, |scenario, result| {
        let given = |party: &PartyResult| {
            let held = party.held_cost + party.held_profit;
            party.payable + party.carried + held + party.offset + party.reserve + party.tax
        };
        let carried: i64 = scenario.parties.iter().map(|party| party.carried).sum();
        let opening = scenario.opening;
        assert_eq!(
            result.net + opening.profit_layer + opening.over_recovery + carried,
            result.operator_fee
                + result.over_recovery
                + result.public_interest
                + result.next_profit_layer
                + result.parties.iter().map(given).sum::<i64>()
        );
        for party in &result.parties {
            assert_eq!(given(party), party.cost + party.profit + party.carried_in);
            let parts = [
                party.payable,
                party.carried,
                party.held_cost,
                party.held_profit,
                party.offset,
                party.reserve,
                party.tax,
            ];
            assert!(parts.iter().all(|part| *part >= 0), "{party:?}");
        }
    });
}

#[test]
fn the_lines_of_a_party_sum_to_what_it_gets() {
    for_settled(500, |_, result| {
        for party in &result.parties {
            let of_party = || {
                result
                    .lines
                    .iter()
                    .filter(|line| line.party.as_ref() == Some(&party.id))
            };
            let before: i64 = of_party()
                .filter(|line| line.step < 15)
                .map(|line| line.amount)
                .sum();
            let last: i64 = of_party()
                .filter(|line| line.step == 15)
                .map(|line| line.amount)
                .sum();
            assert_eq!(party.carried_in + before, last);
            assert_eq!(party.payable + party.carried, last);
        }
        let place = |line: &Line| (line.step, line.contribution.clone(), line.party.clone());
        assert!(result.lines.is_sorted_by_key(place));
    });
}

#[test]
fn no_owner_exceeds_the_cap_and_the_floor_is_reached_or_its_budget_spent() {
    for_settled(1_000, |scenario, result| {
        let mut owners: BTreeMap<&str, i64> = BTreeMap::new();
        for row in &result.contributions {
            *owners.entry(owner_of(scenario, &row.party)).or_default() += row.share;
        }
        let cap_bps = scenario.policy.owner_cap_bps.unwrap_or(10_000);
        let cap = i128::from(result.shared) * i128::from(cap_bps) / 10_000;
        assert!(owners.values().all(|share| i128::from(*share) <= cap));
        let spent: i64 = result.top_ups.iter().map(|top_up| top_up.amount).sum();
        for line in &result.lines {
            if let Because::FloorTopUp { need, .. } = line.because {
                assert!(line.amount == need || spent == result.floor_budget);
            }
        }
    });
}

#[test]
fn a_contribution_without_weight_changes_nobody_else() {
    for_scenarios(500, |_, scenario| {
        let Some(first) = scenario.contributions.first() else {
            return;
        };
        let expected = settle(scenario).unwrap();
        let mut other = scenario.clone();
        let (id, party) = (Id::from("nothing"), first.party.clone());
        other.contributions.push(Contribution {
            id,
            party,
            weight: 0,
            parents: Vec::new(),
        });
        let found = settle(&other).unwrap();
        if let (Outcome::Settled(mut found), Outcome::Settled(mut expected)) = (found, expected) {
            found.contributions.retain(|row| &*row.id != "nothing");
            found.lines.clear();
            expected.lines.clear();
            assert_eq!(found, expected);
        }
    });
}

/// Divides one contribution into two of the same party: weight, claims and incoming edges are
/// halved, outgoing edges stand on both parts.
fn divided(scenario: &Scenario, position: usize) -> Scenario {
    let mut other = scenario.clone();
    let mut part = other.contributions[position].clone();
    let (whole_id, part_id) = (part.id.clone(), Id::from(format!("{}-part", part.id)));
    part.id = part_id.clone();
    part.weight /= 3;
    other.contributions[position].weight -= part.weight;
    for contribution in &mut other.contributions {
        let edge = contribution
            .parents
            .iter_mut()
            .find(|parent| parent.id == whole_id);
        if let Some(edge) = edge {
            let upstream_bps = edge.upstream_bps / 4;
            edge.upstream_bps -= upstream_bps;
            contribution.parents.push(Parent {
                id: part_id.clone(),
                upstream_bps,
            });
        }
    }
    other.contributions.push(part);
    let mut parts = Vec::new();
    for claim in other
        .claims
        .iter_mut()
        .filter(|claim| claim.contribution == whole_id)
    {
        let mut part = claim.clone();
        part.id = format!("{}-part", claim.id).into();
        part.contribution = part_id.clone();
        part.outstanding /= 2;
        claim.outstanding -= part.outstanding;
        parts.push(part);
    }
    other.claims.extend(parts);
    other
}

fn entitlements(scenario: &Scenario) -> Option<BTreeMap<String, i64>> {
    let Outcome::Settled(result) = settle(scenario).unwrap() else {
        return None;
    };
    let mut owners: BTreeMap<String, i64> = BTreeMap::new();
    for party in &result.parties {
        *owners.entry(party.owner.to_string()).or_default() += party.cost + party.profit;
    }
    Some(owners)
}

#[test]
fn dividing_a_contribution_gains_nobody_more_than_roundings() {
    for_scenarios(2_000, |seed, scenario| {
        if scenario.contributions.is_empty() {
            return;
        }
        let whole = Scenario {
            holds: Vec::new(),
            ..scenario.clone()
        };
        let position = Choices::new(seed).below(scenario.contributions.len() as u64);
        let parts = divided(&whole, usize::try_from(position).unwrap());
        let edges: usize = parts
            .contributions
            .iter()
            .map(|one| one.parents.len())
            .sum();
        let bound = u64::try_from(parts.contributions.len() + edges).unwrap();
        let (Some(before), Some(after)) = (entitlements(&whole), entitlements(&parts)) else {
            return;
        };
        for (owner, amount) in before {
            let difference = after[&owner].abs_diff(amount);
            assert!(
                difference <= bound,
                "{owner} changes by {difference}, above {bound}"
            );
        }
    });
}
