//! Coverage from hashes alone: what contributions are worth when nothing is known of their units
//! but which are the same.
//!
//! The value of a set of owners is the weight of the units that they hold between them. Its
//! Shapley value is `sum over an owner's distinct units of weight / number of holders`, so it needs
//! no sampling and no table.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;

use num_rational::BigRational;

/// Returns the coverage value of each contribution, given as owner and units in the order of the
/// log.
///
/// Units are compared as they are (hashes of rows, of files, of shingles). Holders are beneficial
/// owners; an owner's part of a unit goes to the contribution of it that names the unit first.
pub fn coverage<Owner: Ord + Hash, Unit: Eq + Hash>(
    contributions: &[(Owner, Vec<Unit>)],
    weight: impl Fn(&Unit) -> u64,
) -> Vec<BigRational> {
    let mut holders: HashMap<&Unit, HashSet<&Owner>> = HashMap::new();
    for (owner, units) in contributions {
        for unit in units {
            holders.entry(unit).or_default().insert(owner);
        }
    }
    let mut credited: HashSet<(&Owner, &Unit)> = HashSet::new();
    let value = |(owner, units)| {
        // The weights of units by their number of holders.
        let mut weights: BTreeMap<usize, u128> = BTreeMap::new();
        for unit in units {
            if credited.insert((owner, unit)) {
                let shared_by = holders.get(unit).map_or(1, HashSet::len);
                let sum = weights.entry(shared_by).or_default();
                *sum = sum.saturating_add(u128::from(weight(unit)));
            }
        }
        weights
            .into_iter()
            .map(|(holders, weight)| BigRational::new(weight.into(), holders.into()))
            .sum()
    };
    contributions
        .iter()
        .map(|(owner, units)| (owner, units))
        .map(value)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Held = Vec<(&'static str, Vec<u8>)>;

    fn by_owner(held: &Held, values: &[BigRational]) -> BTreeMap<&'static str, BigRational> {
        let mut sums = BTreeMap::new();
        for ((owner, _), value) in held.iter().zip(values) {
            *sums.entry(*owner).or_default() += value;
        }
        sums
    }

    /// Shapley's value over all orders of owners.
    fn by_definition(held: &Held) -> BTreeMap<&'static str, BigRational> {
        let owners: Vec<&str> = by_owner(held, &coverage(held, |_| 0)).into_keys().collect();
        let worth = |set: usize| -> u64 {
            let member = |owner: &&str| {
                let place = owners.iter().position(|one| one == owner).unwrap();
                set >> place & 1 == 1
            };
            let units = held.iter().filter(|(owner, _)| member(owner));
            let units: HashSet<u8> = units.flat_map(|(_, units)| units.iter().copied()).collect();
            units.into_iter().map(u64::from).sum()
        };
        let factorial = |n: usize| (1..=u64::try_from(n).unwrap()).product::<u64>();
        let n = owners.len();
        let value = |player: usize| {
            let without = (0..1usize << n).filter(|set| set >> player & 1 == 0);
            let gains = without.map(|set| {
                let size = usize::try_from(set.count_ones()).unwrap();
                let weight = factorial(size) * factorial(n - 1 - size);
                (worth(set | 1 << player) - worth(set)) * weight
            });
            BigRational::new(gains.sum::<u64>().into(), factorial(n).into())
        };
        (0..n)
            .map(|player| (owners[player], value(player)))
            .collect()
    }

    #[test]
    fn a_unit_is_shared_by_its_holders() {
        let held = vec![
            ("ann", vec![1, 2, 2]),
            ("bob", vec![2, 3]),
            ("ann", vec![3, 4]),
        ];
        let values = coverage(&held, |_| 1);
        let told: Vec<String> = values.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["3/2", "1", "3/2"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn equals_the_definition_however_an_owner_divides_its_units(
            words in proptest::collection::vec(proptest::collection::vec(1u8..9, 0..6), 1..8),
        ) {
            let names = ["ann", "bob", "cy", "dee"];
            let owners = names.into_iter().cycle();
            let held: Held = owners.zip(words).collect();
            let values = coverage(&held, |unit| u64::from(*unit));
            prop_assert_eq!(by_owner(&held, &values), by_definition(&held));
        }
    }
}
