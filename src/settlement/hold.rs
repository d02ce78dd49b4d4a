//! Step 11: the contested parts of costs and profit are set aside.
//!
//! Roundings are taken once a contribution, so that what is held can later be divided among the
//! cases that hold it.

use super::amount::sum;
use super::floor::Raise;
use super::lines::{Because, Line, LineName};
use super::outcome::{ContributionResult, Settlement};
use super::run::Run;
use super::shares::Shares;
use super::table::Table;
use super::upstream::{Flow, Upstream};

/// What a party earned in this run, and the contested parts of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Earned {
    pub(super) cost: i64,
    pub(super) held_cost: i64,
    pub(super) profit: i64,
    pub(super) held_profit: i64,
}

impl Earned {
    fn add(&mut self, other: Self) {
        // Costs are parts of the net revenue and profits of the profit layer; both fit.
        self.cost = sum([self.cost, other.cost]);
        self.held_cost = sum([self.held_cost, other.held_cost]);
        self.profit = sum([self.profit, other.profit]);
        self.held_profit = sum([self.held_profit, other.held_profit]);
    }
}

/// Returns what each party earned: its contributions' costs and profit, and its top-up.
pub(super) fn set_aside(
    run: &Run,
    costs: &Table<i64>,
    shares: &Shares,
    upstream: &Upstream,
    raises: &Table<Raise>,
    result: &mut Settlement,
) -> Table<Earned> {
    let mut parties: Table<Earned> = Table::beside(&run.parties);
    for (row, raise) in raises.iter().enumerate() {
        parties[row].add(Earned {
            profit: raise.amount,
            held_profit: raise.held,
            ..Earned::default()
        });
        if raise.held > 0 {
            result.lines.push(held_top_up(run, row, raise));
        }
    }
    for (row, contribution) in run.contributions.iter().enumerate() {
        let (cost, flow) = (costs[row], upstream.flows[row]);
        let fraction = run.fractions[row].as_ref();
        let held_cost = fraction.map_or(0, |fraction| fraction.of(cost));
        parties[contribution.party].add(Earned {
            cost,
            held_cost,
            profit: flow.kept,
            held_profit: flow.kept_contested,
        });
        explain(run, row, cost, held_cost, &flow, result);
        result.contributions.push(ContributionResult {
            id: contribution.id.clone(),
            party: run.parties[contribution.party].id.clone(),
            share: shares.contributions[row],
            after_upstream: flow.kept,
            cost,
            held_cost,
            held_profit: flow.kept_contested,
        });
    }
    parties
}

fn held_top_up(run: &Run, party: usize, raise: &Raise) -> Line {
    Line {
        step: 11,
        name: LineName::HeldTopUp,
        contribution: None,
        party: Some(run.parties[party].id.clone()),
        amount: raise.held.saturating_neg(),
        because: Because::HeldTopUp {
            owner_held_profit: raise.owner_held_profit,
            owner_profit: raise.owner_profit,
            top_up: raise.amount,
        },
    }
}

/// Explains what is held of a contribution that carries a hold or received contested money.
fn explain(run: &Run, row: usize, cost: i64, held_cost: i64, flow: &Flow, result: &mut Settlement) {
    let contribution = &run.contributions[row];
    let fraction = run.fractions[row].as_ref();
    let mut push = |name, held: i64, because| {
        result.lines.push(Line {
            step: 11,
            name,
            contribution: Some(contribution.id.clone()),
            party: Some(run.parties[contribution.party].id.clone()),
            amount: held.saturating_neg(),
            because,
        });
    };
    let text = fraction.and_then(|fraction| fraction.text());
    if fraction.is_some() && cost > 0 {
        let because = Because::HeldCost {
            cost,
            fraction: text.clone(),
        };
        push(LineName::HeldCost, held_cost, because);
    }
    if fraction.is_some() || flow.contested > 0 {
        let because = Because::HeldProfit {
            contested: flow.contested,
            contested_passed: flow.contested_passed,
            contested_received: flow.contested_received,
            fraction: text,
            holds: flow.holds,
            kept: flow.kept,
        };
        push(LineName::HeldProfit, flow.kept_contested, because);
    }
}
