//! Rounds until enough is known, over threads, with looks at what is known.

use std::num::NonZero;
use std::ops::Range;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::interval::half_width;
use super::logarithm::logarithm_above;
use super::sums::{Stratum, Sums};
use super::{Estimate, Interval, MoneyRule, SamplingError};
use crate::valuation::games::{UNIT, UtilityError, nearest};

/// How much is sampled, and from which seed.
pub struct Plan<'p> {
    /// The seed of all streams.
    pub seed: [u8; 32],
    /// The chance, in billionths, that some interval does not hold its value; below 10^9.
    pub failure: NonZero<u32>,
    /// When it is enough.
    pub stop: Stop,
    /// The most utilities to ask for; one round is drawn at least.
    pub evaluations_max: u64,
    /// Is told how many more utilities were asked for, from any thread.
    pub progress: &'p (dyn Fn(u64) + Sync),
}

/// When a sample is large enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// When all evaluations are spent.
    Evaluations,
    /// When no half width is above so many billionths.
    HalfWidth(u64),
    /// When shares of money are certain enough.
    Money(MoneyRule),
}

/// A method that draws rounds into strata.
pub(super) trait Rounds: Sync {
    /// Returns the number of players.
    fn players(&self) -> usize;

    /// Returns how many utilities were asked for before the first round.
    fn evaluations_before(&self) -> u64;

    /// Returns how many utilities a round asks for.
    fn evaluations(&self) -> u64;

    /// Returns the least and the largest gain that there can be, in billionths.
    fn gains(&self) -> (i64, i64);

    /// Returns how a value follows from a player's strata.
    fn factors(&self) -> Factors;

    /// Draws a round, which is the same for the same seed and number.
    fn draw(&self, seed: &[u8; 32], round: u64, sums: &mut Sums) -> Result<(), UtilityError>;
}

/// How a value follows from a player's strata: the sum of their means, each times its factor.
pub(super) struct Factors {
    /// The numerators of the factors, one a stratum.
    pub(super) numerators: Vec<BigInt>,
    /// The denominator of all.
    pub(super) denominator: BigInt,
    /// The length of the range of what is drawn, in billionths.
    pub(super) range: i64,
}

/// How many rounds are drawn before the first look.
const FIRST_LOOK: u64 = 16;

/// Draws rounds as planned and returns what they tell.
///
/// # Errors
/// That of the lowest round that failed, whatever the number of threads.
pub(super) fn estimate(rounds: &impl Rounds, plan: &Plan<'_>) -> Result<Estimate, SamplingError> {
    let factors = rounds.factors();
    let (before, per_round) = (rounds.evaluations_before(), rounds.evaluations());
    let rounds_max = match plan
        .evaluations_max
        .saturating_sub(before)
        .checked_div(per_round)
    {
        Some(rounds) => rounds.max(1),
        // Nothing is left to ask: every round is the same.
        None => FIRST_LOOK,
    };
    let mut sums = Sums::new(rounds.players(), factors.numerators.len());
    let (mut drawn, mut looks) = (0u64, 0u32);
    loop {
        let until = match plan.stop {
            Stop::Evaluations => rounds_max,
            // Half as many again from look to look.
            _ => drawn
                .saturating_add(drawn / 2)
                .max(FIRST_LOOK)
                .min(rounds_max),
        };
        let more = draw_all(rounds, plan, drawn..until, factors.numerators.len())?;
        sums = sums.merge(&more);
        (drawn, looks) = (until, looks + 1);
        let chances = match plan.stop {
            Stop::Evaluations => 1.0,
            _ => f64::from(looks) * f64::from(looks + 1),
        };
        let intervals = Intervals::new(rounds, plan.failure, chances);
        let (values, intervals) = intervals.of(&factors, &sums);
        let reached = is_enough(plan.stop, &values, &intervals);
        if reached || drawn >= rounds_max {
            return Ok(Estimate {
                values,
                intervals: Some(intervals),
                evaluations: before.saturating_add(drawn.saturating_mul(per_round)),
                reached: reached || plan.stop == Stop::Evaluations,
            });
        }
    }
}

/// What a thread has drawn, and the first of its rounds that failed.
struct Drawn {
    sums: Sums,
    failed: Option<(u64, UtilityError)>,
}

fn draw_all(
    rounds: &impl Rounds,
    plan: &Plan<'_>,
    numbers: Range<u64>,
    strata: usize,
) -> Result<Sums, UtilityError> {
    let nothing = || Drawn {
        sums: Sums::new(rounds.players(), strata),
        failed: None,
    };
    let draw = |mut drawn: Drawn, round| {
        // A thread's rounds ascend, so that none after a failed one is of interest.
        if drawn.failed.is_none() {
            match rounds.draw(&plan.seed, round, &mut drawn.sums) {
                Ok(()) => (plan.progress)(rounds.evaluations()),
                Err(error) => drawn.failed = Some((round, error)),
            }
        }
        drawn
    };
    let merge = |one: Drawn, other: Drawn| Drawn {
        sums: one.sums.merge(&other.sums),
        failed: match (one.failed, other.failed) {
            (Some(one), Some(other)) => Some(if one.0 < other.0 { one } else { other }),
            (one, other) => one.or(other),
        },
    };
    let drawn = numbers.into_par_iter().fold(nothing, draw);
    let drawn = drawn.reduce(nothing, merge);
    match drawn.failed {
        Some((_, error)) => Err(error),
        None => Ok(drawn.sums),
    }
}

fn is_enough(stop: Stop, values: &[BigRational], intervals: &[Interval]) -> bool {
    match stop {
        Stop::Evaluations => false,
        Stop::HalfWidth(most) => {
            let most = most as f64 / UNIT as f64;
            intervals.iter().all(|interval| interval.half_width <= most)
        }
        Stop::Money(rule) => rule.is_met(values, intervals),
    }
}

/// What makes intervals of sums.
struct Intervals {
    /// Minus the logarithm of the chance with which any one of the bounds may fail.
    l: f64,
    /// The least and the largest value that there can be.
    least: f64,
    most: f64,
}

impl Intervals {
    /// `chances` divides the chance to fail between looks.
    fn new(rounds: &impl Rounds, failure: NonZero<u32>, chances: f64) -> Self {
        let bounds = 3.0 * rounds.players() as f64 * chances;
        let (least, most) = rounds.gains();
        Self {
            l: logarithm_above(bounds * UNIT as f64 / f64::from(failure.get())),
            least: least as f64 / UNIT as f64,
            most: most as f64 / UNIT as f64,
        }
    }

    fn of(&self, factors: &Factors, sums: &Sums) -> (Vec<BigRational>, Vec<Interval>) {
        let one = factors.denominator.clone();
        let sizes = factors.numerators.iter();
        let sizes =
            sizes.map(|numerator| nearest(&BigRational::new(numerator.clone(), one.clone())));
        let sizes: Vec<f64> = sizes.collect();
        let range = factors.range as f64;
        let of_player = |strata: &[Stratum]| {
            let value = mean(factors, strata);
            let half_width = half_width(strata, &sizes, range, self.l) / UNIT as f64;
            let middle = nearest(&value);
            let interval = Interval {
                low: (middle - half_width).max(self.least),
                high: (middle + half_width).min(self.most),
                half_width,
            };
            (value, interval)
        };
        sums.players().map(of_player).unzip()
    }
}

/// Returns a value from a player's strata.
fn mean(factors: &Factors, strata: &[Stratum]) -> BigRational {
    let denominator = &factors.denominator * UNIT;
    let terms = || factors.numerators.iter().zip(strata);
    let term = |(numerator, stratum): (&BigInt, &Stratum)| numerator * stratum.sum;
    let counts = || strata.iter().map(|stratum| stratum.count);
    match counts().max() {
        // Where all strata have as many values, one division is enough.
        Some(count) if count > 0 && counts().min() == Some(count) => {
            BigRational::new(terms().map(term).sum(), denominator * count)
        }
        _ => terms()
            .filter(|(_, stratum)| stratum.count > 0)
            .map(|(numerator, stratum)| {
                let count = &denominator * stratum.count;
                BigRational::new(term((numerator, stratum)), count)
            })
            .fold(BigRational::zero(), |sum, term| sum + term),
    }
}
