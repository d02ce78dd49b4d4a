//! To whom the value of a row goes that several contributions hold.
//!
//! A cluster of identical rows is one row when values are computed; afterwards its value is
//! divided by one of three rules. Only values that are sums over rows or units can be divided so.

use std::collections::BTreeMap;

use super::duplicates::RowPlace;
use crate::domain::{AllotError, allot};

/// Who is credited with the value of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DuplicateRule {
    /// The contribution recorded first, alone.
    First,
    /// Every beneficial owner who holds it, equally.
    Equal,
    /// Every beneficial owner who holds it, by approved cost; equally if none of them has any.
    ProRata,
}

impl DuplicateRule {
    /// Every rule.
    pub const ALL: [Self; 3] = [Self::First, Self::Equal, Self::ProRata];

    /// Returns its name, as a value table states it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Equal => "equal",
            Self::ProRata => "pro_rata",
        }
    }

    /// Returns the rule of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }

    /// Returns who is credited with a cluster: for each owner the contribution of it that was
    /// recorded first of those in the cluster.
    pub(super) fn credited<'o, Owner: Ord>(
        self,
        cluster: &[RowPlace],
        owners: &'o [Owner],
    ) -> BTreeMap<&'o Owner, usize> {
        let places = match self {
            Self::First => cluster.get(..1).unwrap_or_default(),
            Self::Equal | Self::ProRata => cluster,
        };
        let mut holders: BTreeMap<&Owner, usize> = BTreeMap::new();
        for place in places {
            if let Some(owner) = owners.get(place.contribution) {
                holders.entry(owner).or_insert(place.contribution);
            }
        }
        holders
    }
}

/// Returns for each contribution whether a rule credits it with a cluster, perhaps with nothing.
pub fn credited<Owner: Ord>(
    clusters: &[Vec<RowPlace>],
    owners: &[Owner],
    rule: DuplicateRule,
) -> Vec<bool> {
    let mut credited = vec![false; owners.len()];
    for cluster in clusters {
        for contribution in rule.credited(cluster, owners).into_values() {
            if let Some(credited) = credited.get_mut(contribution) {
                *credited = true;
            }
        }
    }
    credited
}

/// Divides the clusters' values, in the order of `clusters`, among contributions.
///
/// `owners` has the beneficial owner of each contribution, in the order in which `clusters` were
/// made. `costs` are owners' approved costs in minor units; who is not among them has none. An
/// owner's part goes to the contribution of it that was recorded first of those in the cluster, so
/// that holding a row twice changes nothing. Parts of a value add up to it: they are allotted to
/// the last unit, ties by ascending owner, a negative value like its opposite.
///
/// # Errors
/// Costs of the owners of one cluster that add up beyond 128 bits.
pub fn divide_clusters<Owner: Ord>(
    clusters: &[Vec<RowPlace>],
    owners: &[Owner],
    costs: &BTreeMap<&Owner, u128>,
    values: &[i128],
    rule: DuplicateRule,
) -> Result<Vec<i128>, AllotError> {
    let mut divided = vec![0i128; owners.len()];
    for (cluster, value) in clusters.iter().zip(values) {
        let holders = rule.credited(cluster, owners);
        let cost = |owner: &&Owner| costs.get(owner).copied().unwrap_or(0);
        let by_cost = rule == DuplicateRule::ProRata && holders.keys().any(|owner| cost(owner) > 0);
        let weights: Vec<(&Owner, u128)> = holders
            .keys()
            .map(|owner| (*owner, if by_cost { cost(owner) } else { 1 }))
            .collect();
        let parts = allot(value.unsigned_abs(), &weights)?;
        for (contribution, part) in holders.values().zip(parts) {
            if let Some(sum) = divided.get_mut(*contribution) {
                // A part is no larger than the value, which has a sign and 127 bits.
                let part = i128::try_from(part).unwrap_or(i128::MAX);
                *sum = sum.saturating_add(if *value < 0 { -part } else { part });
            }
        }
    }
    Ok(divided)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::valuation::Clusters;
    use proptest::prelude::*;

    /// Contributions are words with their owner, rows are letters.
    fn divided(
        contributions: &[(&str, &str)],
        costs: &[(&str, u128)],
        values: &[i128],
        rule: DuplicateRule,
    ) -> Vec<i128> {
        let rows: Vec<Vec<[u8; 32]>> = contributions
            .iter()
            .map(|(_, word)| word.bytes().map(|letter| [letter; 32]).collect())
            .collect();
        let owners: Vec<&str> = contributions.iter().map(|(owner, _)| *owner).collect();
        let costs = costs.iter().map(|(owner, cost)| (owner, *cost)).collect();
        let clusters = Clusters::of(&rows).clusters;
        divide_clusters(&clusters, &owners, &costs, values, rule).unwrap()
    }

    #[test]
    fn each_rule_divides_in_its_way() {
        let held = [("ann", "ab"), ("bob", "b"), ("ann", "bc"), ("cy", "b")];
        let values = [5, 100, -7];
        let check = |costs: &[(&str, u128)], rule, expected: [i128; 4]| {
            assert_eq!(divided(&held, costs, &values, rule), expected, "{rule:?}");
        };
        check(&[], DuplicateRule::First, [105, 0, -7, 0]);
        check(&[], DuplicateRule::Equal, [5 + 34, 33, -7, 33]);
        check(&[], DuplicateRule::ProRata, [5 + 34, 33, -7, 33]);
        let costs = [("ann", 1), ("bob", 3)];
        check(&costs, DuplicateRule::ProRata, [5 + 25, 75, -7, 0]);
        check(&costs, DuplicateRule::Equal, [5 + 34, 33, -7, 33]);
    }

    proptest! {
        /// Values are divided without a rest, and nobody gains by holding a row again.
        #[test]
        fn copies_of_ones_own_change_nothing(
            words in proptest::collection::vec("[a-e]{1,6}", 1..6),
            values in proptest::collection::vec(-1_000i128..1_000, 5),
            copied in 0usize..6,
        ) {
            let names = ["ann", "bob", "cy"];
            let held: Vec<(&str, &str)> = (0..words.len())
                .map(|i| (names[i % 3], words[i].as_str()))
                .collect();
            let mut again = held.clone();
            again.push(held[copied % held.len()]);
            let costs = [("ann", 5), ("bob", 2)];
            for rule in [DuplicateRule::First, DuplicateRule::Equal, DuplicateRule::ProRata] {
                let found = divided(&held, &costs, &values, rule);
                let mut letters: Vec<u8> = words.iter().flat_map(|word| word.bytes()).collect();
                letters.sort_unstable();
                letters.dedup();
                let all: i128 = values[..letters.len()].iter().sum();
                prop_assert_eq!(found.iter().sum::<i128>(), all);
                prop_assert_eq!(DuplicateRule::named(rule.name()), Some(rule));
                let mut expected = found.clone();
                expected.push(0);
                prop_assert_eq!(divided(&again, &costs, &values, rule), expected);
            }
        }
    }
}
