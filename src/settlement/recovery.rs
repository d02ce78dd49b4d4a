//! Step 4: approved costs come back, class by class, as far as the budget goes.

use std::collections::HashMap;

use super::Fault;
use super::amount::{Share, divide, rate_of, sum, unsigned};
use super::lines::{Because, Line, LineName};
use super::outcome::{ClaimResult, Settlement};
use super::run::Run;
use super::table::Table;

/// What came back on a claim, and what there was for its class.
#[derive(Debug, Clone, Copy, Default)]
struct Paid {
    share: Share,
    class_budget: i64,
    class_outstanding: u128,
}

/// Pays the claims and returns what is left, and the costs that came back on each contribution.
///
/// # Errors
/// [`Fault`] only.
pub(super) fn pay(
    run: &Run,
    left: i64,
    result: &mut Settlement,
) -> Result<(i64, Table<i64>), Fault> {
    let mut paid: Table<Paid> = Table::beside(&run.claims);
    if let Some(recovery) = &run.policy.cost_recovery {
        let budget = rate_of(result.net, recovery.tier_cap_bps).min(left);
        let because = Because::CostBudget {
            left,
            net: result.net,
            tier_cap_bps: recovery.tier_cap_bps,
        };
        result.pool_line(4, LineName::CostBudget, budget, because);
        pay_classes(run, &recovery.classes, budget, &mut paid)?;
        explain(run, &paid, result);
    }
    let mut costs: Table<i64> = Table::beside(&run.contributions);
    for (claim, paid) in run.claims.iter().zip(paid.iter()) {
        let cost = &mut costs[claim.contribution];
        *cost = cost.saturating_add(paid.share.amount);
        let contribution = &run.contributions[claim.contribution];
        result.claims.push(ClaimResult {
            id: claim.id.clone(),
            contribution: contribution.id.clone(),
            party: run.parties[contribution.party].id.clone(),
            paid: paid.share.amount,
            outstanding: claim.outstanding.saturating_sub(paid.share.amount),
        });
    }
    result.cost_recovered = sum(costs.iter().copied());
    Ok((left.saturating_sub(result.cost_recovered), costs))
}

fn pay_classes(
    run: &Run,
    classes: &[String],
    mut budget: i64,
    paid: &mut Table<Paid>,
) -> Result<(), Fault> {
    let mut claims_of: HashMap<&str, Vec<(usize, u128)>> = HashMap::new();
    for (row, claim) in run.claims.iter().enumerate() {
        claims_of
            .entry(claim.class)
            .or_default()
            .push((row, unsigned(claim.outstanding)));
    }
    for class in classes {
        let Some(claims) = claims_of.get(class.as_str()) else {
            continue;
        };
        // As many terms as fit memory, each below 2^63, cannot reach 2^128.
        let outstanding = claims
            .iter()
            .fold(0u128, |sum, (_, amount)| sum.saturating_add(*amount));
        let shares = if outstanding <= unsigned(budget) {
            let whole = |(row, _): &(usize, u128)| run.claims[*row].outstanding;
            claims
                .iter()
                .map(|claim| Share {
                    amount: whole(claim),
                    leftover_unit: 0,
                })
                .collect()
        } else {
            divide(budget, claims)?
        };
        let class_budget = budget;
        for ((row, _), share) in claims.iter().zip(shares) {
            paid[*row] = Paid {
                share,
                class_budget,
                class_outstanding: outstanding,
            };
            budget = budget.saturating_sub(share.amount);
        }
    }
    Ok(())
}

fn explain(run: &Run, paid: &Table<Paid>, result: &mut Settlement) {
    let mut order: Vec<(usize, usize)> = run
        .claims
        .iter()
        .enumerate()
        .map(|(row, claim)| (claim.contribution, row))
        .collect();
    order.sort_unstable();
    for (contribution, row) in order {
        let (claim, paid) = (&run.claims[row], &paid[row]);
        result.lines.push(Line {
            step: 4,
            name: LineName::CostRecovery,
            contribution: Some(run.contributions[contribution].id.clone()),
            party: Some(
                run.parties[run.contributions[contribution].party]
                    .id
                    .clone(),
            ),
            amount: paid.share.amount,
            because: Because::CostRecovery {
                claim: claim.id.clone(),
                class: claim.class.clone(),
                class_budget: paid.class_budget,
                class_outstanding: paid.class_outstanding,
                leftover_unit: paid.share.leftover_unit,
                outstanding: claim.outstanding,
            },
        });
    }
}
