//! The divisions of amounts, in minor units that are not negative and fit `i64`.
//!
//! Sums saturate: every amount is a part of a layer that was checked to fit `i64`, so no sum of
//! parts of one layer can be beyond it.

use crate::domain::{allot, basis_points_of};

use super::Fault;

/// One part of a divided amount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Share {
    /// The part.
    pub(super) amount: i64,
    /// 1 if it includes one of the units that were left over, else 0.
    pub(super) leftover_unit: u8,
}

/// Returns an amount as an unsigned number; it is not negative.
pub(super) fn unsigned(amount: i64) -> u128 {
    u128::try_from(amount).unwrap_or(0)
}

/// Returns a part of an amount that fits `i64`, which the part then does as well.
pub(super) fn signed(part: u128) -> i64 {
    i64::try_from(part).unwrap_or(i64::MAX)
}

/// Returns `floor(amount * bps / 10000)`.
pub(super) fn rate_of(amount: i64, bps: u32) -> i64 {
    signed(basis_points_of(unsigned(amount), bps))
}

/// Returns `ceil(amount * numerator / denominator)` for a fraction up to 1, and 0 of nothing.
pub(super) fn fraction_of(amount: i64, numerator: i64, denominator: i64) -> i64 {
    // Both factors are below 2^63, so the product fits.
    let product = unsigned(amount).saturating_mul(unsigned(numerator));
    let whole = unsigned(denominator);
    if whole == 0 {
        return 0;
    }
    signed(product.div_ceil(whole))
}

/// Divides `total` by weights, in the order of `weights`; ties go to the lowest row.
///
/// # Errors
/// [`Fault::Division`] when all weights are zero and the total is not, which callers exclude.
pub(super) fn divide(total: i64, weights: &[(usize, u128)]) -> Result<Vec<Share>, Fault> {
    let amounts = allot(unsigned(total), weights).map_err(Fault::Division)?;
    let sum = weights
        .iter()
        .fold(0u128, |sum, (_, weight)| sum.saturating_add(*weight));
    Ok(amounts
        .into_iter()
        .zip(weights)
        .map(|(amount, (_, weight))| {
            // Total and weight are below 2^64, so the product fits.
            let floor = unsigned(total).saturating_mul(*weight).checked_div(sum);
            Share {
                amount: signed(amount),
                leftover_unit: u8::from(amount > floor.unwrap_or(0)),
            }
        })
        .collect())
}

/// Returns the sum of parts of one layer.
pub(super) fn sum(parts: impl IntoIterator<Item = i64>) -> i64 {
    parts.into_iter().fold(0, i64::saturating_add)
}
