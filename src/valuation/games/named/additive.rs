//! The additive game: a coalition is worth what its members are. Every value gives each its worth.

use num_bigint::BigInt;
use num_rational::BigRational;

use super::{Bounds, NAMED_PLAYERS_MAX, Rule, check_players, fitting, whole};
use crate::domain::Violation;
use crate::valuation::games::SizeWeights;

/// What each player is worth, in billionths; also below zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Additive {
    worth: Vec<i64>,
    low: i64,
    high: i64,
}

impl Additive {
    /// Makes a game from what each player is worth, in billionths.
    ///
    /// # Errors
    /// Too many players, or none; sums beyond 64 bits.
    pub fn new(worth: &[i128]) -> Result<Self, Vec<Violation>> {
        let mut found = Vec::new();
        check_players("worth", worth.len(), NAMED_PLAYERS_MAX, &mut found);
        let sum = |part: fn(i128) -> i128| worth.iter().map(|worth| part(*worth)).sum();
        let (low, high) = (sum(|worth| worth.min(0)), sum(|worth| worth.max(0)));
        let low = fitting("worth", low, &mut found);
        let high = fitting("worth", high, &mut found);
        let one = |worth: &i128| i64::try_from(*worth).unwrap_or(0);
        let worth = worth.iter().map(one).collect();
        whole(Self { worth, low, high }, found)
    }

    /// Returns the value of every player.
    pub fn values(&self, weights: &SizeWeights) -> Vec<BigRational> {
        // Whatever the coalition, the gain is the same, and the weights of all sum to 1.
        let everybody = weights.absent(0);
        let value = |worth: &i64| weights.rational(&everybody * BigInt::from(*worth));
        self.worth.iter().map(value).collect()
    }
}

impl Rule for Additive {
    type Gathered = i64;

    fn players(&self) -> usize {
        self.worth.len()
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            low: self.low,
            high: self.high,
            monotone: self.low == 0,
        }
    }

    fn start(&self) -> i64 {
        0
    }

    fn join(&self, gathered: &mut i64, player: usize) {
        // Every sum lies between the bounds, which fit.
        *gathered = gathered.saturating_add(self.worth.get(player).copied().unwrap_or(0));
    }

    fn utility(&self, gathered: &i64) -> i64 {
        *gathered
    }
}
