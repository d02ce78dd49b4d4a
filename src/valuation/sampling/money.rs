//! The rule that stops sampling when it can no longer move money.

use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::Interval;

/// An amount to be shared, and how far a share may be off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoneyRule {
    /// The amount, in minor units.
    pub amount: u64,
    /// How many minor units any share may be off.
    pub within: u64,
}

impl MoneyRule {
    /// Tells whether no share of the amount can be off by more than allowed.
    ///
    /// For every player `P*(h_i + s_i*H)/(V - H) <= x`, with `h` the half widths, `H` their sum,
    /// `V` the sum of the positive values and `s_i = max(v_i, 0)/V`; not met while `V <= H`.
    /// Money is never in floats: half widths become the rationals that they are.
    pub fn is_met(&self, values: &[BigRational], intervals: &[Interval]) -> bool {
        let half_widths = intervals
            .iter()
            .map(|interval| BigRational::from_float(interval.half_width));
        let Some(half_widths) = half_widths.collect::<Option<Vec<BigRational>>>() else {
            return false;
        };
        let positive = |value: &BigRational| match value.is_positive() {
            true => value.clone(),
            false => BigRational::zero(),
        };
        let total: BigRational = values.iter().map(positive).sum();
        let uncertain: BigRational = half_widths.iter().sum();
        if total <= uncertain || values.len() != half_widths.len() {
            return false;
        }
        let amount = BigRational::from_integer(self.amount.into());
        let allowed = BigRational::from_integer(self.within.into()) * (&total - &uncertain);
        values.iter().zip(&half_widths).all(|(value, half_width)| {
            let share = positive(value) / &total;
            &amount * (half_width + share * &uncertain) <= allowed
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(amount: u64, within: u64, values: &[(i64, f64)]) -> bool {
        let numbers: Vec<BigRational> = values
            .iter()
            .map(|(value, _)| BigRational::from_integer((*value).into()))
            .collect();
        let intervals: Vec<Interval> = values
            .iter()
            .map(|(value, half_width)| Interval {
                low: *value as f64 - half_width,
                high: *value as f64 + half_width,
                half_width: *half_width,
            })
            .collect();
        MoneyRule { amount, within }.is_met(&numbers, &intervals)
    }

    /// V = 8, H = 1: the second player's share can be off by 700*(0.5 + 6/8)/7 = 125.
    #[test]
    fn holds_to_the_last_unit() {
        let values = [(2, 0.25), (6, 0.5), (-3, 0.25)];
        assert!(rule(700, 125, &values));
        assert!(!rule(700, 124, &values));
        assert!(rule(0, 0, &values));
    }

    #[test]
    fn is_not_met_while_less_is_known_than_shared() {
        assert!(!rule(1, u64::MAX, &[(1, 0.5), (1, 1.5)]));
        assert!(!rule(1, u64::MAX, &[(0, 0.0), (-1, 0.0)]));
        assert!(!rule(1, u64::MAX, &[(1, f64::INFINITY)]));
        assert!(rule(100, 0, &[(1, 0.0), (1, 0.0)]));
    }
}
