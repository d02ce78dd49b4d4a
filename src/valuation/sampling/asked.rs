//! A game whose answers are checked against what it declares.

use super::SamplingError;
use crate::valuation::games::{Bounds, Coalition, Utility, UtilityError};

/// How far apart bounds may be, so that squares of differences of sums of two gains fit 126 bits.
const RANGE_MAX: i64 = 1 << 61;

/// A game, and what nobody and everybody is worth in it.
pub(super) struct Asked<'g, Game> {
    game: &'g Game,
    bounds: Bounds,
    /// The utility of nobody.
    pub(super) nobody: i64,
    /// The utility of everybody.
    pub(super) everybody: i64,
}

impl<'g, Game: Utility> Asked<'g, Game> {
    /// How many utilities making one asks for.
    pub(super) const EVALUATIONS: u64 = 2;

    pub(super) fn new(game: &'g Game) -> Result<Self, SamplingError> {
        let bounds = game.bounds();
        let range = bounds.high.checked_sub(bounds.low);
        if range.is_none_or(|range| range > RANGE_MAX) {
            return Err(SamplingError::WideBounds);
        }
        let mut asked = Self {
            game,
            bounds,
            nobody: 0,
            everybody: 0,
        };
        asked.nobody = asked.utility(&Coalition::empty())?;
        asked.everybody = asked.utility(&Coalition::all(game.players()))?;
        Ok(asked)
    }

    pub(super) fn players(&self) -> usize {
        self.game.players()
    }

    /// Returns the difference of the bounds, in billionths.
    pub(super) fn range(&self) -> i64 {
        self.bounds.high - self.bounds.low
    }

    /// Returns the least and the largest gain that there can be, in billionths.
    pub(super) fn gains(&self) -> (i64, i64) {
        match self.bounds.monotone {
            true => (0, self.range()),
            false => (-self.range(), self.range()),
        }
    }

    /// Returns the utility of a coalition.
    pub(super) fn utility(&self, coalition: &Coalition) -> Result<i64, UtilityError> {
        let utility = self.game.utility(coalition)?;
        self.check(utility, || coalition.clone())?;
        Ok(utility)
    }

    /// Returns what a player gains by joining a coalition.
    pub(super) fn gain(
        &self,
        coalition: &mut Coalition,
        player: usize,
    ) -> Result<i64, UtilityError> {
        let without = self.utility(coalition)?;
        coalition.insert(player);
        let with = self.utility(coalition)?;
        if self.bounds.monotone && with < without {
            let coalition = coalition.clone();
            return Err(UtilityError::NotMonotone { coalition });
        }
        Ok(with - without)
    }

    /// Adds what each player gains when all join in an order; `utilities` is room to work in.
    pub(super) fn add_gains(
        &self,
        order: &[usize],
        utilities: &mut Vec<i64>,
        gains: &mut [i64],
    ) -> Result<(), UtilityError> {
        utilities.clear();
        if let Some((_, before_last)) = order.split_last() {
            self.game.along(before_last, utilities)?;
        }
        utilities.push(self.everybody);
        let mut before = self.nobody;
        for (position, (player, utility)) in order.iter().zip(utilities.iter()).enumerate() {
            let coalition = || order.iter().copied().take(position + 1).collect();
            self.check(*utility, coalition)?;
            if self.bounds.monotone && *utility < before {
                let coalition = coalition();
                return Err(UtilityError::NotMonotone { coalition });
            }
            if let Some(gain) = gains.get_mut(*player) {
                *gain += utility - before;
            }
            before = *utility;
        }
        Ok(())
    }

    fn check(
        &self,
        utility: i64,
        coalition: impl FnOnce() -> Coalition,
    ) -> Result<(), UtilityError> {
        let Bounds { low, high, .. } = self.bounds;
        if (low..=high).contains(&utility) {
            return Ok(());
        }
        Err(UtilityError::OutOfBounds {
            coalition: coalition(),
            utility,
            low,
            high,
        })
    }
}
