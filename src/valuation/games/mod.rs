//! Games of few players with a utility for each coalition, and what each player is worth in them.
//!
//! Every value but leave-one-out is a weighted mean of a player's marginal gains in which the
//! weight depends on the size of the coalition alone. So two lists meet in [`SizeWeights`]: a
//! value gives weights by size (`value/`), a game gives gains by size, read off a table in one
//! pass ([`SizeSums`]) or known in closed form (`named/`). A new value or a new game is one file
//! and one line of its list. Everything is exact: utilities are integers in billionths, values are
//! rationals.

mod coalition;
mod decimal;
mod document;
mod named;
mod nearest;
mod size_sums;
mod size_weights;
mod table;
mod utility;
mod value;

#[cfg(test)]
mod tests;

use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::WEIGHT_TOTAL;
use crate::domain::{AllotError, allot_wide};

pub use coalition::Coalition;
pub use decimal::{DecimalError, billionths};
pub use document::read_game;
pub use named::{
    Additive, Airport, Bankruptcy, Coverage, Glove, NAMED_PLAYERS_MAX, Rule, Unanimity, Unit,
    WeightedVoting,
};
pub use nearest::nearest;
pub use size_sums::SizeSums;
pub use size_weights::SizeWeights;
pub use table::{TABLE_PLAYERS_MAX, UtilityTable};
pub use utility::{Bounds, Utility, UtilityError};
pub use value::{BETA_MAX, UnknownValue, Value};

/// What stands for 1 in a utility: utilities are integers in billionths.
pub const UNIT: i64 = 1_000_000_000;

/// A game: who the players are and what each coalition of them is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Game {
    /// The utility of each coalition, as it stands in a table.
    Table(UtilityTable),
    /// 1 if the weights of a coalition reach the quota.
    WeightedVoting(WeightedVoting),
    /// The largest cost in a coalition.
    Airport(Airport),
    /// 1 if a coalition has all members.
    Unanimity(Unanimity),
    /// The sum of the members' worth.
    Additive(Additive),
    /// The smaller of the numbers of left and right gloves.
    Glove(Glove),
    /// The weights of the units with a holder in a coalition.
    Coverage(Coverage),
    /// What of an estate is left when everybody outside has got its claim.
    Bankruptcy(Bankruptcy),
}

/// Runs an expression on whatever game it is.
macro_rules! on_game {
    ($game:expr, $name:ident => $then:expr) => {
        match $game {
            Game::Table($name) => $then,
            Game::WeightedVoting($name) => $then,
            Game::Airport($name) => $then,
            Game::Unanimity($name) => $then,
            Game::Additive($name) => $then,
            Game::Glove($name) => $then,
            Game::Coverage($name) => $then,
            Game::Bankruptcy($name) => $then,
        }
    };
}

/// Why a game has no exact value here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExactError {
    /// The weights of a vote have more different sums than memory holds.
    #[error("the weights have too many different sums below the quota to count them all")]
    TooManySums,
    /// A utility could not be had.
    #[error(transparent)]
    Utility(#[from] UtilityError),
}

/// What each player is worth, without any rounding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExactValues {
    /// The value of each player.
    pub values: Vec<BigRational>,
    /// How many utilities were looked at one by one; 0 where a closed form needed none.
    pub evaluations: u64,
}

impl Game {
    /// Returns the exact value of every player.
    ///
    /// # Errors
    /// Of these games only a vote with more than [`TABLE_PLAYERS_MAX`] players can be too large.
    pub fn exact(&self, value: Value) -> Result<ExactValues, ExactError> {
        let evaluations = match self {
            Self::Table(_) | Self::Bankruptcy(_) => 1u64
                .checked_shl(u32::try_from(self.players()).unwrap_or(u32::MAX))
                .unwrap_or(0),
            _ => 0,
        };
        let values = match value.size_weights(self.players()) {
            Some(weights) => self.by_size(&weights)?,
            None => value::leave_one_out(self)?,
        };
        Ok(ExactValues {
            values,
            evaluations,
        })
    }

    fn by_size(&self, weights: &SizeWeights) -> Result<Vec<BigRational>, ExactError> {
        Ok(match self {
            Self::Table(table) => SizeSums::of(table).values(weights),
            Self::Bankruptcy(game) => SizeSums::of(&UtilityTable::of_rule(game)).values(weights),
            Self::WeightedVoting(game) => game.values(weights)?,
            Self::Airport(game) => game.values(weights),
            Self::Unanimity(game) => game.values(weights),
            Self::Additive(game) => game.values(weights),
            Self::Glove(game) => game.values(weights),
            Self::Coverage(game) => game.values(weights),
        })
    }
}

impl Utility for Game {
    fn players(&self) -> usize {
        on_game!(self, game => Utility::players(game))
    }

    fn bounds(&self) -> Bounds {
        on_game!(self, game => Utility::bounds(game))
    }

    fn utility(&self, coalition: &Coalition) -> Result<i64, UtilityError> {
        on_game!(self, game => Utility::utility(game, coalition))
    }

    fn along(&self, order: &[usize], utilities: &mut Vec<i64>) -> Result<(), UtilityError> {
        on_game!(self, game => Utility::along(game, order, utilities))
    }
}

/// Divides [`WEIGHT_TOTAL`] over players by `max(value, 0)`, ties by player number.
///
/// All weights are zero if no value is positive.
///
/// # Errors
/// None that these weights can cause; they are those of the division.
pub fn player_weights(values: &[BigRational]) -> Result<Vec<u64>, AllotError> {
    let one = values.iter().fold(BigInt::one(), |one, value| {
        if value.is_positive() {
            one.lcm(value.denom())
        } else {
            one
        }
    });
    let positive = |value: &BigRational| {
        let whole = value.numer() * (&one / value.denom());
        BigUint::try_from(whole).unwrap_or_default()
    };
    let weights: Vec<(usize, BigUint)> = values.iter().map(positive).enumerate().collect();
    if weights.iter().all(|(_, weight)| weight.is_zero()) {
        return Ok(vec![0; values.len()]);
    }
    let shares = allot_wide(u128::from(WEIGHT_TOTAL), &weights)?;
    // No share exceeds the total weight, which fits.
    Ok(shares
        .into_iter()
        .map(|share| u64::try_from(share).unwrap_or(u64::MAX))
        .collect())
}
