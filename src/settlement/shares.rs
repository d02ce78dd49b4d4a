//! Steps 7 and 8: what is shared goes to owners by weight, and no owner gets more than the cap.

use super::Fault;
use super::amount::{Share, divide, rate_of, sum};
use super::lines::{Because, Line, LineName};
use super::outcome::Settlement;
use super::run::Run;
use super::table::Table;

/// What the owners and their contributions get of what is shared.
#[derive(Debug)]
pub(super) struct Shares {
    /// The amount of each owner after step 8.
    pub(super) owners: Table<i64>,
    /// The amount of each contribution after step 8.
    pub(super) contributions: Table<i64>,
}

/// Divides what is shared among owners and, within each, among its contributions.
///
/// # Errors
/// [`Fault`] only.
pub(super) fn share(run: &Run, result: &mut Settlement) -> Result<Shares, Fault> {
    let weights: Vec<(usize, u128)> = run
        .owners
        .iter()
        .enumerate()
        .map(|(row, owner)| (row, u128::from(owner.weight)))
        .collect();
    let distributed = result.shared;
    let by_weight: Table<Share> = if weights.iter().any(|(_, weight)| *weight > 0) {
        divide(distributed, &weights)?.into_iter().collect()
    } else {
        result.undistributed = distributed;
        Table::beside(&run.owners)
    };
    let mut owners: Table<i64> = by_weight.iter().map(|share| share.amount).collect();
    let mut contributions: Table<Share> = Table::beside(&run.contributions);
    for (row, amount) in owners.iter().enumerate() {
        share_within(run, row, *amount, &mut contributions)?;
    }
    explain_shares(run, &by_weight, &contributions, result);
    if let Some(cap_bps) = run.policy.owner_cap_bps {
        let before = owners.clone();
        let cap = rate_of(distributed, cap_bps);
        result.undistributed =
            result
                .undistributed
                .saturating_add(cap_owners(&weights, cap, &mut owners)?);
        let uncapped = contributions.clone();
        for (row, amount) in owners.iter().enumerate() {
            if *amount != before[row] {
                share_within(run, row, *amount, &mut contributions)?;
            }
        }
        let step = Capping {
            cap,
            before,
            after: &owners,
        };
        step.explain(run, &uncapped, &contributions, result);
    }
    Ok(Shares {
        owners,
        contributions: contributions.iter().map(|share| share.amount).collect(),
    })
}

/// Sets owners above the cap to it and shares their excess, until nobody new is above it.
/// Returns what nobody can take.
fn cap_owners(weights: &[(usize, u128)], cap: i64, owners: &mut Table<i64>) -> Result<i64, Fault> {
    let mut open: Vec<(usize, u128)> = weights
        .iter()
        .copied()
        .filter(|(_, weight)| *weight > 0)
        .collect();
    loop {
        let above: Vec<usize> = open
            .iter()
            .map(|(row, _)| *row)
            .filter(|row| owners[*row] > cap)
            .collect();
        if above.is_empty() {
            return Ok(0);
        }
        open.retain(|(row, _)| owners[*row] <= cap);
        let excess = sum(above.iter().map(|row| owners[*row].saturating_sub(cap)));
        for row in above {
            owners[row] = cap;
        }
        if open.is_empty() {
            return Ok(excess);
        }
        for ((row, _), share) in open.iter().zip(divide(excess, &open)?) {
            owners[*row] = owners[*row].saturating_add(share.amount);
        }
    }
}

/// Divides an owner's amount among its contributions by weight.
fn share_within(
    run: &Run,
    owner: usize,
    amount: i64,
    contributions: &mut Table<Share>,
) -> Result<(), Fault> {
    let rows = &run.owners[owner].contributions;
    let weights: Vec<(usize, u128)> = rows
        .iter()
        .map(|row| (*row, u128::from(run.contributions[*row].weight)))
        .collect();
    for (row, share) in rows.iter().zip(divide(amount, &weights)?) {
        contributions[*row] = share;
    }
    Ok(())
}

fn explain_shares(
    run: &Run,
    owners: &Table<Share>,
    contributions: &Table<Share>,
    result: &mut Settlement,
) {
    let distributed = result.shared;
    // All weights together were checked to fit 63 bits.
    let total_weight = run
        .owners
        .iter()
        .fold(0u64, |sum, owner| sum.saturating_add(owner.weight));
    for (contribution, share) in run.contributions.iter().zip(contributions.iter()) {
        let owner = &run.owners[contribution.owner];
        let owner_share = owners[contribution.owner];
        result.lines.push(Line {
            step: 7,
            name: LineName::ValueShare,
            contribution: Some(contribution.id.clone()),
            party: Some(run.parties[contribution.party].id.clone()),
            amount: share.amount,
            because: Because::ValueShare {
                distributed,
                leftover_unit: share.leftover_unit,
                owner: owner.id.clone(),
                owner_leftover_unit: owner_share.leftover_unit,
                owner_share: owner_share.amount,
                owner_weight: owner.weight,
                total_weight,
                weight: contribution.weight,
            },
        });
    }
}

struct Capping<'a> {
    cap: i64,
    before: Table<i64>,
    after: &'a Table<i64>,
}

impl Capping<'_> {
    /// Explains what changed for the contributions of owners whose amount changed.
    fn explain(
        &self,
        run: &Run,
        before: &Table<Share>,
        after: &Table<Share>,
        result: &mut Settlement,
    ) {
        for (row, contribution) in run.contributions.iter().enumerate() {
            let owner = contribution.owner;
            if self.before[owner] == self.after[owner] {
                continue;
            }
            let (share_before, share_after) = (before[row].amount, after[row].amount);
            result.lines.push(Line {
                step: 8,
                name: LineName::OwnerCap,
                contribution: Some(contribution.id.clone()),
                party: Some(run.parties[contribution.party].id.clone()),
                // Neither is negative, so the difference fits.
                amount: share_after.saturating_sub(share_before),
                because: Because::OwnerCap {
                    cap: self.cap,
                    owner: run.owners[owner].id.clone(),
                    owner_share_after: self.after[owner],
                    owner_share_before: self.before[owner],
                    share_after,
                    share_before,
                },
            });
        }
    }
}
