//! What a method needs to know of a game, whether it is a table, a formula or a model to train.

use super::Coalition;

/// The utility of each coalition of a game's players, in billionths.
///
/// The utility of a coalition must always be the same. Methods may ask from several threads at
/// once, and sampled ones may come across a coalition again: who is slow had better remember.
pub trait Utility: Sync {
    /// Returns the number of players.
    fn players(&self) -> usize;

    /// Returns what the game declares of its utilities; one outside of it is refused.
    fn bounds(&self) -> Bounds;

    /// Returns the utility of a coalition.
    ///
    /// # Errors
    /// It cannot be had.
    fn utility(&self, coalition: &Coalition) -> Result<i64, UtilityError>;

    /// Appends the utility of each coalition that arises when players join in an order: after the
    /// first, after the second, and so on.
    ///
    /// # Errors
    /// One of them cannot be had.
    fn along(&self, order: &[usize], utilities: &mut Vec<i64>) -> Result<(), UtilityError> {
        let mut coalition = Coalition::empty();
        for player in order {
            coalition.insert(*player);
            utilities.push(self.utility(&coalition)?);
        }
        Ok(())
    }
}

/// What a game declares of its utilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// No utility is below it, in billionths.
    pub low: i64,
    /// No utility is above it, in billionths.
    pub high: i64,
    /// No player ever lowers the utility of those that it joins.
    pub monotone: bool,
}

/// Why a method got no utility that it can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UtilityError {
    /// A utility is outside of the declared bounds.
    #[error(
        "the utility of {coalition} is {utility} billionths, outside of the declared {low}..{high}"
    )]
    OutOfBounds {
        /// The coalition.
        coalition: Coalition,
        /// Its utility, in billionths.
        utility: i64,
        /// The lowest that was declared.
        low: i64,
        /// The highest that was declared.
        high: i64,
    },
    /// A utility is lower than that of a part of its coalition, in a game declared monotone.
    #[error(
        "the utility of {coalition} is lower than before its last player joined, and the game is declared monotone"
    )]
    NotMonotone {
        /// The coalition.
        coalition: Coalition,
    },
    /// The game has no utility for a coalition.
    #[error("there is no utility for {coalition}: {reason}")]
    Missing {
        /// The coalition.
        coalition: Coalition,
        /// Why.
        reason: String,
    },
}
