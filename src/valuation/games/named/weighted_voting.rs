//! Weighted voting (Shapley and Shubik 1954; Banzhaf 1965): 1 if the weights of a coalition reach
//! the quota.
//!
//! A player gains where the others' weights are below the quota and reach it with its own. So the
//! values follow from how many coalitions of each size have a sum below the quota, and below it
//! less some times the player's weight ([`SubsetSums`]; Mann and Shapley 1962).
//!
//! Who swings in a coalition of size `s` also swings in the game of blocking, whose quota is
//! `total - quota + 1`, with the `n - 1 - s` others; the smaller quota has fewer sums below it.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;

use super::subset_sums::SubsetSums;
use super::{Bounds, NAMED_PLAYERS_MAX, Rule, check_not_negative, check_players, whole};
use crate::domain::Violation;
use crate::valuation::games::{
    ExactError, SizeSums, SizeWeights, TABLE_PLAYERS_MAX, UNIT, UtilityTable,
};

/// The most words of 64 bits that the numbers of coalitions take: 512 MiB.
const WORDS_MAX: usize = 1 << 26;

/// A quota, and how many votes each player has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightedVoting {
    /// In units of the weights' greatest common divisor, rounded up.
    quota: i128,
    /// In the same units. A thousand of at most 90 bits: every sum fits.
    weights: Vec<i128>,
}

impl WeightedVoting {
    /// Makes a game from the quota and each player's weight, in billionths.
    ///
    /// # Errors
    /// Too many players, or none; a quota below 1; negative weights.
    pub fn new(quota: i128, weights: &[i128]) -> Result<Self, Vec<Violation>> {
        let mut found = Vec::new();
        check_players("weights", weights.len(), NAMED_PLAYERS_MAX, &mut found);
        check_not_negative("weights", weights, &mut found);
        if quota < i128::from(UNIT) {
            found.push(Violation::new("quota", "is below 1"));
        }
        let divisor = weights
            .iter()
            .fold(0, |divisor: i128, weight| divisor.gcd(weight));
        let divisor = divisor.max(1);
        let game = Self {
            quota: Integer::div_ceil(&quota, &divisor),
            weights: weights.iter().map(|weight| weight / divisor).collect(),
        };
        whole(game, found)
    }

    /// Returns the value of every player.
    ///
    /// # Errors
    /// [`ExactError::TooManySums`] with more players than a table has.
    pub fn values(&self, weights: &SizeWeights) -> Result<Vec<BigRational>, ExactError> {
        self.values_within(WORDS_MAX, weights)
    }

    fn values_within(
        &self,
        words_max: usize,
        weights: &SizeWeights,
    ) -> Result<Vec<BigRational>, ExactError> {
        let blocking = self.weights.iter().sum::<i128>() - self.quota + 1;
        if blocking <= 0 {
            // Not even all together reach the quota.
            return Ok(vec![BigRational::default(); self.weights.len()]);
        }
        let limit = self.quota.min(blocking);
        let Some(sums) = SubsetSums::below(limit, &self.weights, words_max) else {
            if self.weights.len() > TABLE_PLAYERS_MAX {
                return Err(ExactError::TooManySums);
            }
            return Ok(SizeSums::of(&UtilityTable::of_rule(self)).values(weights));
        };
        let mut known: Vec<(i128, BigRational)> = Vec::new();
        let mut value = |weight: &i128| {
            if let Some((_, value)) = known.iter().find(|(other, _)| other == weight) {
                return value.clone();
            }
            let mut swings = sums.swings(*weight);
            if blocking < self.quota {
                swings.reverse();
            }
            let gains = swings.into_iter().map(|count| BigInt::from(count) * UNIT);
            let value = weights.value(gains);
            known.push((*weight, value.clone()));
            value
        };
        Ok(self.weights.iter().map(&mut value).collect())
    }
}

impl Rule for WeightedVoting {
    /// The sum of weights.
    type Gathered = i128;

    fn players(&self) -> usize {
        self.weights.len()
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            low: 0,
            high: UNIT,
            monotone: true,
        }
    }

    fn start(&self) -> i128 {
        0
    }

    fn join(&self, gathered: &mut i128, player: usize) {
        *gathered += self.weights.get(player).copied().unwrap_or(0);
    }

    fn utility(&self, gathered: &i128) -> i64 {
        if *gathered >= self.quota { UNIT } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::valuation::games::Value;

    /// Weights whose sums all differ are too many to count, unless a table holds all coalitions.
    #[test]
    fn votes_that_cannot_be_counted_are_refused() {
        let weights: Vec<i128> = (0..60).map(|player| (1 << player) + (1 << 62)).collect();
        let values = |players: usize| {
            let weights = &weights[..players];
            let game = WeightedVoting::new(weights.iter().sum::<i128>() / 2, weights).unwrap();
            game.values_within(1000, &Value::Shapley.size_weights(players).unwrap())
        };
        assert_eq!(values(60), Err(ExactError::TooManySums));
        assert_eq!(values(25), Err(ExactError::TooManySums));
        let sum: BigRational = values(12).unwrap().iter().sum();
        assert_eq!(sum.to_string(), "1");
    }
}
