//! Shapley values from random orders, each taken with its reverse (antithetic: who stood early
//! then stands late; Mitchell, Cooper, Frank and Holmes, arXiv 2104.12199).
//!
//! What is drawn is the sum of a player's gains in an order and in its reverse. A round is a pair
//! of these: two orders, each from a stream of its own, and their reverses.

use num_bigint::BigInt;

use super::asked::Asked;
use super::draw::Draw;
use super::run::{Factors, Rounds};
use super::sums::Sums;
use crate::valuation::games::{Utility, UtilityError};

/// Orders of a game's players.
pub(super) struct Permutations<'g, Game> {
    asked: &'g Asked<'g, Game>,
}

impl<'g, Game: Utility> Permutations<'g, Game> {
    pub(super) fn new(asked: &'g Asked<'g, Game>) -> Self {
        Self { asked }
    }

    /// Returns each player's gains in the order of a stream and in its reverse.
    fn gains(&self, seed: &[u8; 32], stream: u64) -> Result<Vec<i64>, UtilityError> {
        let players = self.asked.players();
        let mut order: Vec<usize> = (0..players).collect();
        Draw::new(seed, stream).shuffle(&mut order);
        let mut gains = vec![0; players];
        let mut utilities = Vec::with_capacity(players);
        self.asked.add_gains(&order, &mut utilities, &mut gains)?;
        order.reverse();
        self.asked.add_gains(&order, &mut utilities, &mut gains)?;
        Ok(gains)
    }
}

impl<Game: Utility> Rounds for Permutations<'_, Game> {
    fn players(&self) -> usize {
        self.asked.players()
    }

    fn evaluations_before(&self) -> u64 {
        Asked::<Game>::EVALUATIONS
    }

    /// Nobody and everybody are known already.
    fn evaluations(&self) -> u64 {
        let players = u64::try_from(self.players()).unwrap_or(u64::MAX);
        players.saturating_sub(1).saturating_mul(4)
    }

    fn gains(&self) -> (i64, i64) {
        self.asked.gains()
    }

    fn factors(&self) -> Factors {
        let (least, most) = self.asked.gains();
        Factors {
            numerators: vec![BigInt::from(1)],
            denominator: BigInt::from(2),
            // At most four times the range of utilities, 2^63.
            range: most.saturating_sub(least).saturating_mul(2),
        }
    }

    fn draw(&self, seed: &[u8; 32], round: u64, sums: &mut Sums) -> Result<(), UtilityError> {
        let one = self.gains(seed, 2 * round)?;
        let other = self.gains(seed, 2 * round + 1)?;
        for (strata, (one, other)) in sums.players_mut().zip(one.iter().zip(&other)) {
            for stratum in strata {
                stratum.add_pair(*one, *other);
            }
        }
        Ok(())
    }
}
