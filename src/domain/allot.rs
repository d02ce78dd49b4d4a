//! The two divisions that money and weights go through; every other division is a named floor.
//!
//! `allot` is the method of largest remainders with ties by ascending id, so that the result
//! depends on the set of weights and never on the order of the list it came in.

use num_bigint::BigUint;

/// Why an amount could not be divided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllotError {
    /// All weights are zero (or there are none), but there is something to divide.
    #[error("an amount of {total} cannot be divided: all weights are zero")]
    NoWeight {
        /// The amount that was to be divided.
        total: u128,
    },
    /// Two weights carry the same id, so that a tie between them would have no rule.
    #[error("an id stands twice among the weights to divide by")]
    DuplicateId,
    /// The sum of the weights does not fit 128 bits.
    #[error("the sum of the weights is beyond 128 bits")]
    Overflow,
}

/// Returns `floor(amount * basis_points / 10000)`.
///
/// `amount` is in minor units and not negative, `basis_points` is in 0..=10000; the product of
/// any such pair below 2^114 fits, and a larger amount saturates, which callers exclude by
/// refusing totals beyond `i64`.
pub fn basis_points_of(amount: u128, basis_points: u32) -> u128 {
    amount.saturating_mul(u128::from(basis_points)) / 10_000
}

/// Divides `total` in proportion to the weights, to the last unit.
///
/// Each id gets `floor(total * weight / sum)`; the units left go one each to the largest
/// remainders `total * weight mod sum`, ties by ascending id. The answer is in the order of
/// `weights`. Products are taken in 256 bits where 128 do not hold them.
///
/// # Errors
/// See [`AllotError`]; a `total` of zero divides over any weights, also over none.
pub fn allot<Id: Ord>(total: u128, weights: &[(Id, u128)]) -> Result<Vec<u128>, AllotError> {
    let sum = weights
        .iter()
        .try_fold(0u128, |sum, (_, weight)| sum.checked_add(*weight))
        .ok_or(AllotError::Overflow)?;
    allot_by(total, weights, sum == 0, |weight| {
        divide_product(total, *weight, sum)
    })
}

/// Divides `total` as [`allot`] does, by weights of any size.
///
/// # Errors
/// See [`AllotError`]; nothing overflows.
pub fn allot_wide<Id: Ord>(
    total: u128,
    weights: &[(Id, BigUint)],
) -> Result<Vec<u128>, AllotError> {
    let sum: BigUint = weights.iter().map(|(_, weight)| weight).sum();
    let wide_total = BigUint::from(total);
    allot_by(total, weights, sum == BigUint::ZERO, |weight| {
        let product = &wide_total * weight;
        // A share is at most the total, which fits.
        let share = u128::try_from(&product / &sum).unwrap_or(u128::MAX);
        (share, product % &sum)
    })
}

/// Divides by any weights: `divide` gives a weight's share and remainder, of weights not all zero.
fn allot_by<Id: Ord, Weight, Remainder: Ord + Default>(
    total: u128,
    weights: &[(Id, Weight)],
    all_zero: bool,
    divide: impl Fn(&Weight) -> (u128, Remainder),
) -> Result<Vec<u128>, AllotError> {
    if total == 0 {
        return Ok(vec![0; weights.len()]);
    }
    if all_zero {
        return Err(AllotError::NoWeight { total });
    }
    let mut shares = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut given = 0u128;
    for (position, (id, weight)) in weights.iter().enumerate() {
        let (share, remainder) = divide(weight);
        given = given.saturating_add(share);
        shares.push(share);
        remainders.push((remainder, id, position));
    }
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    if remainders_repeat_an_id(&remainders) {
        return Err(AllotError::DuplicateId);
    }
    // Fewer units are left than there are non-zero remainders, so no one gets two.
    let mut left = total.saturating_sub(given);
    for (_, _, position) in remainders {
        if left == 0 {
            break;
        }
        if let Some(share) = shares.get_mut(position) {
            *share = share.saturating_add(1);
        }
        left = left.saturating_sub(1);
    }
    Ok(shares)
}

/// Equal ids can only matter where they stand side by side after sorting by remainder and id.
fn remainders_repeat_an_id<Id: Ord, Remainder: Ord + Default>(
    sorted: &[(Remainder, &Id, usize)],
) -> bool {
    sorted.windows(2).any(|pair| match pair {
        [a, b] => a.0 == b.0 && a.1 == b.1 && a.0 != Remainder::default(),
        _ => false,
    })
}

/// Returns quotient and remainder of `a * b / divisor`, where the quotient fits because
/// `b <= divisor`.
fn divide_product(a: u128, b: u128, divisor: u128) -> (u128, u128) {
    match a.checked_mul(b) {
        Some(product) => (
            product.checked_div(divisor).unwrap_or(0),
            product.checked_rem(divisor).unwrap_or(0),
        ),
        None => {
            let product = BigUint::from(a) * BigUint::from(b);
            let divisor = BigUint::from(divisor);
            let quotient = u128::try_from(&product / &divisor).unwrap_or(u128::MAX);
            let remainder = u128::try_from(&product % &divisor).unwrap_or(u128::MAX);
            (quotient, remainder)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(total: u128, weights: &[(&str, u128)], expected: &[u128]) {
        assert_eq!(allot(total, weights).unwrap(), expected);
    }

    #[test]
    fn leftovers_go_to_the_largest_remainders_then_the_lowest_ids() {
        check(10, &[("a", 1), ("b", 1), ("c", 1)], &[4, 3, 3]);
        check(10, &[("c", 1), ("b", 1), ("a", 1)], &[3, 3, 4]);
        check(11, &[("b", 1), ("a", 1), ("c", 1)], &[4, 4, 3]);
        check(5, &[("a", 1), ("b", 3)], &[1, 4]);
        check(0, &[], &[]);
        check(7, &[("a", 0), ("b", 2)], &[0, 7]);
    }

    #[test]
    fn what_cannot_be_divided_is_an_error() {
        assert_eq!(
            allot(1, &[("a", 0)]),
            Err(AllotError::NoWeight { total: 1 })
        );
        assert_eq!(allot::<u8>(1, &[]), Err(AllotError::NoWeight { total: 1 }));
        let nothing = [("a", BigUint::ZERO)];
        assert_eq!(
            allot_wide(1, &nothing),
            Err(AllotError::NoWeight { total: 1 })
        );
        assert_eq!(
            allot(1, &[("a", 1), ("a", 1)]),
            Err(AllotError::DuplicateId)
        );
        assert_eq!(
            allot(1, &[("a", u128::MAX), ("b", 1)]),
            Err(AllotError::Overflow)
        );
    }

    #[test]
    fn a_basis_point_is_floored() {
        assert_eq!(basis_points_of(100_003, 500), 5_000);
        assert_eq!(basis_points_of(1, 9_999), 0);
        assert_eq!(basis_points_of(7, 10_000), 7);
    }

    proptest! {
        #[test]
        fn sums_exactly_and_is_free_of_order(
            total in 0u128..1u128 << 100,
            weights in proptest::collection::vec(0u128..1u128 << 110, 1..20),
            rotate in 0usize..20,
        ) {
            let named: Vec<(usize, u128)> = weights.into_iter().enumerate().collect();
            prop_assume!(named.iter().any(|(_, weight)| *weight > 0));
            let shares = allot(total, &named).unwrap();
            let wide: Vec<(usize, BigUint)> = named
                .iter()
                .map(|(id, weight)| (*id, BigUint::from(*weight)))
                .collect();
            prop_assert_eq!(&allot_wide(total, &wide).unwrap(), &shares);
            prop_assert_eq!(shares.iter().sum::<u128>(), total);
            let mut turned = named.clone();
            turned.rotate_left(rotate % named.len());
            let turned_shares = allot(total, &turned).unwrap();
            for (position, (id, _)) in turned.iter().enumerate() {
                prop_assert_eq!(turned_shares[position], shares[*id]);
            }
        }
    }
}
