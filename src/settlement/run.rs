//! A checked scenario with ids resolved to row numbers, so that the steps work on integers.

use std::collections::{HashMap, HashSet};

use crate::domain::{PolicyTerms, Violation};

use super::check::{self, RevenueSums};
use super::fraction::Fraction;
use super::graph::{Descent, Edge, Parents};
use super::scenario::{Claim, Id, Opening, Owner, Parent, Scenario};
use super::table::Table;

/// Everything one run reads, in ascending order of ids.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) policy: &'a PolicyTerms,
    pub(super) opening: Opening,
    pub(super) revenue: RevenueSums,
    pub(super) owners: Table<OwnerRow<'a>>,
    pub(super) parties: Table<PartyRow<'a>>,
    pub(super) contributions: Table<ContributionRow<'a>>,
    pub(super) parents: Parents,
    /// Contribution rows in the order of their turns in step 9.
    pub(super) turns: Vec<usize>,
    /// The hold fraction of each contribution that carries a hold above zero.
    pub(super) fractions: Table<Option<Fraction>>,
    pub(super) claims: Table<ClaimRow<'a>>,
}

#[derive(Debug)]
pub(super) struct OwnerRow<'a> {
    pub(super) id: &'a Id,
    pub(super) floor_eligible: bool,
    pub(super) debt: i64,
    /// The sum of the weights of its contributions.
    pub(super) weight: u64,
    /// Its parties, ascending.
    pub(super) parties: Vec<usize>,
    /// Its contributions, ascending.
    pub(super) contributions: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct PartyRow<'a> {
    pub(super) id: &'a Id,
    /// Where it stands in the scenario's list.
    pub(super) position: usize,
    pub(super) owner: usize,
    pub(super) tax_bps: u32,
    pub(super) carried: i64,
}

#[derive(Debug)]
pub(super) struct ContributionRow<'a> {
    pub(super) id: &'a Id,
    pub(super) party: usize,
    pub(super) owner: usize,
    pub(super) weight: u64,
}

#[derive(Debug)]
pub(super) struct ClaimRow<'a> {
    pub(super) id: &'a Id,
    pub(super) contribution: usize,
    pub(super) class: &'a Id,
    pub(super) outstanding: i64,
}

impl<'a> Run<'a> {
    /// Checks a scenario and resolves its ids.
    ///
    /// # Errors
    /// Everything that is wrong with the scenario.
    pub(super) fn new(scenario: &'a Scenario) -> Result<Self, Vec<Violation>> {
        let mut found = Vec::new();
        check::values(scenario, &mut found);
        let revenue = check::revenue_sums(scenario, &mut found);
        let resolved = Resolved::new(scenario, &mut found);
        let descent = Descent::of(&resolved.parents);
        resolved.refuse_descent(scenario, &descent, &mut found);
        if found.is_empty() {
            // Without a violation every reference is resolved.
            resolved.into_run(scenario, revenue, descent).ok_or(found)
        } else {
            Err(found)
        }
    }
}

/// The references of a scenario as row numbers; none where a reference leads nowhere.
struct Resolved<'a> {
    owners: Rows<'a>,
    parties: Rows<'a>,
    contributions: Rows<'a>,
    claims: Rows<'a>,
    owner_of_party: Vec<Option<usize>>,
    party_of_contribution: Vec<Option<usize>>,
    contribution_of_claim: Vec<Option<usize>>,
    contribution_of_hold: Vec<Option<usize>>,
    parents: Parents,
}

impl<'a> Resolved<'a> {
    fn new(scenario: &'a Scenario, found: &mut Vec<Violation>) -> Self {
        let references = scenario.revenue.iter().map(|revenue| &revenue.reference);
        Rows::of("revenue", "ref", references, found);
        let owners = Rows::of("owners", "id", scenario.owners.iter().map(|o| &o.id), found);
        let parties = Rows::of(
            "parties",
            "id",
            scenario.parties.iter().map(|p| &p.id),
            found,
        );
        let ids = scenario
            .contributions
            .iter()
            .map(|contribution| &contribution.id);
        let contributions = Rows::of("contributions", "id", ids, found);
        let claims = Rows::of("claims", "id", scenario.claims.iter().map(|c| &c.id), found);
        let owner_of_party = parties
            .sorted(&scenario.parties)
            .map(|(at, party)| owners.find(&party.owner, || format!("parties[{at}].owner"), found))
            .collect();
        let party_of_contribution = contributions
            .sorted(&scenario.contributions)
            .map(|(at, one)| {
                parties.find(&one.party, || format!("contributions[{at}].party"), found)
            })
            .collect();
        let parents = contributions
            .sorted(&scenario.contributions)
            .map(|(at, child)| contributions.edges(at, &child.parents, found))
            .collect();
        let contribution_of_claim = claims
            .sorted(&scenario.claims)
            .map(|(at, claim)| {
                refuse_class(&scenario.policy, at, &claim.class, found);
                let path = || format!("claims[{at}].contribution");
                contributions.find(&claim.contribution, path, found)
            })
            .collect();
        let holds = scenario.holds.iter().enumerate();
        let contribution_of_hold = holds
            .map(|(at, hold)| {
                let path = || format!("holds[{at}].contribution");
                contributions.find(&hold.contribution, path, found)
            })
            .collect();
        Self {
            owners,
            parties,
            contributions,
            claims,
            owner_of_party,
            party_of_contribution,
            contribution_of_claim,
            contribution_of_hold,
            parents,
        }
    }

    /// Names what stands on a cycle, and the first contribution too deep on each path.
    fn refuse_descent(&self, scenario: &Scenario, descent: &Descent, found: &mut Vec<Violation>) {
        let limit = scenario
            .policy
            .upstream
            .clone()
            .unwrap_or_default()
            .depth_max;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut refuse = |row: usize, text: String| {
            let at = self
                .contributions
                .positions
                .get(row)
                .copied()
                .unwrap_or_default();
            found.push(Violation::new(format!("contributions[{at}].parents"), text));
        };
        for row in &descent.cyclic {
            refuse(*row, "the contribution descends from itself".to_owned());
        }
        for (row, generation) in descent.generation.iter().enumerate() {
            if *generation == limit.saturating_add(1) {
                refuse(
                    row,
                    format!("a path up is longer than the limit of {limit} edges"),
                );
            }
        }
    }

    fn into_run(
        self,
        scenario: &'a Scenario,
        revenue: RevenueSums,
        descent: Descent,
    ) -> Option<Run<'a>> {
        let mut owners: Table<OwnerRow<'a>> = self
            .owners
            .sorted(&scenario.owners)
            .map(|(_, owner)| OwnerRow::new(owner))
            .collect();
        let mut parties = Vec::with_capacity(scenario.parties.len());
        for ((position, party), owner) in self
            .parties
            .sorted(&scenario.parties)
            .zip(&self.owner_of_party)
        {
            let owner = (*owner)?;
            owners[owner].parties.push(parties.len());
            parties.push(PartyRow {
                id: &party.id,
                position,
                owner,
                tax_bps: party.tax_bps,
                carried: party.carried,
            });
        }
        let parties: Table<PartyRow<'a>> = parties.into_iter().collect();
        let mut contributions = Vec::with_capacity(scenario.contributions.len());
        for ((_, contribution), party) in self
            .contributions
            .sorted(&scenario.contributions)
            .zip(&self.party_of_contribution)
        {
            let party = (*party)?;
            let owner = parties[party].owner;
            owners[owner].contributions.push(contributions.len());
            // All weights together were checked to fit 63 bits.
            owners[owner].weight = owners[owner].weight.saturating_add(contribution.weight);
            let (id, weight) = (&contribution.id, contribution.weight);
            contributions.push(ContributionRow {
                id,
                party,
                owner,
                weight,
            });
        }
        let claims = self
            .claims
            .sorted(&scenario.claims)
            .zip(&self.contribution_of_claim);
        Some(Run {
            policy: &scenario.policy,
            opening: scenario.opening,
            revenue,
            owners,
            parties,
            contributions: contributions.into_iter().collect(),
            fractions: fractions(scenario, &self.contribution_of_hold, &self.parents)?,
            parents: self.parents,
            turns: descent.turns(),
            claims: claims
                .map(|((_, claim), contribution)| ClaimRow::new(claim, *contribution))
                .collect::<Option<_>>()?,
        })
    }
}

impl<'a> OwnerRow<'a> {
    fn new(owner: &'a Owner) -> Self {
        Self {
            id: &owner.id,
            floor_eligible: owner.floor_eligible,
            debt: owner.debt,
            weight: 0,
            parties: Vec::new(),
            contributions: Vec::new(),
        }
    }
}

impl<'a> ClaimRow<'a> {
    fn new(claim: &'a Claim, contribution: Option<usize>) -> Option<Self> {
        Some(Self {
            id: &claim.id,
            contribution: contribution?,
            class: &claim.class,
            outstanding: claim.outstanding,
        })
    }
}

fn refuse_class(policy: &PolicyTerms, at: usize, class: &str, found: &mut Vec<Violation>) {
    let Some(recovery) = &policy.cost_recovery else {
        return;
    };
    if !recovery.classes.iter().any(|listed| listed == class) {
        found.push(Violation::new(
            format!("claims[{at}].class"),
            format!("the policy's cost_recovery does not list the class {class:?}"),
        ));
    }
}

fn fractions(
    scenario: &Scenario,
    contribution_of_hold: &[Option<usize>],
    beside: &Parents,
) -> Option<Table<Option<Fraction>>> {
    let mut holds: Table<Vec<(u64, u64)>> = Table::beside(beside);
    for (hold, contribution) in scenario.holds.iter().zip(contribution_of_hold) {
        holds[(*contribution)?].push((hold.numerator, hold.denominator));
    }
    let sums = holds.iter().map(|holds| {
        let sum = (!holds.is_empty()).then(|| Fraction::sum_of(holds))?;
        sum.is_above_zero().then_some(sum)
    });
    Some(sums.collect())
}

/// The ids of one list: the row of each, and the list's positions in the order of rows.
struct Rows<'a> {
    kind: &'static str,
    row_of: HashMap<&'a str, usize>,
    positions: Vec<usize>,
}

impl<'a> Rows<'a> {
    /// Sorts the ids of a list, and adds those that stand twice to `found`.
    fn of(
        list: &'static str,
        key: &str,
        ids: impl Iterator<Item = &'a Id>,
        found: &mut Vec<Violation>,
    ) -> Self {
        let mut sorted: Vec<(&str, usize)> = ids
            .enumerate()
            .map(|(position, id)| (&**id, position))
            .collect();
        sorted.sort_unstable();
        let mut row_of = HashMap::with_capacity(sorted.len());
        let mut before: Option<(&str, usize)> = None;
        for (row, (id, position)) in sorted.iter().enumerate() {
            match before {
                // An empty id is refused for itself.
                Some((same, first)) if same == *id && !id.is_empty() => found.push(Violation::new(
                    format!("{list}[{position}].{key}"),
                    format!("{id:?} stands twice, first at {list}[{first}]"),
                )),
                _ => {
                    before = Some((id, *position));
                    row_of.insert(*id, row);
                }
            }
        }
        Self {
            kind: list,
            row_of,
            positions: sorted.into_iter().map(|(_, position)| position).collect(),
        }
    }

    /// Returns the row of an id, or adds to `found` that there is none.
    fn find(
        &self,
        id: &str,
        path: impl FnOnce() -> String,
        found: &mut Vec<Violation>,
    ) -> Option<usize> {
        let row = self.row_of.get(id).copied();
        if row.is_none() {
            found.push(Violation::new(
                path(),
                format!("{id:?} is not among the {}", self.kind),
            ));
        }
        row
    }

    /// Returns the edges of the contribution at a position, without those that lead nowhere.
    fn edges(&self, at: usize, parents: &[Parent], found: &mut Vec<Violation>) -> Vec<Edge> {
        let mut edges = Vec::with_capacity(parents.len());
        let mut seen = HashSet::new();
        for (edge, parent) in parents.iter().enumerate() {
            let path = || format!("contributions[{at}].parents[{edge}].id");
            let Some(row) = self.find(&parent.id, path, found) else {
                continue;
            };
            if seen.insert(row) {
                edges.push(Edge {
                    parent: row,
                    bps: parent.upstream_bps,
                });
            } else {
                let text = format!("the parent {:?} stands twice", &*parent.id);
                found.push(Violation::new(path(), text));
            }
        }
        edges.sort_unstable_by_key(|edge| edge.parent);
        edges
    }

    /// Returns the entries of the list in the order of rows, each with its position.
    fn sorted<Item>(&self, list: &'a [Item]) -> impl Iterator<Item = (usize, &'a Item)> {
        self.positions
            .iter()
            .filter_map(|position| Some((*position, list.get(*position)?)))
    }
}
