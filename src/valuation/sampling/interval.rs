//! How far an estimate can be from the truth.
//!
//! An estimate is `sum over strata g of a_g * mean_g`, of independent values: `m_g` of stratum g,
//! which lie in a range of length `R`, with `k_g` pairs among them of squared differences `d^2`.
//! With `w_g = a_g^2/(m_g k_g)`, `Z = sum of w_g * d^2/2` has the mean `v`, the estimate's
//! variance. Its terms are between 0 and `w_g R^2/2`, so that for `B = max w_g R^2`
//!
//! ```text
//! P[ v - Z > sqrt(B v l) ] <= e^-l     (Maurer, JIPAM 4(1), 2003: lower tails of what is
//!                                       not negative), that is
//! sqrt(v) <= (sqrt(B l) + sqrt(B l + 4 Z))/2  but with that chance.
//! ```
//!
//! With `b = max |a_g| R/m_g`, Bernstein's inequality (Boucheron, Lugosi and Massart,
//! "Concentration Inequalities", 2.8) bounds each side:
//!
//! ```text
//! P[ estimate - truth > sqrt(2 v l) + b l/3 ] <= e^-l.
//! ```
//!
//! That is an empirical Bernstein inequality in the manner of Maurer and Pontil (arXiv
//! 0907.3740), whose variance comes from pairs of one stratum, so that it also serves strata.
//! Three things can fail for each player, so `l = ln(3 n / delta)`. The k-th look may fail with
//! chance `delta/(k(k+1))`, and these sum to `delta` whatever the number of looks.

use super::sums::Stratum;

/// Covers what rounding can take away from a half width.
const SLACK: f64 = 1.0 + 1e-9;

/// Returns the half width around one player's estimate, but with chance `3 e^-l`; infinite where
/// there are no pairs to tell it. Each stratum has the factor of its mean, and all have a range of
/// values of one length.
pub(super) fn half_width(strata: &[Stratum], factors: &[f64], range: f64, l: f64) -> f64 {
    let (mut squares, mut largest_term, mut largest_step) = (0.0, 0f64, 0f64);
    for (stratum, factor) in strata.iter().zip(factors) {
        if stratum.pairs == 0 {
            return f64::INFINITY;
        }
        let (count, pairs) = (stratum.count as f64, stratum.pairs as f64);
        let weight = factor * factor / (count * pairs);
        squares += weight * stratum.squares() / 2.0;
        largest_term = largest_term.max(weight * range * range);
        largest_step = largest_step.max(factor.abs() * range / count);
    }
    let root = ((largest_term * l).sqrt() + (largest_term * l + 4.0 * squares).sqrt()) / 2.0;
    (root * (2.0 * l).sqrt() + largest_step * l / 3.0) * SLACK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_the_formula_says() {
        let mut stratum = Stratum::default();
        for _ in 0..50 {
            stratum.add_pair(0, 2);
        }
        // m = 100, k = 50, w = 1/5000, Z = 50*4/2/5000 = 0.02, B = 4/5000, b = 2/100.
        let l = 5.0f64;
        let root = ((0.0008 * l).sqrt() + (0.0008 * l + 0.08).sqrt()) / 2.0;
        let expected = root * (2.0 * l).sqrt() + 0.02 * l / 3.0;
        let found = half_width(&[stratum], &[1.0], 2.0, l);
        assert!((found / expected - 1.0).abs() < 1e-8, "{found}, {expected}");
        let nothing = half_width(&[Stratum::default()], &[1.0], 2.0, l);
        assert_eq!(nothing, f64::INFINITY);
    }
}
