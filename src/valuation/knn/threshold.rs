//! Shapley values of rows where all rows within a distance vote (Wang et al., "Threshold
//! KNN-Shapley", arXiv 2308.15709).
//!
//! The utility of a set is the share of matches among its rows within Euclidean distance T of the
//! validation row, and `1/C` if there is none, C the number of distinct labels of all rows. A row
//! outside is worth 0; inside, with M other rows inside of which P match:
//!
//! ```text
//! s_i = [m_i - 1/C + (m_i - P/M)(H_{M+1} - 1)] / (M+1)        (second term 0 if M = 0)
//! ```
//!
//! Each value at a validation row is taken as the largest multiple of 2^-62 not above it, exactly.

use num_bigint::BigInt;

use super::fixed::TERM_BITS;
use super::neighbours::Sight;
use super::rational::{Fraction, least_common_multiple};
use super::runs::{RowMethod, Run, sum_rows};
use super::{ExactRowValues, KnnError, Problem, RowValues, UNIT_BITS};

/// A Euclidean distance within which rows vote: finite and not negative.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Threshold(f64);

impl Threshold {
    /// Takes a distance, if it is finite and not negative.
    pub fn new(distance: f64) -> Option<Self> {
        // Adding positive zero changes no number but -0.0.
        (distance.is_finite() && distance >= 0.0).then_some(Self(distance + 0.0))
    }

    /// Returns the distance.
    pub fn distance(self) -> f64 {
        self.0
    }

    /// Returns its square, rounded once; it may be infinite.
    fn squared(self) -> f64 {
        self.0 * self.0
    }
}

/// Returns the threshold value of every training row, in integers over `2^62 * validation rows`.
///
/// # Errors
/// A distance that is not finite.
pub fn threshold_shapley(
    problem: &Problem<'_>,
    threshold: Threshold,
) -> Result<RowValues, KnnError> {
    let mut harmonic = 0i128;
    let terms = (1i128..).take(problem.train.rows());
    let harmonics = terms.map(|divisor| {
        harmonic += (1i128 << TERM_BITS).checked_div(divisor).unwrap_or(0);
        harmonic
    });
    let method = Floors {
        within: Within::new(problem, threshold),
        harmonics: harmonics.collect(),
    };
    let visited = sum_rows(problem, &method)?;
    Ok(RowValues::new(problem, visited))
}

/// Returns the threshold value of every training row as a rational, without rounding.
///
/// # Errors
/// A distance that is not finite.
pub fn threshold_shapley_exact(
    problem: &Problem<'_>,
    threshold: Threshold,
) -> Result<ExactRowValues, KnnError> {
    let within = Within::new(problem, threshold);
    let rows = u64::try_from(problem.train.rows()).unwrap_or(u64::MAX);
    // `M (M+1)` and the denominators of the harmonic numbers divide this one.
    let multiple = least_common_multiple(1..=rows);
    let one = &multiple * &multiple * within.labels;
    let method = Exact {
        within,
        one: one.clone(),
    };
    let visited = sum_rows(problem, &method)?;
    Ok(ExactRowValues::new(problem, visited, one))
}

struct Within {
    labels: u64,
    reach: f64,
}

/// `[a + b (H - 1)] / denominator`, the value of a row inside.
struct Value {
    a: BigInt,
    b: BigInt,
    denominator: BigInt,
}

impl Value {
    fn with(&self, harmonic: &Fraction) -> Fraction {
        let above_one = &harmonic.numerator - &harmonic.denominator;
        Fraction::new(
            &self.a * &harmonic.denominator + &self.b * above_one,
            &self.denominator * &harmonic.denominator,
        )
    }
}

impl Within {
    fn new(problem: &Problem<'_>, threshold: Threshold) -> Self {
        Self {
            labels: problem.distinct_labels(),
            reach: threshold.squared(),
        }
    }

    /// Returns the values of a row inside that does not match and of one that does.
    fn values(&self, sight: &Sight<'_>) -> [Value; 2] {
        let inside = sight.near_to_far.get(..sight.inside).unwrap_or_default();
        let matching = inside.iter().filter(|row| row.matches()).count();
        let labels = BigInt::from(self.labels);
        let others = BigInt::from(sight.inside.saturating_sub(1));
        let all = BigInt::from(sight.inside);
        [0u8, 1].map(|m| {
            let head: BigInt = &labels * m - 1;
            if sight.inside <= 1 {
                return Value {
                    a: head,
                    b: 0.into(),
                    denominator: labels.clone(),
                };
            }
            let other_matching = BigInt::from(matching) - m;
            Value {
                a: head * &others,
                b: &labels * (&others * m - other_matching),
                denominator: &labels * &others * &all,
            }
        })
    }
}

/// Returns the harmonic number of the rows inside.
fn harmonic_of(sight: &Sight<'_>) -> Fraction {
    Fraction::harmonic(u64::try_from(sight.inside).unwrap_or(u64::MAX))
}

fn pick<Number: Clone>([of_others, of_matches]: &[Number; 2], run: Run) -> Number {
    if run.matches { of_matches } else { of_others }.clone()
}

struct Floors {
    within: Within,
    /// `H_1, H_2, ...`, each below by less than one unit of the last bit for each of its terms.
    harmonics: Vec<i128>,
}

impl Floors {
    fn floor(&self, value: &Value, sight: &Sight<'_>) -> i128 {
        let harmonic = self.harmonics.get(sight.inside.saturating_sub(1));
        let below = BigInt::from(harmonic.copied().unwrap_or(0));
        let above = &below + sight.inside;
        let floor_with = |harmonic: BigInt| {
            let harmonic = Fraction::new(harmonic, BigInt::from(1) << TERM_BITS);
            value.with(&harmonic).floor_scaled(UNIT_BITS).0
        };
        let (one, other) = (floor_with(below), floor_with(above));
        let floor = if one == other {
            one
        } else {
            value.with(&harmonic_of(sight)).floor_scaled(UNIT_BITS).0
        };
        i128::try_from(floor).unwrap_or(0)
    }
}

impl RowMethod for Floors {
    type Number = i128;
    type Walk = [i128; 2];

    fn begin(&self, sight: &Sight<'_>) -> Self::Walk {
        let values = self.within.values(sight);
        values.map(|value| self.floor(&value, sight))
    }

    fn value(&self, values: &mut Self::Walk, _: &Sight<'_>, run: Run) -> i128 {
        pick(values, run)
    }

    fn reach(&self) -> Option<f64> {
        Some(self.within.reach)
    }
}

struct Exact {
    within: Within,
    /// The common denominator.
    one: BigInt,
}

impl RowMethod for Exact {
    type Number = BigInt;
    type Walk = [BigInt; 2];

    fn begin(&self, sight: &Sight<'_>) -> Self::Walk {
        let harmonic = harmonic_of(sight);
        self.within.values(sight).map(|value| {
            let value = value.with(&harmonic);
            value.numerator * &self.one / value.denominator
        })
    }

    fn value(&self, values: &mut Self::Walk, _: &Sight<'_>, run: Run) -> BigInt {
        pick(values, run)
    }

    fn reach(&self) -> Option<f64> {
        Some(self.within.reach)
    }
}
