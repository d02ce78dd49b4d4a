//! Large integers and fractions that the exact forms of several methods need.

use num_bigint::BigInt;

/// Returns the least number that all of `divisors`, none of them zero, divide.
pub fn least_common_multiple(divisors: impl Iterator<Item = u64>) -> BigInt {
    let mut multiple = BigInt::from(1);
    for divisor in divisors {
        let rest = u64::try_from(&multiple % divisor).unwrap_or(0);
        let common = greatest_common_divisor(divisor, rest);
        multiple *= divisor.checked_div(common).unwrap_or(1);
    }
    multiple
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while let Some(rest) = a.checked_rem(b) {
        (a, b) = (b, rest);
    }
    a
}

/// A fraction that is not brought to lowest terms; the denominator is above zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fraction {
    /// What is divided.
    pub numerator: BigInt,
    /// What it is divided by.
    pub denominator: BigInt,
}

impl Fraction {
    /// Returns zero.
    pub fn zero() -> Self {
        Self::new(0.into(), 1.into())
    }

    /// Makes a fraction of a denominator above zero.
    pub fn new(numerator: BigInt, denominator: BigInt) -> Self {
        Self {
            numerator,
            denominator,
        }
    }

    /// Returns the sum of two fractions.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            numerator: &self.numerator * &other.denominator + &other.numerator * &self.denominator,
            denominator: &self.denominator * &other.denominator,
        }
    }

    /// Returns the sum of `sign/divisor` over all terms, with products of halves, so that a
    /// million terms take no longer than a few products of large numbers.
    pub fn sum(terms: &[(i8, u64)]) -> Self {
        match terms {
            [] => Self::zero(),
            [(sign, divisor)] => Self::new((*sign).into(), (*divisor).into()),
            _ => {
                let (one, other) = terms.split_at(terms.len() / 2);
                Self::sum(one).plus(&Self::sum(other))
            }
        }
    }

    /// Returns the harmonic number `1 + 1/2 + ... + 1/n`, which is 0 for n = 0.
    pub fn harmonic(n: u64) -> Self {
        let terms: Vec<(i8, u64)> = (1..=n).map(|divisor| (1, divisor)).collect();
        Self::sum(&terms)
    }

    /// Returns the largest integer not above the fraction times `2^bits`, and whether it is that
    /// product.
    pub fn floor_scaled(&self, bits: u32) -> (BigInt, bool) {
        let scaled = &self.numerator << bits;
        let whole = &scaled / &self.denominator;
        let rest = scaled - &whole * &self.denominator;
        match rest.sign() {
            num_bigint::Sign::Minus => (whole - 1, false),
            num_bigint::Sign::NoSign => (whole, true),
            num_bigint::Sign::Plus => (whole, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_and_sums_are_right() {
        assert_eq!(least_common_multiple([4, 6, 10].into_iter()), 60.into());
        assert_eq!(least_common_multiple(1..=20), 232_792_560u64.into());
        assert_eq!(least_common_multiple(std::iter::empty()), 1.into());
        let four = Fraction::harmonic(4);
        assert_eq!(four.numerator * 12, four.denominator * 25);
        assert_eq!(Fraction::harmonic(0), Fraction::zero());
    }

    #[test]
    fn floors_go_down_and_say_when_they_are_exact() {
        let floor = |numerator: i64, denominator: i64| {
            Fraction::new(numerator.into(), denominator.into()).floor_scaled(1)
        };
        assert_eq!(floor(3, 4), (1.into(), false));
        assert_eq!(floor(-3, 4), ((-2).into(), false));
        assert_eq!(floor(-3, 2), ((-3).into(), true));
        assert_eq!(floor(0, 5), (0.into(), true));
    }
}
