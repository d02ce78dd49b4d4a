//! The exact sum of the holds on a contribution.

use std::collections::BTreeMap;

use num_bigint::BigUint;

use super::amount::{signed, unsigned};
use super::scenario::Id;

/// A fraction from 0 to 1, exact, not reduced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fraction {
    numerator: BigUint,
    denominator: BigUint,
}

impl Fraction {
    /// Returns the sum of `(numerator, denominator)` pairs; more than 1 counts as 1.
    ///
    /// Equal denominators are added first and the rest pairwise, so that a great number of holds
    /// multiplies numbers of like size. Denominators are not zero.
    pub(super) fn sum_of(holds: &[(u64, u64)]) -> Self {
        let mut numerators: BTreeMap<u64, u128> = BTreeMap::new();
        for (numerator, denominator) in holds {
            let sum = numerators.entry(*denominator).or_default();
            *sum = sum.saturating_add(u128::from(*numerator));
        }
        let mut terms: Vec<(BigUint, BigUint)> = numerators
            .into_iter()
            .map(|(denominator, numerator)| (numerator.into(), denominator.into()))
            .collect();
        while terms.len() > 1 {
            terms = terms.chunks(2).filter_map(add_pair).collect();
        }
        let (numerator, denominator) = terms.pop().unwrap_or((0u8.into(), 1u8.into()));
        Self {
            numerator: numerator.min(denominator.clone()),
            denominator,
        }
    }

    /// Tells whether anything is contested.
    pub(super) fn is_above_zero(&self) -> bool {
        self.numerator > BigUint::ZERO
    }

    /// Returns `ceil(amount * fraction)`.
    pub(super) fn of(&self, amount: i64) -> i64 {
        let product = BigUint::from(unsigned(amount)) * &self.numerator;
        let part = (product + &self.denominator - 1u8) / &self.denominator;
        signed(u128::try_from(part).unwrap_or(u128::MAX))
    }

    /// Returns `numerator/denominator` as text where both fit 64 bits.
    pub(super) fn text(&self) -> Option<Id> {
        let numerator = u64::try_from(&self.numerator).ok()?;
        let denominator = u64::try_from(&self.denominator).ok()?;
        Some(format!("{numerator}/{denominator}").into())
    }
}

fn add_pair(pair: &[(BigUint, BigUint)]) -> Option<(BigUint, BigUint)> {
    match pair {
        [(a, b), (c, d)] => Some((a * d + c * b, b * d)),
        [alone] => Some(alone.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(holds: &[(u64, u64)], amount: i64, expected: i64) {
        assert_eq!(Fraction::sum_of(holds).of(amount), expected, "{holds:?}");
    }

    #[test]
    fn the_sum_is_exact_and_rounded_up_once() {
        check(&[], 100, 0);
        check(&[(0, 7)], 100, 0);
        check(&[(40, 100)], 8_236, 3_295);
        check(&[(1, 3), (1, 3)], 3, 2);
        check(&[(1, 3), (1, 6), (1, 2)], i64::MAX, i64::MAX);
        check(&[(7, 7), (1, 7)], 10, 10);
        let thirds: Vec<(u64, u64)> = (0..1000).map(|n| (1, 1_000_000 - n)).collect();
        check(&thirds, 1_000_000, 1001);
    }

    #[test]
    fn the_text_is_there_while_it_is_short() {
        assert_eq!(
            Fraction::sum_of(&[(2, 7), (3, 7)]).text().as_deref(),
            Some("5/7")
        );
        let many: Vec<(u64, u64)> = (0..9).map(|n| (1, 1_000_000 - n)).collect();
        assert_eq!(Fraction::sum_of(&many).text(), None);
    }
}
