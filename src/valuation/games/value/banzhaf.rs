//! The Banzhaf value (Banzhaf 1965): every coalition of the others weighs `2^-(n-1)`.

use num_bigint::BigInt;
use num_traits::One;

use crate::valuation::games::SizeWeights;

/// Returns the weights by size.
pub(super) fn weights(players: usize) -> SizeWeights {
    let coalitions = BigInt::one() << players.saturating_sub(1);
    SizeWeights::new(vec![BigInt::one(); players], coalitions)
}
