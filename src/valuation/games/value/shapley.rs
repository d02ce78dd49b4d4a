//! The Shapley value (Shapley 1953): `p_s = 1/(n*C(n-1,s))`.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::One;

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

fn least_common_multiple(end: usize) -> BigInt {
    (1..=end).fold(BigInt::one(), |multiple, number| {
        multiple.lcm(&number.into())
    })
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
