//! The glove game (Shapley and Shubik 1969): a coalition is worth as many pairs as it can make.

use num_bigint::BigInt;
use num_rational::BigRational;

use super::{Bounds, NAMED_PLAYERS_MAX, Rule, check_players, whole};
use crate::domain::Violation;
use crate::valuation::games::size_weights::binomials;
use crate::valuation::games::{SizeWeights, UNIT};

/// How many players have a left glove, and how many a right one; the left come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glove {
    left: usize,
    right: usize,
}

impl Glove {
    /// Makes a game from the numbers of left and of right gloves.
    ///
    /// # Errors
    /// Too many players, or none.
    pub fn new(left: usize, right: usize) -> Result<Self, Vec<Violation>> {
        let mut found = Vec::new();
        let players = left.saturating_add(right);
        check_players("", players, NAMED_PLAYERS_MAX, &mut found);
        whole(Self { left, right }, found)
    }

    /// Returns the value of every player: one gains where gloves of its hand are fewer.
    pub fn values(&self, weights: &SizeWeights) -> Vec<BigRational> {
        let left = weights.value(gains(self.left, self.right));
        let right = weights.value(gains(self.right, self.left));
        let mut values = vec![left; self.left];
        values.resize(self.left + self.right, right);
        values
    }
}

/// Returns, by size, in how many coalitions there are fewer gloves of a player's hand than of the
/// other, in billionths.
fn gains(same_hand: usize, other_hand: usize) -> impl Iterator<Item = BigInt> {
    let same: Vec<BigInt> = binomials(same_hand.saturating_sub(1)).collect();
    let other: Vec<BigInt> = binomials(other_hand).collect();
    (0..same_hand + other_hand).map(move |size| {
        let pairs = same
            .iter()
            .enumerate()
            .take_while(|(count, _)| 2 * count < size);
        let ways = pairs.filter_map(|(count, ways)| Some(ways * other.get(size - count)?));
        ways.sum::<BigInt>() * UNIT
    })
}

impl Rule for Glove {
    /// How many left and how many right gloves.
    type Gathered = (i64, i64);

    fn players(&self) -> usize {
        self.left + self.right
    }

    fn bounds(&self) -> Bounds {
        let pairs = i64::try_from(self.left.min(self.right)).unwrap_or(i64::MAX);
        Bounds {
            low: 0,
            high: pairs.saturating_mul(UNIT),
            monotone: true,
        }
    }

    fn start(&self) -> (i64, i64) {
        (0, 0)
    }

    fn join(&self, (left, right): &mut (i64, i64), player: usize) {
        match player < self.left {
            true => *left += 1,
            false => *right += 1,
        }
    }

    fn utility(&self, (left, right): &(i64, i64)) -> i64 {
        // At most half of the players, so the product fits.
        left.min(right).saturating_mul(UNIT)
    }
}
