//! Leave-one-out: what all players together lose without the one. It needs `n + 1` utilities of
//! whatever game.

use num_rational::BigRational;

use crate::valuation::games::{Coalition, UNIT, Utility, UtilityError};

/// Returns the value of every player.
///
/// # Errors
/// A utility cannot be had.
pub(in crate::valuation::games) fn leave_one_out(
    game: &impl Utility,
) -> Result<Vec<BigRational>, UtilityError> {
    let players = game.players();
    let mut coalition = Coalition::all(players);
    let together = i128::from(game.utility(&coalition)?);
    (0..players)
        .map(|player| {
            coalition.remove(player);
            let without = i128::from(game.utility(&coalition)?);
            coalition.insert(player);
            Ok(BigRational::new((together - without).into(), UNIT.into()))
        })
        .collect()
}
