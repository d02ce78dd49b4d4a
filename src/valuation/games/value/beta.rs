//! The Beta values (Kwon and Zou, "Beta Shapley", arXiv 2110.14049): `p_s = B(s+B, n-1-s+A)/B(A,B)`
//! with A and B positive integers, so that the beta functions are quotients of factorials.

use num_bigint::BigInt;
use num_traits::One;

use super::Value;
use crate::valuation::games::SizeWeights;

/// The largest A and B.
pub const BETA_MAX: u32 = 1000;

/// Reads `beta:A,B`.
pub(super) fn parse(text: &str) -> Option<Value> {
    let (a, b) = text.strip_prefix("beta:")?.split_once(',')?;
    let number = |text: &str| {
        let number = text.parse().ok()?;
        let digits = text.bytes().all(|digit| digit.is_ascii_digit());
        (digits && (1..=BETA_MAX).contains(&number)).then_some(number)
    };
    Some(Value::Beta(number(a)?, number(b)?))
}

/// Returns the weights by size:
/// `(s+B-1)! (n-2-s+A)! (A+B-1)!` over `(n-2+A+B)! (A-1)! (B-1)!`.
pub(super) fn weights(players: usize, a: u32, b: u32) -> SizeWeights {
    let (a, b) = (u64::from(a), u64::from(b));
    let others = u64::try_from(players).unwrap_or(u64::MAX).saturating_sub(1);
    // Both rows are products in steps: (s+B-1)!/(B-1)! ascending, (n-2-s+A)!/(A-1)! descending.
    let mut numerators: Vec<BigInt> = rising(b, others).take(players).collect();
    let falling: Vec<BigInt> = rising(a, others).take(players).collect();
    for (numerator, factor) in numerators.iter_mut().zip(falling.iter().rev()) {
        *numerator *= factor;
    }
    // (n-2+A+B)!/(A+B-1)!
    let denominator = rising(a + b, others).last().unwrap_or_else(BigInt::one);
    SizeWeights::new(numerators, denominator)
}

/// Returns `1, start, start*(start+1), ...` up to a product of `steps` factors.
fn rising(start: u64, steps: u64) -> impl Iterator<Item = BigInt> {
    (0..=steps).scan(BigInt::one(), move |next, step| {
        let this = next.clone();
        *next = &this * (start + step);
        Some(this)
    })
}
