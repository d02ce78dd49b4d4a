//! Random games for the tests, each from a seed that a failing test prints.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::valuation::games::*;

/// A source of choices.
pub struct Choices(ChaCha8Rng);

impl Choices {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Returns a number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.0.next_u64() % end as u64).unwrap()
    }

    /// Returns a number of billionths: sometimes a small whole one, sometimes any below a bound.
    pub fn amount(&mut self) -> i128 {
        match self.below(3) {
            0 => self.below(4) as i128 * i128::from(UNIT),
            1 => self.below(10) as i128 * 500_000_000,
            _ => self.below(7_000_000_000) as i128,
        }
    }

    pub fn amounts(&mut self, count: usize) -> Vec<i128> {
        (0..count).map(|_| self.amount()).collect()
    }

    /// Returns a utility: small, of any sign, or the largest of all.
    pub fn utility(&mut self) -> i64 {
        match self.below(8) {
            0 => 0,
            1 => i64::MAX,
            2 => i64::MIN,
            3 | 4 => self.0.next_u64().cast_signed(),
            _ => i64::try_from(self.below(9)).unwrap() - 4,
        }
    }

    pub fn table(&mut self, players: usize) -> UtilityTable {
        let utilities = (0..1 << players).map(|_| self.utility()).collect();
        UtilityTable::new(players, utilities).unwrap()
    }

    /// Returns some of the players, each at most once, in any order.
    pub fn members(&mut self, players: usize) -> Vec<usize> {
        let mut members: Vec<usize> = (0..players).filter(|_| self.below(2) == 0).collect();
        let turn = self.below(members.len().max(1));
        members.rotate_left(turn);
        members
    }

    /// Returns a named game of at most so many players; of each kind in turn.
    pub fn named(&mut self, kind: u64, players_max: usize) -> Game {
        let players = 1 + self.below(players_max);
        match kind % 7 {
            0 => {
                let weights = self.amounts(players);
                let total = usize::try_from(weights.iter().sum::<i128>()).unwrap();
                let quota = i128::from(UNIT) + self.below(total + 1) as i128;
                Game::WeightedVoting(WeightedVoting::new(quota, &weights).unwrap())
            }
            1 => Game::Airport(Airport::new(&self.amounts(players)).unwrap()),
            2 => Game::Unanimity(Unanimity::new(players, &self.members(players)).unwrap()),
            3 => {
                let mut worth = self.amounts(players);
                for worth in &mut worth {
                    *worth -= i128::from(UNIT) * 2;
                }
                Game::Additive(Additive::new(&worth).unwrap())
            }
            4 => {
                let left = self.below(players + 1);
                Game::Glove(Glove::new(left, players - left).unwrap())
            }
            5 => {
                let units: Vec<Unit> = (0..self.below(6))
                    .map(|_| Unit {
                        weight: self.amount(),
                        holders: self.members(players),
                    })
                    .collect();
                Game::Coverage(Coverage::new(players, &units).unwrap())
            }
            _ => {
                let claims = self.amounts(players);
                let estate = self.amount();
                Game::Bankruptcy(Bankruptcy::new(estate, claims).unwrap())
            }
        }
    }
}

/// Values of every kind.
pub fn values() -> Vec<Value> {
    let beta = [(1, 1), (16, 1), (1, 4), (3, 2)].map(|(a, b)| Value::Beta(a, b));
    let others = [Value::Shapley, Value::Banzhaf, Value::LeaveOneOut];
    others.into_iter().chain(beta).collect()
}
