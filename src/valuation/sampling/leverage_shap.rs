//! Leverage SHAP (Musco and Witter, arXiv 2410.01917): Shapley's values solve a weighted least
//! squares problem over all coalitions, here over random ones.
//!
//! Its rows' leverage depends on the size of a coalition alone, and is such that all sizes from 1
//! to n-1 weigh the same. So a size is drawn evenly, a coalition of that size, and with it its
//! complement; each row then weighs `1/(s(n-s))`. The values are constrained to sum to
//! `u(all) - u(empty)`. It is accurate for few evaluations, but tells no intervals.
//!
//! Sums are integers: a weight is the whole part of `2^32/(s(n-s))`. Only the solution of the
//! normal equations is in floating point, one operation after another in a fixed order.

use std::num::NonZero;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::asked::Asked;
use super::draw::Draw;
use super::run::Plan;
use super::{Estimate, SamplingError};
use crate::valuation::games::{Coalition, UNIT, Utility, UtilityError, nearest};

/// Coalitions by round: a round is a stream.
const PAIRS: u64 = 16;

/// The sums of the normal equations. With z the members of a coalition as 0 and 1, s their
/// number, y its utility without that of nobody, and w its weight:
#[derive(Debug, Clone, PartialEq, Eq)]
struct Normal {
    /// w z z', by rows.
    together: Vec<u128>,
    /// w s z.
    sized: Vec<u128>,
    /// w y z.
    utilities: Vec<i128>,
    /// w s^2.
    squares: u128,
    /// w s y.
    sized_utilities: i128,
}

impl Normal {
    fn new(players: usize) -> Self {
        Self {
            together: vec![0; players * players],
            sized: vec![0; players],
            utilities: vec![0; players],
            squares: 0,
            sized_utilities: 0,
        }
    }

    /// Utilities differ by less than 2^62, weights times s are at most 2^32, and coalitions fewer
    /// than 2^33: every sum fits 127 bits.
    fn add(&mut self, members: &[usize], weight: u64, utility: i64) {
        let players = self.sized.len();
        let size = u128::try_from(members.len()).unwrap_or(u128::MAX);
        let weight = u128::from(weight);
        let weighted = i128::from(utility) * weight.cast_signed();
        for one in members {
            let row = self.together.get_mut(one * players..).unwrap_or_default();
            for other in members {
                if let Some(sum) = row.get_mut(*other) {
                    *sum += weight;
                }
            }
            if let (Some(sized), Some(utilities)) =
                (self.sized.get_mut(*one), self.utilities.get_mut(*one))
            {
                *sized += weight * size;
                *utilities += weighted;
            }
        }
        self.squares += weight * size * size;
        self.sized_utilities += weighted * size.cast_signed();
    }

    fn merge(mut self, other: &Self) -> Self {
        let add = |sums: &mut [u128], more: &[u128]| {
            for (sum, more) in sums.iter_mut().zip(more) {
                *sum += more;
            }
        };
        add(&mut self.together, &other.together);
        add(&mut self.sized, &other.sized);
        for (sum, more) in self.utilities.iter_mut().zip(&other.utilities) {
            *sum += more;
        }
        self.squares += other.squares;
        self.sized_utilities += other.sized_utilities;
        self
    }

    /// Returns the matrix of the centred normal equations times n^2, made definite, by rows.
    ///
    /// Of `sum of w (z - s/n)(z - s/n)'`, which the vector of ones solves to nothing; ones added
    /// to it change no solution that sums to nothing.
    fn matrix(&self) -> Vec<Vec<f64>> {
        let players = self.sized.len();
        let n = BigInt::from(players);
        let rows = self.together.chunks_exact(players.max(1)).zip(&self.sized);
        let ones = nearest(&BigRational::from_integer(&n * &n)) * (1u64 << 32) as f64;
        rows.map(|(row, one)| {
            row.iter()
                .zip(&self.sized)
                .map(|(together, other)| {
                    let sized = BigInt::from(*one) + BigInt::from(*other);
                    let entry = &n * &n * *together - &n * sized + self.squares;
                    nearest(&BigRational::from_integer(entry)) + ones
                })
                .collect()
        })
        .collect()
    }

    /// Returns the right side of the centred normal equations times n^2, for values that are the
    /// equal division of `total` and a rest that sums to nothing.
    fn right_side(&self, total: i128) -> Vec<f64> {
        let n = BigInt::from(self.sized.len());
        let total = BigInt::from(total);
        let same = &total * self.squares - &n * self.sized_utilities;
        let each = self.utilities.iter().zip(&self.sized);
        each.map(|(utilities, sized)| {
            let entry = &n * &n * *utilities - &n * &total * *sized + &same;
            nearest(&BigRational::from_integer(entry))
        })
        .collect()
    }
}

/// Estimates Shapley's values.
///
/// # Errors
/// A utility cannot be had, or the coalitions are too few.
pub(super) fn estimate<Game: Utility>(
    asked: &Asked<'_, Game>,
    plan: &Plan<'_>,
) -> Result<Estimate, SamplingError> {
    let players = asked.players();
    let total = i128::from(asked.everybody) - i128::from(asked.nobody);
    let before = Asked::<Game>::EVALUATIONS;
    if players < 2 {
        let values = vec![BigRational::new(total.into(), UNIT.into()); players];
        return Ok(estimated(values, before));
    }
    let rounds = plan.evaluations_max.saturating_sub(before) / (2 * PAIRS);
    let rounds = rounds.clamp(1, 1 << 28);
    let normal = draw_all(asked, plan, rounds)?;
    let coalitions = rounds * 2 * PAIRS;
    let solution = solve(normal.matrix(), normal.right_side(total));
    let rest = solution.ok_or(SamplingError::TooFew { coalitions })?;
    let rest: Vec<BigRational> = rest
        .iter()
        .map(|rest| BigRational::from_float(*rest).unwrap_or_else(BigRational::zero))
        .collect();
    // The rest sums to nothing but for rounding, and then to nothing at all.
    let over: BigRational = rest.iter().sum();
    let each = (BigRational::from_integer(total.into()) - over) / BigInt::from(players);
    let values = rest.iter().map(|rest| (&each + rest) / BigInt::from(UNIT));
    let values = values.collect();
    Ok(estimated(values, before + coalitions))
}

fn estimated(values: Vec<BigRational>, evaluations: u64) -> Estimate {
    Estimate {
        values,
        intervals: None,
        evaluations,
        reached: true,
    }
}

fn draw_all<Game: Utility>(
    asked: &Asked<'_, Game>,
    plan: &Plan<'_>,
    rounds: u64,
) -> Result<Normal, UtilityError> {
    let players = asked.players();
    type Drawn = Result<Normal, (u64, UtilityError)>;
    let nothing = || Ok(Normal::new(players));
    let draw = |drawn: Drawn, round| {
        let mut normal = drawn?;
        draw_round(asked, &plan.seed, round, &mut normal).map_err(|error| (round, error))?;
        (plan.progress)(2 * PAIRS);
        Ok(normal)
    };
    let merge = |one: Drawn, other: Drawn| match (one, other) {
        (Ok(one), Ok(other)) => Ok(one.merge(&other)),
        (Err(one), Err(other)) => Err(if one.0 < other.0 { one } else { other }),
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    let drawn = (0..rounds).into_par_iter().fold(nothing, draw);
    drawn.reduce(nothing, merge).map_err(|(_, error)| error)
}

fn draw_round<Game: Utility>(
    asked: &Asked<'_, Game>,
    seed: &[u8; 32],
    round: u64,
    normal: &mut Normal,
) -> Result<(), UtilityError> {
    let players = asked.players();
    let mut draw = Draw::new(seed, round);
    let mut order: Vec<usize> = (0..players).collect();
    for _ in 0..PAIRS {
        let size = draw.between(1, players.saturating_sub(1));
        draw.choose(size, &mut order);
        let (members, others) = order.split_at(size);
        let divisor = u64::try_from(members.len() * others.len()).unwrap_or(u64::MAX);
        let divisor = NonZero::new(divisor).unwrap_or(NonZero::<u64>::MIN);
        for members in [members, others] {
            let coalition: Coalition = members.iter().copied().collect();
            let utility = asked.utility(&coalition)? - asked.nobody;
            normal.add(members, (1 << 32) / divisor, utility);
        }
    }
    Ok(())
}

/// Solves symmetric equations by Cholesky's decomposition; `None` if the matrix is not definite.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    /// A pivot below this part of its diagonal element is nothing but rounding.
    const PIVOT_MIN: f64 = 1e-11;
    // Forward: each row of the lower triangle from those above it.
    for row in 0..right.len() {
        let (above, rest) = matrix.split_at_mut(row);
        let this = rest.first_mut()?;
        let diagonal = *this.get(row)?;
        for (column, other) in above.iter().enumerate() {
            let known = dot(this, other, column);
            let entry = this.get_mut(column)?;
            *entry = (*entry - known) / other.get(column)?;
        }
        let pivot = diagonal - dot(this, this, row);
        if pivot <= diagonal * PIVOT_MIN {
            return None;
        }
        *this.get_mut(row)? = pivot.sqrt();
        let known = dot(this, &right, row);
        let entry = right.get_mut(row)?;
        *entry = (*entry - known) / this.get(row)?;
    }
    // Backward, by the transposed triangle.
    for row in (0..right.len()).rev() {
        let mut sum = *right.get(row)?;
        for (below, value) in matrix.iter().zip(&right).skip(row + 1) {
            sum -= below.get(row)? * value;
        }
        *right.get_mut(row)? = sum / matrix.get(row)?.get(row)?;
    }
    Some(right)
}

/// Adds the products of the first entries of two rows, one after another.
fn dot(one: &[f64], other: &[f64], count: usize) -> f64 {
    let products = one.iter().zip(other).take(count);
    products.fold(0.0, |sum, (a, b)| sum + a * b)
}
