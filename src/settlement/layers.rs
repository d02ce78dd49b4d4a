//! Steps 5 and 6: the public interest, the profit layer and the budget for floors.

use crate::domain::Violation;

use super::amount::rate_of;
use super::check;
use super::lines::{Because, LineName};
use super::outcome::Settlement;
use super::run::Run;

/// Step 5: takes the part for the public-interest fund and returns what is left.
pub(super) fn public_interest(run: &Run, left: i64, result: &mut Settlement) -> i64 {
    let Some(part) = &run.policy.public_interest else {
        return left;
    };
    result.public_interest = rate_of(left, part.bps);
    let because = Because::PublicInterest {
        bps: part.bps,
        left,
    };
    result.pool_line(5, LineName::PublicInterest, result.public_interest, because);
    left.saturating_sub(result.public_interest)
}

/// Step 6: joins what is left with the opening profit layer and sets the floor budget aside.
///
/// # Errors
/// A violation when the profit layer does not fit an amount.
pub(super) fn profit_layer(run: &Run, left: i64, result: &mut Settlement) -> Result<(), Violation> {
    let opening = run.opening.profit_layer;
    let layer = left
        .checked_add(opening)
        .ok_or_else(|| Violation::new("opening.profit_layer", check::beyond("the profit layer")))?;
    let because = Because::ProfitLayer { left, opening };
    result.pool_line(6, LineName::ProfitLayer, layer, because);
    result.profit_layer = layer;
    result.shared = layer;
    if let Some(floor) = &run.policy.floor {
        let budget = rate_of(layer, floor.budget_bps);
        result.floor_budget = budget;
        result.shared = layer.saturating_sub(budget);
        let because = Because::FloorBudget {
            budget_bps: floor.budget_bps,
            profit_layer: layer,
            shared: result.shared,
        };
        result.pool_line(6, LineName::FloorBudget, budget, because);
    }
    Ok(())
}

/// Step 16: what the top-ups left of their budget, and what found nobody, opens the next run.
pub(super) fn next_profit_layer(topped_up: i64, result: &mut Settlement) {
    let unused_floor_budget = result.floor_budget.saturating_sub(topped_up);
    let undistributed = result.undistributed;
    // Both are parts of the profit layer.
    result.next_profit_layer = unused_floor_budget.saturating_add(undistributed);
    let because = Because::NextProfitLayer {
        undistributed,
        unused_floor_budget,
    };
    result.pool_line(
        16,
        LineName::NextProfitLayer,
        result.next_profit_layer,
        because,
    );
}
