//! Shapley values of rows by the closed form of Jia et al., "Efficient Task-Specific Data
//! Valuation for Nearest Neighbor Algorithms" (arXiv 1908.08619), mended for fewer rows than K.
//!
//! With the rows from near to far, `m_i = 1` if the i-th label matches: `s_N = m_N/max(K,N)` and
//! `s_i = s_{i+1} + (m_i - m_{i+1})/max(K,i)`. As integers, `1/max(K,i)` is
//! `floor(2^62/max(K,i))`; since differences alternate in sign and the terms do not grow, no
//! value at one validation row exceeds 2^62 in size, and the sum over 2^32 of them fits 95 bits.

use std::num::NonZero;
use std::ops::{AddAssign, SubAssign};

use num_bigint::BigInt;
use num_rational::BigRational;

use super::neighbours::{Neighbours, Visited, visit_neighbours};
use super::{ExactRowValues, KnnError, Problem, RowValues};

/// What stands for 1 in the integer form.
const ONE: u64 = 1 << 62;

/// Returns the Shapley value of every training row, in integers over `2^62 * validation rows`.
///
/// # Errors
/// A distance that is not finite.
pub fn row_shapley(problem: &Problem<'_>) -> Result<RowValues, KnnError> {
    let shares: Vec<i128> = problem
        .divisors()
        .map(|divisor| i128::from(ONE.checked_div(divisor).unwrap_or(0)))
        .collect();
    let visited = sums(problem, &shares)?;
    let points = u128::try_from(problem.validation.rows()).unwrap_or(u128::MAX);
    let denominator = u128::from(ONE).saturating_mul(points);
    Ok(RowValues {
        values: visited.state,
        denominator: NonZero::new(denominator).unwrap_or(NonZero::<u128>::MIN),
        ties: visited.ties,
    })
}

/// Returns the Shapley value of every training row as a rational, without rounding.
///
/// # Errors
/// A distance that is not finite.
pub fn row_shapley_exact(problem: &Problem<'_>) -> Result<ExactRowValues, KnnError> {
    let mut one = BigInt::from(1);
    for divisor in problem.divisors() {
        let rest = u64::try_from(&one % divisor).unwrap_or(0);
        let common = greatest_common_divisor(divisor, rest);
        one *= divisor.checked_div(common).unwrap_or(1);
    }
    let shares: Vec<BigInt> = problem.divisors().map(|divisor| &one / divisor).collect();
    let visited = sums(problem, &shares)?;
    let denominator = one * BigInt::from(problem.validation.rows());
    let values = visited
        .state
        .into_iter()
        .map(|value| BigRational::new(value, denominator.clone()))
        .collect();
    Ok(ExactRowValues {
        values,
        ties: visited.ties,
    })
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    a
}

/// Adds up every row's values at all validation rows; `shares` holds `1/max(K,i)` as integers.
fn sums<Number>(problem: &Problem<'_>, shares: &[Number]) -> Result<Visited<Vec<Number>>, KnnError>
where
    Number: Clone + Default + Send + Sync,
    Number: for<'n> AddAssign<&'n Number> + for<'n> SubAssign<&'n Number>,
{
    let zeros = || vec![Number::default(); problem.train.rows()];
    let visit = |sums: &mut Vec<Number>, neighbours: &Neighbours| {
        let mut value = Number::default();
        let mut farther = false;
        let rows = neighbours.rows.iter().zip(&neighbours.matches).zip(shares);
        for ((row, matching), share) in rows.rev() {
            match (*matching, farther) {
                (true, false) => value += share,
                (false, true) => value -= share,
                _ => {}
            }
            farther = *matching;
            if let Some(sum) = sums.get_mut(*row) {
                *sum += &value;
            }
        }
    };
    visit_neighbours(problem, zeros, visit, |mut one, other| {
        for (sum, more) in one.iter_mut().zip(&other) {
            *sum += more;
        }
        one
    })
}
