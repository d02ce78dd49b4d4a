//! The airport game (Littlechild and Owen 1973): a coalition needs the longest runway of its
//! members.

use num_bigint::BigInt;
use num_rational::BigRational;

use super::{Bounds, NAMED_PLAYERS_MAX, Rule, check_not_negative, check_players, fitting, whole};
use crate::domain::Violation;
use crate::valuation::games::SizeWeights;

/// What each player's runway costs, in billionths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Airport {
    costs: Vec<i64>,
}

impl Airport {
    /// Makes a game from the cost of each player, in billionths.
    ///
    /// # Errors
    /// Too many players, or none; negative costs; costs beyond 64 bits.
    pub fn new(costs: &[i128]) -> Result<Self, Vec<Violation>> {
        let mut found = Vec::new();
        check_players("costs", costs.len(), NAMED_PLAYERS_MAX, &mut found);
        check_not_negative("costs", costs, &mut found);
        let numbered = costs.iter().enumerate();
        let costs = numbered
            .map(|(position, cost)| fitting(&format!("costs[{position}]"), *cost, &mut found))
            .collect();
        whole(Self { costs }, found)
    }

    /// Returns the value of every player.
    ///
    /// The runway is a sum of stretches between one cost and the next. A stretch that `k` players
    /// need is a game of its own, in which each of them gains it where none of the others has
    /// come before.
    pub fn values(&self, weights: &SizeWeights) -> Vec<BigRational> {
        let mut by_cost: Vec<(usize, i64)> = self.costs.iter().copied().enumerate().collect();
        by_cost.sort_by_key(|(_, cost)| *cost);
        let mut values = vec![BigRational::default(); self.costs.len()];
        let mut gained = BigInt::ZERO;
        let mut before = 0;
        for (cheaper, (player, cost)) in by_cost.iter().enumerate() {
            if *cost > before {
                let others = by_cost.len() - cheaper - 1;
                gained += weights.absent(others) * (cost - before);
                before = *cost;
            }
            if let Some(value) = values.get_mut(*player) {
                *value = weights.rational(gained.clone());
            }
        }
        values
    }
}

impl Rule for Airport {
    type Gathered = i64;

    fn players(&self) -> usize {
        self.costs.len()
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            low: 0,
            high: self.costs.iter().copied().max().unwrap_or(0),
            monotone: true,
        }
    }

    fn start(&self) -> i64 {
        0
    }

    fn join(&self, gathered: &mut i64, player: usize) {
        *gathered = (*gathered).max(self.costs.get(player).copied().unwrap_or(0));
    }

    fn utility(&self, gathered: &i64) -> i64 {
        *gathered
    }
}
