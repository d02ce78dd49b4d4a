//! Step 10: eligible owners below the floor are topped up as far as the floor budget goes.

use super::Fault;
use super::amount::{Share, divide, fraction_of, sum, unsigned};
use super::lines::{Because, Line, LineName};
use super::outcome::{Settlement, TopUp};
use super::run::Run;
use super::shares::Shares;
use super::table::Table;
use super::upstream::Upstream;

/// A top-up and what the owner had before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Raise {
    pub(super) amount: i64,
    /// The contested part.
    pub(super) held: i64,
    /// What the owner's contributions keep after step 9.
    pub(super) owner_profit: i64,
    /// The contested part of it.
    pub(super) owner_held_profit: i64,
}

/// What an eligible owner lacks.
struct Need {
    owner: usize,
    amount: i64,
}

/// Returns the top-up of each party; an owner's goes to the lowest of its parties.
///
/// # Errors
/// [`Fault`] only.
pub(super) fn top_up(
    run: &Run,
    shares: &Shares,
    upstream: &Upstream,
    result: &mut Settlement,
) -> Result<Table<Raise>, Fault> {
    let mut raises: Table<Raise> = Table::beside(&run.parties);
    let Some(floor) = &run.policy.floor else {
        return Ok(raises);
    };
    let needs: Vec<Need> = run
        .owners
        .iter()
        .enumerate()
        .filter(|(_, owner)| owner.floor_eligible && !owner.contributions.is_empty())
        .filter(|(_, owner)| owner.weight >= floor.min_weight)
        .map(|(row, _)| {
            let has = shares.owners[row].saturating_add(upstream.received[row]);
            Need {
                owner: row,
                amount: floor.amount.saturating_sub(has).max(0),
            }
        })
        .collect();
    let all = needs
        .iter()
        .fold(0u128, |all, need| all.saturating_add(unsigned(need.amount)));
    let budget = result.floor_budget;
    let paid: Vec<Share> = if all <= unsigned(budget) {
        needs
            .iter()
            .map(|need| Share {
                amount: need.amount,
                leftover_unit: 0,
            })
            .collect()
    } else {
        let weights: Vec<(usize, u128)> = needs
            .iter()
            .map(|need| (need.owner, unsigned(need.amount)))
            .collect();
        divide(budget, &weights)?
    };
    let mut lines = Vec::with_capacity(needs.len());
    for (need, share) in needs.iter().zip(paid) {
        let Some(party) = run.owners[need.owner].parties.first().copied() else {
            continue;
        };
        let raise = raised(run, need.owner, share.amount, upstream);
        raises[party] = raise;
        let line = explain(
            run,
            need,
            share,
            shares,
            upstream,
            (budget, all, floor.amount),
        );
        lines.push((party, line));
        if share.amount > 0 {
            result.top_ups.push(TopUp {
                owner: run.owners[need.owner].id.clone(),
                party: run.parties[party].id.clone(),
                amount: share.amount,
                held: raise.held,
            });
        }
    }
    lines.sort_unstable_by_key(|(party, _)| *party);
    result.lines.extend(lines.into_iter().map(|(_, line)| line));
    Ok(raises)
}

/// Holds a top-up in the proportion of the owner's held profit, or whole where it has no profit
/// and something of its own is contested.
fn raised(run: &Run, owner: usize, amount: i64, upstream: &Upstream) -> Raise {
    let rows = &run.owners[owner].contributions;
    let owner_profit = sum(rows.iter().map(|row| upstream.flows[*row].kept));
    let owner_held_profit = sum(rows.iter().map(|row| upstream.flows[*row].kept_contested));
    let held = if owner_profit > 0 {
        fraction_of(amount, owner_held_profit, owner_profit)
    } else if rows.iter().any(|row| run.fractions[*row].is_some()) {
        amount
    } else {
        0
    };
    Raise {
        amount,
        held,
        owner_profit,
        owner_held_profit,
    }
}

fn explain(
    run: &Run,
    need: &Need,
    share: Share,
    shares: &Shares,
    upstream: &Upstream,
    (budget, needs, floor): (i64, u128, i64),
) -> Line {
    let owner = &run.owners[need.owner];
    Line {
        step: 10,
        name: LineName::FloorTopUp,
        contribution: None,
        party: owner
            .parties
            .first()
            .map(|party| run.parties[*party].id.clone()),
        amount: share.amount,
        because: Because::FloorTopUp {
            budget,
            floor,
            leftover_unit: share.leftover_unit,
            need: need.amount,
            needs,
            owner: owner.id.clone(),
            received: upstream.received[need.owner],
            share: shares.owners[need.owner],
        },
    }
}
