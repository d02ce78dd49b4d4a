//! Any value by size of coalition: for each player as many random coalitions of each size, and
//! what it gains by joining them (Maleki, Tran-Thanh, Hines, Rahwan and Rogers, arXiv 1306.4265).
//!
//! The mean of each size is weighted as the value has it, so that the spread between sizes, often
//! the larger part, does not blur the estimate. A round draws two coalitions of each size for each
//! player, all of them independent.

use num_bigint::BigInt;

use super::asked::Asked;
use super::draw::Draw;
use super::run::{Factors, Rounds};
use super::sums::Sums;
use crate::valuation::games::{Coalition, SizeWeights, Utility, UtilityError, Value};

/// Coalitions of each size for each player.
pub(super) struct Strata<'g, Game> {
    asked: &'g Asked<'g, Game>,
    weights: Option<SizeWeights>,
}

impl<'g, Game: Utility> Strata<'g, Game> {
    /// The value is one that has weights by size.
    pub(super) fn new(asked: &'g Asked<'g, Game>, value: Value) -> Self {
        Self {
            asked,
            weights: value.size_weights(asked.players()),
        }
    }
}

impl<Game: Utility> Rounds for Strata<'_, Game> {
    fn players(&self) -> usize {
        self.asked.players()
    }

    fn evaluations_before(&self) -> u64 {
        Asked::<Game>::EVALUATIONS
    }

    fn evaluations(&self) -> u64 {
        let players = u64::try_from(self.players()).unwrap_or(u64::MAX);
        players.saturating_mul(players).saturating_mul(4)
    }

    fn gains(&self) -> (i64, i64) {
        self.asked.gains()
    }

    fn factors(&self) -> Factors {
        let (least, most) = self.asked.gains();
        let weights = self.weights.as_ref().map(SizeWeights::of_sizes);
        let (numerators, denominator) = weights.unwrap_or_default();
        Factors {
            numerators,
            denominator: denominator.max(BigInt::from(1)),
            range: most.saturating_sub(least),
        }
    }

    fn draw(&self, seed: &[u8; 32], round: u64, sums: &mut Sums) -> Result<(), UtilityError> {
        let mut draw = Draw::new(seed, round);
        let players = self.players();
        for (player, strata) in sums.players_mut().enumerate() {
            let mut others: Vec<usize> = (0..players).filter(|other| *other != player).collect();
            for (size, stratum) in strata.iter_mut().enumerate() {
                let mut gain = || {
                    draw.choose(size, &mut others);
                    let mut coalition: Coalition = others.iter().copied().take(size).collect();
                    self.asked.gain(&mut coalition, player)
                };
                let (one, other) = (gain()?, gain()?);
                stratum.add_pair(one, other);
            }
        }
        Ok(())
    }
}
