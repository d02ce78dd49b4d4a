//! From values to integer weights: by beneficial owner first, inside an owner second.
//!
//! Clipping at zero happens on an owner's total, so dividing one's rows among several
//! contributions of one's own never changes what the owner gets.

use std::collections::BTreeMap;

use crate::domain::{AllotError, allot};

/// The sum of all weights, unless all of them are zero.
pub const WEIGHT_TOTAL: u64 = 1_000_000_000_000;

/// Why values could not be made into weights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightError {
    /// An owner's values do not add up within 127 bits.
    #[error("the values of one owner add up beyond 128 bits")]
    Overflow,
    /// The weights could not be divided.
    #[error("the weights could not be divided")]
    Allot(#[source] AllotError),
}

/// Divides the total weight over contributions, each given as id, owner and value.
///
/// Owners get `allot(10^12, max(total, 0))`, a total being the sum of an owner's values; an
/// owner's part is allotted over `max(value, 0)` of its own contributions, ties by ascending id.
/// The values are integers over one denominator. The answer is in the order given; all weights are
/// zero if no owner's total is positive.
///
/// # Errors
/// See [`WeightError`]; an id that stands twice is refused where it could matter.
pub fn weights<Id: Ord, Owner: Ord>(values: &[(Id, Owner, i128)]) -> Result<Vec<u64>, WeightError> {
    let mut totals: BTreeMap<&Owner, i128> = BTreeMap::new();
    for (_, owner, value) in values {
        let total = totals.entry(owner).or_default();
        *total = total.checked_add(*value).ok_or(WeightError::Overflow)?;
    }
    weights_by_total(values, &totals)
}

/// Divides the total weight as [`weights`] does, where owners have totals of their own.
///
/// The values of contributions then only say how an owner's part is divided among them; equally if
/// none is positive. An owner without a total has none.
///
/// # Errors
/// As [`weights`].
pub fn weights_by_total<Id: Ord, Owner: Ord>(
    values: &[(Id, Owner, i128)],
    totals: &BTreeMap<&Owner, i128>,
) -> Result<Vec<u64>, WeightError> {
    let mut owners: BTreeMap<&Owner, Vec<usize>> = BTreeMap::new();
    for (position, (_, owner, _)) in values.iter().enumerate() {
        owners.entry(owner).or_default().push(position);
    }
    let total = |owner: &&Owner| positive(totals.get(owner).copied().unwrap_or(0));
    let by_owner: Vec<(&Owner, u128)> = owners.keys().map(|owner| (*owner, total(owner))).collect();
    let mut answer = vec![0; values.len()];
    if by_owner.iter().all(|(_, total)| *total == 0) {
        return Ok(answer);
    }
    let parts = allot(u128::from(WEIGHT_TOTAL), &by_owner).map_err(WeightError::Allot)?;
    for (part, positions) in parts.into_iter().zip(owners.values()) {
        let own = positions
            .iter()
            .filter_map(|position| values.get(*position));
        let mut own: Vec<(&Id, u128)> = own.map(|(id, _, value)| (id, positive(*value))).collect();
        if own.iter().all(|(_, value)| *value == 0) {
            own.iter_mut().for_each(|(_, value)| *value = 1);
        }
        let shares = allot(part, &own).map_err(WeightError::Allot)?;
        for (position, share) in positions.iter().zip(shares) {
            if let Some(weight) = answer.get_mut(*position) {
                // No share exceeds the total weight, which fits.
                *weight = u64::try_from(share).unwrap_or(u64::MAX);
            }
        }
    }
    Ok(answer)
}

fn positive(value: i128) -> u128 {
    u128::try_from(value).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(values: &[(u8, &str, i128)], expected: &[u64]) {
        assert_eq!(weights(values).unwrap(), expected);
    }

    #[test]
    fn owners_first_then_their_contributions() {
        check(
            &[(1, "a", 1), (2, "b", 3)],
            &[250_000_000_000, 750_000_000_000],
        );
        check(
            &[(1, "a", 5), (2, "b", 4), (3, "a", -1)],
            &[500_000_000_000, 500_000_000_000, 0],
        );
        check(
            &[(1, "a", 5), (2, "a", -6), (3, "b", 1)],
            &[0, 0, WEIGHT_TOTAL],
        );
        check(
            &[(3, "a", 1), (2, "a", 1), (1, "a", 1)],
            &[333_333_333_333, 333_333_333_333, 333_333_333_334],
        );
    }

    #[test]
    fn without_a_positive_total_all_weights_are_zero() {
        check(&[], &[]);
        check(&[(1, "a", 0), (2, "b", -3)], &[0, 0]);
        check(&[(1, "a", 3), (2, "a", -3)], &[0, 0]);
    }

    #[test]
    fn totals_of_their_own_decide_what_owners_get() {
        let values = [
            (1, "a", 1),
            (2, "a", 3),
            (3, "b", -7),
            (4, "b", -9),
            (5, "c", 9),
        ];
        let totals = [(&"a", 2), (&"b", 2), (&"c", -1)].into();
        let quarter = WEIGHT_TOTAL / 4;
        let expected = [quarter / 2, quarter / 2 * 3, quarter, quarter, 0];
        assert_eq!(weights_by_total(&values, &totals), Ok(expected.to_vec()));
        assert_eq!(weights_by_total(&values, &BTreeMap::new()), Ok(vec![0; 5]));
    }

    #[test]
    fn totals_beyond_the_range_are_refused() {
        let values = [(1, "a", i128::MAX), (2, "a", 1)];
        assert_eq!(weights(&values), Err(WeightError::Overflow));
    }

    type Row = (u8, i128, u8, u8);

    proptest! {
        /// An owner's weight is the same however its rows are divided among its contributions.
        #[test]
        fn dividing_rows_among_contributions_changes_no_owner(
            rows in proptest::collection::vec((0u8..4, -1000i128..3000, 0u8..3, 0u8..3), 1..40),
        ) {
            let by_owner = |division: &dyn Fn(&Row) -> u8| {
                let mut contributions: BTreeMap<(u8, u8), i128> = BTreeMap::new();
                for row in &rows {
                    *contributions.entry((row.0, division(row))).or_default() += row.1;
                }
                let values: Vec<((u8, u8), u8, i128)> = contributions
                    .iter()
                    .map(|(id, value)| (*id, id.0, *value))
                    .collect();
                let mut owners: BTreeMap<u8, u64> = BTreeMap::new();
                for ((_, owner, _), weight) in values.iter().zip(weights(&values).unwrap()) {
                    *owners.entry(*owner).or_default() += weight;
                }
                owners
            };
            let whole = by_owner(&|_| 0);
            prop_assert_eq!(&by_owner(&|row| row.2), &whole);
            prop_assert_eq!(&by_owner(&|row| row.3), &whole);
            let sum: u64 = whole.values().sum();
            prop_assert!(sum == WEIGHT_TOTAL || sum == 0);
        }

        /// 256-bit products: the weights sum to the total with values of any size.
        #[test]
        fn large_values_divide_exactly(values in proptest::collection::vec(0i128..1 << 120, 1..9)) {
            let named: Vec<(usize, usize, i128)> = values
                .iter()
                .enumerate()
                .map(|(id, value)| (id, id / 2, *value))
                .collect();
            prop_assume!(values.iter().any(|value| *value > 0));
            prop_assert_eq!(weights(&named).unwrap().iter().sum::<u64>(), WEIGHT_TOTAL);
        }
    }
}
