//! The Shapley value (Shapley 1953): `p_s = 1/(n*C(n-1,s))`.

use num_bigint::BigInt;

use crate::valuation::games::SizeWeights;
use crate::valuation::games::size_weights::binomials;

/// Returns the weights by size over `lcm(1..n)`, which every `n*C(n-1,s)` divides.
pub(super) fn weights(players: usize) -> SizeWeights {
    let one = least_common_multiple(players);
    let numerators = binomials(players.saturating_sub(1))
        .take(players)
        .map(|count| &one / (count * players))
        .collect();
    SizeWeights::new(numerators, one)
}

/// Returns the least common multiple of 1 to `end`: every prime in its largest power up to `end`.
fn least_common_multiple(end: usize) -> BigInt {
    let is_prime = |number: &usize| (2..*number).all(|divisor| !number.is_multiple_of(divisor));
    let largest_power = |prime: usize| {
        let powers = std::iter::successors(Some(prime), |power| power.checked_mul(prime));
        powers.take_while(|power| *power <= end).last().unwrap_or(1)
    };
    (2..=end).filter(is_prime).map(largest_power).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_are_those_of_the_books() {
        for (end, expected) in [(1, 1u64), (6, 60), (10, 2520), (24, 5_354_228_880)] {
            assert_eq!(least_common_multiple(end), BigInt::from(expected));
        }
    }
}
