//! What players are worth, estimated from some of the coalitions: for games with too many players
//! for a table.
//!
//! A method draws rounds, each from a random stream of its own, and adds what it saw to integer
//! sums (`Sums`); so neither the number of threads nor their order can change a bit. From the
//! sums follow estimates, exact rationals, and intervals that hold for all players at once and at
//! every look that was taken (`interval`). Nothing is truncated: that would bias.
//!
//! A new method is a file and a line in each list of [`Method`].

mod asked;
mod draw;
mod interval;
mod leverage_shap;
mod logarithm;
mod money;
mod permutation;
mod run;
mod sample_reuse;
mod stratified;
mod sums;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use num_rational::BigRational;

use super::games::{Utility, UtilityError, Value};

pub use money::MoneyRule;
pub use run::{Plan, Stop};

/// How players' values are estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Random orders, each with its reverse; Shapley's value.
    Permutation,
    /// As many random coalitions of each size for each player; every value but leave-one-out.
    Stratified,
    /// Random coalitions, each of which serves all players; Banzhaf's value.
    SampleReuse,
    /// A regression on random coalitions with their complements; Shapley's value, no intervals.
    LeverageShap,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 4] = [
        Self::Permutation,
        Self::Stratified,
        Self::SampleReuse,
        Self::LeverageShap,
    ];

    /// Returns the name by which the method is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Permutation => "permutation",
            Self::Stratified => "stratified",
            Self::SampleReuse => "sample-reuse",
            Self::LeverageShap => "leverage-shap",
        }
    }

    /// Tells whether the method estimates a value.
    pub fn estimates(self, value: Value) -> bool {
        match self {
            Self::Permutation | Self::LeverageShap => value == Value::Shapley,
            Self::Stratified => value != Value::LeaveOneOut,
            Self::SampleReuse => value == Value::Banzhaf,
        }
    }

    /// Tells whether the method has intervals.
    pub fn has_intervals(self) -> bool {
        self != Self::LeverageShap
    }

    /// Tells whether money may be shared by the estimates alone; without intervals nobody knows
    /// how wrong they are.
    pub fn may_settle(self) -> bool {
        self.has_intervals()
    }

    /// Estimates the values of a game's players.
    ///
    /// # Errors
    /// See [`SamplingError`].
    pub fn estimate(
        self,
        game: &impl Utility,
        value: Value,
        plan: &Plan<'_>,
    ) -> Result<Estimate, SamplingError> {
        if !self.estimates(value) {
            return Err(SamplingError::OtherValue {
                method: self,
                value,
            });
        }
        if plan.stop != Stop::Evaluations && !self.has_intervals() {
            return Err(SamplingError::NoIntervals { method: self });
        }
        let asked = asked::Asked::new(game)?;
        match self {
            Self::Permutation => run::estimate(&permutation::Permutations::new(&asked), plan),
            Self::Stratified => run::estimate(&stratified::Strata::new(&asked, value), plan),
            Self::SampleReuse => run::estimate(&sample_reuse::SampleReuse::new(&asked), plan),
            Self::LeverageShap => leverage_shap::estimate(&asked, plan),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such method")]
pub struct UnknownMethod;

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        let mut all = Self::ALL.into_iter();
        all.find(|method| method.name() == text)
            .ok_or(UnknownMethod)
    }
}

/// What players are worth, as far as a sample tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The estimate for each player.
    pub values: Vec<BigRational>,
    /// What is known to hold each player's value, for all players at once; of methods that know.
    pub intervals: Option<Vec<Interval>>,
    /// How many utilities were asked for.
    pub evaluations: u64,
    /// Whether what was asked of the intervals was reached.
    pub reached: bool,
}

/// A range that holds a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// How far the value can be from its estimate; the ends may be nearer, since no gain is
    /// outside of what the game declares.
    pub half_width: f64,
}

/// Why there is no estimate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SamplingError {
    /// The method estimates other values.
    #[error("{method} does not estimate {value}")]
    OtherValue {
        /// The method.
        method: Method,
        /// The value.
        value: Value,
    },
    /// The method cannot stop by intervals, which it does not tell.
    #[error("{method} tells no intervals to stop by; say how many evaluations it may take")]
    NoIntervals {
        /// The method.
        method: Method,
    },
    /// A utility could not be had, or was not as declared.
    #[error(transparent)]
    Utility(#[from] UtilityError),
    /// The declared bounds are too far apart to square differences.
    #[error("the declared bounds of the utility are more than 2305843009 apart")]
    WideBounds,
    /// The coalitions that were drawn leave the regression open.
    #[error("{coalitions} coalitions are too few for the regression; ask for more evaluations")]
    TooFew {
        /// How many were drawn.
        coalitions: u64,
    },
}
