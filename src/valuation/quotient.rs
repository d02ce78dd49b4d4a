//! How an exact quotient of integers becomes a printed number: rounded once, to the nearest even.

use std::num::NonZero;

/// Returns `numerator / denominator` as the nearest `f64`, ties to the even one.
///
/// Every quotient of these types is a normal number (or zero), so nothing is rounded twice.
pub fn quotient(numerator: i128, denominator: NonZero<u128>) -> f64 {
    let magnitude = numerator.unsigned_abs();
    if magnitude == 0 {
        return 0.0;
    }
    let denominator = denominator.get();
    // With this shift the whole quotient has 55 or 56 bits, two or three more than are kept.
    let shift = 55 + bits(denominator) - bits(magnitude);
    let mut whole = magnitude / denominator;
    let mut rest = magnitude % denominator;
    for _ in 0..shift.max(0) {
        let above = denominator - rest;
        // The next bit is 1 if twice the rest reaches the denominator; written so that doubling
        // cannot overflow.
        if rest >= above {
            whole = whole * 2 + 1;
            rest -= above;
        } else {
            whole *= 2;
            rest *= 2;
        }
    }
    let drop = bits(whole) - 53;
    let low = whole & ((1 << drop) - 1);
    let half = 1u128 << (drop - 1);
    let mut kept = whole >> drop;
    if low > half || (low == half && (rest != 0 || kept & 1 == 1)) {
        kept += 1;
    }
    let scale = power_of_two(drop - shift.max(0));
    // At most 2^53, so the conversion is exact, and so is the product with a power of two.
    let value = u64::try_from(kept).unwrap_or(u64::MAX) as f64 * scale;
    if numerator < 0 { -value } else { value }
}

/// Returns the number of bits of a value above zero.
fn bits(value: u128) -> i32 {
    i32::try_from(u128::BITS - value.leading_zeros()).unwrap_or(i32::MAX)
}

/// Returns 2 to a power in -1022..=1023.
fn power_of_two(exponent: i32) -> f64 {
    let biased = u64::try_from(1023 + exponent).unwrap_or(0);
    f64::from_bits(biased << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigInt;
    use num_rational::BigRational;
    use proptest::prelude::*;

    fn exact(value: f64) -> BigRational {
        let bits = value.to_bits();
        let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
        let exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap() - 1075;
        let scale = BigRational::from_integer(BigInt::from(2)).pow(exponent);
        let sign = if value < 0.0 { -1 } else { 1 };
        BigRational::from_integer(BigInt::from(mantissa) * sign) * scale
    }

    /// The answer is the nearest if no neighbouring `f64` is nearer, and an even one at a tie.
    fn check(numerator: i128, denominator: u128) {
        let value = quotient(numerator, NonZero::new(denominator).unwrap());
        if numerator == 0 {
            assert_eq!(value.to_bits(), 0);
            return;
        }
        let truth = BigRational::new(BigInt::from(numerator), BigInt::from(denominator));
        let distance = |bits: u64| {
            let gap = exact(f64::from_bits(bits)) - &truth;
            if gap < BigRational::from_integer(0.into()) {
                -gap
            } else {
                gap
            }
        };
        let here = distance(value.to_bits());
        for other in [value.to_bits() - 1, value.to_bits() + 1] {
            let there = distance(other);
            let even = value.to_bits() & 1 == 0;
            assert!(
                here < there || (here == there && even),
                "{numerator}/{denominator} gave {value:e}"
            );
        }
    }

    #[test]
    fn small_quotients_are_those_of_the_processor() {
        for numerator in -200i32..=200 {
            for denominator in 1u32..=200 {
                let value = quotient(
                    i128::from(numerator),
                    NonZero::new(u128::from(denominator)).unwrap(),
                );
                let expected = f64::from(numerator) / f64::from(denominator);
                assert_eq!(value, expected, "{numerator}/{denominator}");
            }
        }
    }

    #[test]
    fn the_ends_of_the_range_and_ties_are_right() {
        for numerator in [1, 2, i128::MAX, i128::MIN, i128::MAX - 1] {
            for denominator in [1, 3, u128::MAX, u128::MAX - 1, 1 << 127] {
                check(numerator, denominator);
            }
        }
        for odd in 0..64i128 {
            check((1 << 54) + odd, 1);
            check(((1 << 54) + odd) << 60, (1 << 62) * 300);
            check(-(((1 << 54) + odd) * 3 + 1), 3);
        }
    }

    proptest! {
        #[test]
        fn no_number_is_nearer(
            numerator in any::<i128>(),
            cut in 0u32..127,
            denominator in 1u128..,
            trim in 0u32..127,
        ) {
            check(numerator >> cut, (denominator >> trim).max(1));
        }
    }
}
