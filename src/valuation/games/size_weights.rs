//! A value as weights by size of coalition.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};

use super::UNIT;

/// The weight of a player's gain by joining one coalition, which depends on its size alone.
///
/// Over all coalitions of the other players the weights sum to 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeWeights {
    /// For sizes from 0 to one less than the players.
    numerators: Vec<BigInt>,
    denominator: BigInt,
}

impl SizeWeights {
    /// Makes weights from their numerators by size, from 0, and the denominator of all.
    pub(super) fn new(numerators: Vec<BigInt>, denominator: BigInt) -> Self {
        Self {
            numerators,
            denominator,
        }
    }

    /// Returns the number of players.
    pub fn players(&self) -> usize {
        self.numerators.len()
    }

    /// Returns the weight of one coalition of a size.
    pub fn weight(&self, size: usize) -> BigRational {
        match self.numerators.get(size) {
            Some(numerator) => BigRational::new(numerator.clone(), self.denominator.clone()),
            None => BigRational::zero(),
        }
    }

    /// Returns the weight of all coalitions of each size, from 0: numerators, and the denominator
    /// of all.
    pub fn of_sizes(&self) -> (Vec<BigInt>, BigInt) {
        let counts = binomials(self.players().saturating_sub(1));
        let numerators = self.numerators.iter().zip(counts);
        let numerators = numerators.map(|(weight, count)| weight * count).collect();
        (numerators, self.denominator.clone())
    }

    /// Returns a value from a player's gains in billionths, summed by size, from 0.
    pub fn value(&self, gains: impl IntoIterator<Item = BigInt>) -> BigRational {
        self.rational(self.weighted(gains))
    }

    /// Returns the value of a numerator over the denominator, in billionths.
    pub(super) fn rational(&self, numerator: BigInt) -> BigRational {
        BigRational::new(numerator, &self.denominator * UNIT)
    }

    /// Returns, over the denominator, the weight of all coalitions without any of `others`.
    ///
    /// It is the chance that none of so many other players stands before the player.
    pub(super) fn absent(&self, others: usize) -> BigInt {
        let rest = self.players().saturating_sub(1).saturating_sub(others);
        self.weighted(binomials(rest))
    }

    /// Returns, over the denominator, the weight of all coalitions with each of `others`.
    pub(super) fn present(&self, others: usize) -> BigInt {
        let rest = self.players().saturating_sub(1).saturating_sub(others);
        let none = std::iter::repeat_n(BigInt::zero(), others);
        self.weighted(none.chain(binomials(rest)))
    }

    fn weighted(&self, sums: impl IntoIterator<Item = BigInt>) -> BigInt {
        let terms = self.numerators.iter().zip(sums);
        terms
            .filter(|(_, sum)| !sum.is_zero())
            .map(|(weight, sum)| weight * sum)
            .sum()
    }
}

/// Returns how many subsets of each size, from 0 to `players`, a set of players has.
pub(super) fn binomials(players: usize) -> impl Iterator<Item = BigInt> {
    (0..=players).scan(BigInt::one(), move |next, size| {
        let this = next.clone();
        // The division has no remainder.
        *next = &this * (players - size) / (size + 1);
        Some(this)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::valuation::games::Value;

    #[test]
    fn weights_sum_to_one() {
        let values = ["shapley", "banzhaf", "beta:1,1", "beta:16,1", "beta:2,7"];
        for value in values {
            let value: Value = value.parse().unwrap();
            for players in 1..40 {
                let weights = value.size_weights(players).unwrap();
                assert_eq!(weights.players(), players);
                assert_eq!(weights.absent(0), weights.denominator, "{value}, {players}");
                assert_eq!(weights.present(0), weights.denominator);
            }
        }
    }

    #[test]
    fn a_row_of_pascals_triangle() {
        let row: Vec<BigInt> = binomials(5).collect();
        assert_eq!(row, [1, 5, 10, 10, 5, 1].map(BigInt::from));
    }
}
