//! Shapley values of rows by the closed form of Jia et al., "Efficient Task-Specific Data
//! Valuation for Nearest Neighbor Algorithms" (arXiv 1908.08619), mended for fewer rows than K.
//!
//! With the rows from near to far, `m_i = 1` if the i-th label matches: `s_N = m_N/max(K,N)` and
//! `s_i = s_{i+1} + (m_i - m_{i+1})/max(K,i)`. As integers, `1/max(K,i)` is
//! `floor(2^62/max(K,i))`; since differences alternate in sign and the terms do not grow, no
//! value at one validation row exceeds 2^62 in size, and the sum over 2^32 of them fits 95 bits.

use std::ops::{AddAssign, SubAssign};

use num_bigint::BigInt;

use super::neighbours::{Counted, Sight};
use super::rational::least_common_multiple;
use super::runs::{RowMethod, Run, sum_rows};
use super::{ExactRowValues, KnnError, ONE, Problem, RowValues};

/// Returns the Shapley value of every training row, in integers over `2^62 * validation rows`.
///
/// # Errors
/// A distance that is not finite.
pub fn row_shapley(problem: &Problem<'_>) -> Result<RowValues, KnnError> {
    let shares = problem
        .divisors()
        .map(|divisor| i128::from(ONE.checked_div(divisor).unwrap_or(0)))
        .collect();
    let visited = sum_rows(problem, &Shares { shares })?;
    Ok(RowValues::new(problem, visited))
}

/// Returns the Shapley value of every training row as a rational, without rounding.
///
/// # Errors
/// A distance that is not finite.
pub fn row_shapley_exact(problem: &Problem<'_>) -> Result<ExactRowValues, KnnError> {
    let one = least_common_multiple(problem.divisors());
    let shares = problem.divisors().map(|divisor| &one / divisor).collect();
    let visited = sum_rows(problem, &Shares::<BigInt> { shares })?;
    Ok(ExactRowValues::new(problem, visited, one))
}

/// Values that are `s_N = m_N * share_N` and `s_i = s_{i+1} + (m_i - m_{i+1}) * share_i`.
pub struct Shares<Number> {
    /// What a change at each place is worth, the nearest first.
    pub shares: Vec<Number>,
}

impl<Number> RowMethod for Shares<Number>
where
    Number: Clone + Default + Send + Sync + Counted,
    Number: for<'n> AddAssign<&'n Number> + for<'n> SubAssign<&'n Number>,
{
    type Number = Number;
    type Walk = Number;

    fn begin(&self, _: &Sight<'_>) -> Number {
        Number::default()
    }

    fn value(&self, value: &mut Number, _: &Sight<'_>, run: Run) -> Number {
        if let Some(share) = self.shares.get(run.last.saturating_sub(1)) {
            match run.change() {
                1 => *value += share,
                -1 => *value -= share,
                _ => {}
            }
        }
        value.clone()
    }
}
