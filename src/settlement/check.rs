//! Whether each value of a scenario is in its range, and each sum in 63 bits.

use crate::domain::{BASIS_POINTS_MAX, Violation};

use super::scenario::{HOLD_DENOMINATOR_MAX, ID_BYTES_MAX, RevenueKind, Scenario};

/// The sums of a period's revenue, each within 63 bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RevenueSums {
    pub(super) receipts: i64,
    pub(super) refunds: i64,
    pub(super) chargebacks: i64,
    /// What is left of the receipts after the others and the opening deficit.
    pub(super) net: i64,
}

/// Adds everything that is out of its range to `found`.
pub(super) fn values(scenario: &Scenario, found: &mut Vec<Violation>) {
    currency(&scenario.currency, found);
    id("period", &scenario.period, found);
    found.extend(scenario.policy.violations("policy"));
    for (position, revenue) in scenario.revenue.iter().enumerate() {
        id(
            format_args!("revenue[{position}].ref"),
            &revenue.reference,
            found,
        );
        amount(
            format_args!("revenue[{position}].amount"),
            revenue.amount,
            found,
        );
    }
    let opening = &scenario.opening;
    amount("opening.profit_layer", opening.profit_layer, found);
    amount("opening.pool_deficit", opening.pool_deficit, found);
    amount("opening.over_recovery", opening.over_recovery, found);
    for (position, owner) in scenario.owners.iter().enumerate() {
        id(format_args!("owners[{position}].id"), &owner.id, found);
        amount(format_args!("owners[{position}].debt"), owner.debt, found);
    }
    for (position, party) in scenario.parties.iter().enumerate() {
        id(format_args!("parties[{position}].id"), &party.id, found);
        rate(
            format_args!("parties[{position}].tax_bps"),
            party.tax_bps,
            found,
        );
        amount(
            format_args!("parties[{position}].carried"),
            party.carried,
            found,
        );
    }
    contributions(scenario, found);
    for (position, claim) in scenario.claims.iter().enumerate() {
        id(format_args!("claims[{position}].id"), &claim.id, found);
        id(
            format_args!("claims[{position}].class"),
            &claim.class,
            found,
        );
        amount(
            format_args!("claims[{position}].outstanding"),
            claim.outstanding,
            found,
        );
    }
    for (position, hold) in scenario.holds.iter().enumerate() {
        fraction(position, hold.numerator, hold.denominator, found);
    }
}

fn contributions(scenario: &Scenario, found: &mut Vec<Violation>) {
    let stack_max = scenario
        .policy
        .upstream
        .clone()
        .unwrap_or_default()
        .stack_max_bps;
    let mut total = 0i128;
    for (position, contribution) in scenario.contributions.iter().enumerate() {
        id(
            format_args!("contributions[{position}].id"),
            &contribution.id,
            found,
        );
        // As many terms as fit memory, each of 64 bits, cannot reach 128 bits.
        total = total.saturating_add(i128::from(contribution.weight));
        let mut stack = 0u64;
        for (edge, parent) in contribution.parents.iter().enumerate() {
            rate(
                format_args!("contributions[{position}].parents[{edge}].upstream_bps"),
                parent.upstream_bps,
                found,
            );
            stack = stack.saturating_add(u64::from(parent.upstream_bps));
        }
        if stack > u64::from(stack_max) {
            found.push(Violation::new(
                format!("contributions[{position}].parents"),
                format!("the upstream_bps sum to {stack}, above the limit of {stack_max}"),
            ));
        }
    }
    if total > i128::from(i64::MAX) {
        found.push(Violation::new(
            "contributions",
            beyond("the sum of weights"),
        ));
    }
}

/// Returns the sums of the revenue, or adds those that are too large to `found`.
pub(super) fn revenue_sums(scenario: &Scenario, found: &mut Vec<Violation>) -> RevenueSums {
    let total = |kind: RevenueKind| {
        let rows = scenario
            .revenue
            .iter()
            .filter(|revenue| revenue.kind == kind);
        rows.fold(0i128, |sum, revenue| {
            sum.saturating_add(i128::from(revenue.amount))
        })
    };
    let receipts = total(RevenueKind::Receipt);
    let refunds = total(RevenueKind::Refund);
    let chargebacks = total(RevenueKind::Chargeback);
    let back = refunds.saturating_add(chargebacks);
    let deficit = i128::from(scenario.opening.pool_deficit);
    let net = receipts.saturating_sub(back).saturating_sub(deficit);
    let before = found.len();
    for (sum, name) in [
        (receipts, "the sum of receipts"),
        (back, "the sum of refunds and chargebacks"),
        (net.saturating_abs(), "the net revenue"),
    ] {
        if sum > i128::from(i64::MAX) {
            found.push(Violation::new("revenue", beyond(name)));
        }
    }
    if found.len() > before {
        return RevenueSums::default();
    }
    // All four were just found to fit.
    let fitting = |sum: i128| i64::try_from(sum).unwrap_or(i64::MAX);
    RevenueSums {
        receipts: fitting(receipts),
        refunds: fitting(refunds),
        chargebacks: fitting(chargebacks),
        net: fitting(net),
    }
}

/// Returns the text for an amount that a stored amount cannot hold.
pub(super) fn beyond(what: &str) -> String {
    format!("{what} is beyond {}", i64::MAX)
}

fn currency(code: &str, found: &mut Vec<Violation>) {
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        found.push(Violation::new(
            "currency",
            "a currency code is three upper-case letters, such as CNY",
        ));
    }
}

fn id(path: impl ToString, id: &str, found: &mut Vec<Violation>) {
    if id.is_empty() || id.len() > ID_BYTES_MAX {
        found.push(Violation::new(
            path.to_string(),
            format!("takes 1 to {ID_BYTES_MAX} bytes, this has {}", id.len()),
        ));
    }
}

fn amount(path: impl ToString, amount: i64, found: &mut Vec<Violation>) {
    if amount < 0 {
        found.push(Violation::new(
            path.to_string(),
            format!("{amount} is negative"),
        ));
    }
}

fn rate(path: impl ToString, rate: u32, found: &mut Vec<Violation>) {
    if rate > BASIS_POINTS_MAX {
        found.push(Violation::new(
            path.to_string(),
            format!("{rate} is not in 0..{BASIS_POINTS_MAX} basis points"),
        ));
    }
}

fn fraction(position: usize, numerator: u64, denominator: u64, found: &mut Vec<Violation>) {
    if denominator == 0 || denominator > HOLD_DENOMINATOR_MAX {
        found.push(Violation::new(
            format!("holds[{position}].denominator"),
            format!("{denominator} is not in 1..{HOLD_DENOMINATOR_MAX}"),
        ));
    } else if numerator > denominator {
        found.push(Violation::new(
            format!("holds[{position}].numerator"),
            format!("{numerator} is above the denominator {denominator}"),
        ));
    }
}
