//! Banzhaf values by maximum sample reuse (Wang and Jia, "Data Banzhaf", arXiv 2205.15466): every
//! random coalition serves every player, who gets the mean utility of those with it less the mean
//! of those without.
//!
//! Given in which coalitions a player is, their utilities are independent, and of one
//! distribution among those with the player and of one among those without: these are its strata.

use num_bigint::BigInt;

use super::asked::Asked;
use super::draw::Draw;
use super::run::{Factors, Rounds};
use super::sums::Sums;
use crate::valuation::games::{Coalition, Utility, UtilityError};

/// How many coalitions a round draws.
const COALITIONS: u64 = 32;

/// Coalitions of all sizes, each player in it or not with the same chance.
pub(super) struct SampleReuse<'g, Game> {
    asked: &'g Asked<'g, Game>,
}

impl<'g, Game: Utility> SampleReuse<'g, Game> {
    pub(super) fn new(asked: &'g Asked<'g, Game>) -> Self {
        Self { asked }
    }
}

impl<Game: Utility> Rounds for SampleReuse<'_, Game> {
    fn players(&self) -> usize {
        self.asked.players()
    }

    fn evaluations_before(&self) -> u64 {
        Asked::<Game>::EVALUATIONS
    }

    fn evaluations(&self) -> u64 {
        COALITIONS
    }

    fn gains(&self) -> (i64, i64) {
        self.asked.gains()
    }

    fn factors(&self) -> Factors {
        Factors {
            numerators: vec![BigInt::from(1), BigInt::from(-1)],
            denominator: BigInt::from(1),
            range: self.asked.range(),
        }
    }

    fn draw(&self, seed: &[u8; 32], round: u64, sums: &mut Sums) -> Result<(), UtilityError> {
        let mut draw = Draw::new(seed, round);
        let players = self.players();
        let mut waiting = vec![[None; 2]; players];
        for _ in 0..COALITIONS {
            let coalition = random_coalition(&mut draw, players);
            let utility = self.asked.utility(&coalition)?;
            let each = sums.players_mut().zip(&mut waiting).enumerate();
            for (player, (strata, [waiting_with, waiting_without])) in each {
                if let [with, without] = strata {
                    match coalition.contains(player) {
                        true => with.add(utility, waiting_with),
                        false => without.add(utility, waiting_without),
                    }
                }
            }
        }
        Ok(())
    }
}

/// Returns a coalition by the bits of words, the lowest first, a word for 32 players.
fn random_coalition(draw: &mut Draw, players: usize) -> Coalition {
    let mut coalition = Coalition::empty();
    for start in (0..players).step_by(32) {
        let word = draw.word();
        for player in start..players.min(start + 32) {
            if word >> (player - start) & 1 == 1 {
                coalition.insert(player);
            }
        }
    }
    coalition
}
