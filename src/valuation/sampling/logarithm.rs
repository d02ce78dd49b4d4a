//! The natural logarithm from additions and divisions alone: that of the system's library may
//! differ by machine in its last bit, and with it a printed interval.

/// More than what rounding can take away, relative to the result or to 1.
const SLACK: f64 = 1e-12;

/// Returns a number barely above the natural logarithm of a number of at least 1.
pub(super) fn logarithm_above(number: f64) -> f64 {
    let number = number.max(1.0);
    let bits = number.to_bits();
    let exponent = (bits >> 52).saturating_sub(1023);
    let mantissa = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    // ln m = 2 artanh((m-1)/(m+1)) with an argument below 1/3: twenty terms leave 1e-21.
    let argument = (mantissa - 1.0) / (mantissa + 1.0);
    let square = argument * argument;
    let mut power = argument;
    let mut sum = 0.0;
    for odd in (1..=41u32).step_by(2) {
        sum += power / f64::from(odd);
        power *= square;
    }
    let whole = exponent as f64 * std::f64::consts::LN_2 + 2.0 * sum;
    whole + (whole + 1.0) * SLACK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_barely_above() {
        for number in [1.0, 1.0000001, 1.5, 2.0, 3.0, 1e3, 12_345.678, 1e9, 1e300] {
            let (found, truth) = (logarithm_above(number), f64::ln(number));
            assert!(
                found > truth && found < truth + 1e-11 * (truth + 1.0),
                "{number}"
            );
        }
    }
}
