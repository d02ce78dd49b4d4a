//! Steps 1 to 3: net revenue, the operator's fee and the regulated ceiling.

use crate::domain::Violation;

use super::amount::{rate_of, unsigned};
use super::check;
use super::lines::{Because, LineName};
use super::outcome::Settlement;
use super::run::Run;

/// Step 1: takes over the net revenue, which is above zero.
pub(super) fn net(run: &Run, result: &mut Settlement) {
    let sums = run.revenue;
    result.net = sums.net;
    let because = Because::NetRevenue {
        chargebacks: sums.chargebacks,
        opening_deficit: run.opening.pool_deficit,
        receipts: sums.receipts,
        refunds: sums.refunds,
    };
    result.pool_line(1, LineName::NetRevenue, sums.net, because);
}

/// Step 2: takes the operator's fee and returns what is left.
pub(super) fn operator_fee(run: &Run, result: &mut Settlement) -> i64 {
    let net = result.net;
    let Some(fee) = &run.policy.operator_fee else {
        return net;
    };
    // Saturating is exact here: the fee is at most `net`.
    let asked = rate_of(net, fee.bps).saturating_add(fee.flat);
    result.operator_fee = asked.min(fee.cap.unwrap_or(i64::MAX)).min(net);
    let because = Because::OperatorFee {
        bps: fee.bps,
        cap: fee.cap,
        flat: fee.flat,
        net,
    };
    result.pool_line(2, LineName::OperatorFee, result.operator_fee, because);
    net.saturating_sub(result.operator_fee)
}

/// Step 3: keeps back what is above the ceiling and returns what goes on.
///
/// # Errors
/// A violation when what goes on, or what is kept back, does not fit an amount.
pub(super) fn ceiling(run: &Run, left: i64, result: &mut Settlement) -> Result<i64, Violation> {
    let over_recovery_in = run.opening.over_recovery;
    let maximum_revenue = run
        .policy
        .regulated_ceiling
        .as_ref()
        .map(|rule| rule.maximum_revenue);
    if maximum_revenue.is_none() && over_recovery_in == 0 {
        return Ok(left);
    }
    // Both are below 2^63, so the sum is exact.
    let all = unsigned(left).saturating_add(unsigned(over_recovery_in));
    let goes_on = maximum_revenue.map_or(all, |maximum| all.min(unsigned(maximum)));
    let fitting = |amount: u128, what: &str| {
        i64::try_from(amount)
            .map_err(|_| Violation::new("opening.over_recovery", check::beyond(what)))
    };
    result.over_recovery = fitting(all.saturating_sub(goes_on), "the over-recovery carried out")?;
    let goes_on = fitting(goes_on, "what goes on with the over-recovery carried in")?;
    let over_recovery_out = result.over_recovery;
    let because = Because::RegulatedCeiling {
        left,
        maximum_revenue,
        over_recovery_in,
        over_recovery_out,
    };
    result.pool_line(3, LineName::RegulatedCeiling, goes_on, because);
    Ok(goes_on)
}
