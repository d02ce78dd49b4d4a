//! How a rational becomes a printed number: rounded once, to the nearest even.

use num_bigint::{BigInt, BigUint};
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::Zero;

/// The bits of an `f64`'s mantissa.
const MANTISSA_BITS: i64 = 53;
/// The exponent of the smallest `f64` above zero, a power of two.
const SMALLEST_EXPONENT: i64 = -1074;

/// Returns the `f64` that is nearest to a rational, ties to the even one.
///
/// Numbers too small for any are 0.0, never -0.0; those too large are infinite.
pub fn nearest(value: &BigRational) -> f64 {
    let numerator = value.numer().magnitude();
    let denominator = value.denom().magnitude();
    if numerator.is_zero() {
        return 0.0;
    }
    // With this exponent the quotient has 53 or 54 bits; less precision where f64 has less.
    let exponent = (bits(numerator) - bits(denominator) - MANTISSA_BITS).max(SMALLEST_EXPONENT);
    let magnitude = rounded(numerator, denominator, exponent).or_else(|| {
        // 54 bits are one too many.
        rounded(numerator, denominator, exponent + 1)
    });
    let magnitude = magnitude.unwrap_or(f64::INFINITY);
    match value.numer() < &BigInt::zero() && magnitude != 0.0 {
        true => -magnitude,
        false => magnitude,
    }
}

/// Returns the quotient rounded to a multiple of 2^exponent, if 53 bits hold it before rounding.
fn rounded(numerator: &BigUint, denominator: &BigUint, exponent: i64) -> Option<f64> {
    let shift = exponent.unsigned_abs();
    let (numerator, denominator) = if exponent < 0 {
        (numerator << shift, denominator.clone())
    } else {
        (numerator.clone(), denominator << shift)
    };
    let (whole, rest) = numerator.div_rem(&denominator);
    if bits(&whole) > MANTISSA_BITS {
        return None;
    }
    let twice = rest << 1u8;
    let up = twice > denominator || (twice == denominator && whole.is_odd());
    // At most 2^53, so the conversion is exact, and so are the products with powers of two.
    let whole = u64::try_from(whole).unwrap_or(u64::MAX) + u64::from(up);
    Some(scaled(whole as f64, exponent))
}

/// Returns an integer of at most 53 bits times 2^exponent, which is a multiple of the smallest
/// `f64`.
fn scaled(mut value: f64, mut exponent: i64) -> f64 {
    const STEP: i64 = 512;
    let up = f64::from_bits((1023 + 512) << 52);
    let down = f64::from_bits((1023 - 512) << 52);
    while exponent > STEP {
        value *= up;
        exponent -= STEP;
    }
    while exponent < -STEP {
        value *= down;
        exponent += STEP;
    }
    value * f64::from_bits(u64::try_from(1023 + exponent).unwrap_or(0) << 52)
}

/// Returns the number of bits of a value.
fn bits(value: &BigUint) -> i64 {
    i64::try_from(value.bits()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_traits::Signed;
    use proptest::prelude::*;

    /// The answer is the nearest if no neighbouring `f64` is nearer, and an even one at a tie.
    fn check(value: &BigRational) {
        let found = nearest(value);
        let exact = |bits| BigRational::from_float(f64::from_bits(bits)).unwrap();
        let distance = |bits| (exact(bits) - value.abs()).abs();
        let bits = found.abs().to_bits();
        let here = distance(bits);
        for other in [bits.saturating_sub(1), bits + 1] {
            let there = distance(other);
            let even = bits & 1 == 0 || other == bits;
            assert!(
                here < there || (here == there && even),
                "{value} gave {found:e}"
            );
        }
    }

    fn rational(numerator: i128, denominator: u128, exponent: i32) -> BigRational {
        let two = BigRational::from_integer(2.into());
        BigRational::new(numerator.into(), denominator.into()) * two.pow(exponent)
    }

    #[test]
    fn ties_and_the_ends_of_the_range_are_right() {
        for odd in 0..64i128 {
            for exponent in [0, 900, -900, -1126, -1127, -1128, -1129] {
                check(&rational((1 << 54) + odd, 1, exponent));
                check(&rational(-((1 << 54) + odd), 3, exponent));
            }
            check(&rational(odd, 1, -1075));
            check(&rational(odd, 7, -1075));
        }
        let tiny = rational(-1, 1, -1080);
        assert_eq!(nearest(&tiny).to_bits(), 0, "not -0.0");
        assert_eq!(nearest(&rational(1, 1, 1024)), f64::INFINITY);
        assert_eq!(nearest(&rational(1, 1, 1023)), 2f64.powi(1023));
    }

    #[test]
    fn small_quotients_are_those_of_the_processor() {
        for numerator in -200i32..=200 {
            for denominator in 1u32..=200 {
                let value = rational(numerator.into(), denominator.into(), 0);
                let expected = f64::from(numerator) / f64::from(denominator);
                assert_eq!(nearest(&value), expected, "{numerator}/{denominator}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_number_is_nearer(
            numerator in any::<i128>(),
            cut in 0u32..127,
            denominator in 1u128..,
            trim in 0u32..127,
            exponent in -1200i32..800,
        ) {
            check(&rational(numerator >> cut, (denominator >> trim).max(1), exponent));
        }
    }
}
