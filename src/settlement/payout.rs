//! Steps 12 to 15: tax, offset against debts, reserve, and what can be paid out.

use crate::domain::Violation;

use super::amount::{Share, divide, rate_of, unsigned};
use super::check;
use super::hold::Earned;
use super::lines::{Because, LineName};
use super::outcome::{PartyResult, Settlement};
use super::run::Run;
use super::settle::SettleError;
use super::table::Table;

/// What is taken from a party's unheld earnings.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    /// Costs and profit that are not contested.
    unheld: i64,
    tax: i64,
    offset: i64,
    reserve: i64,
}

/// Takes tax, offset and reserve from each party and says what is payable and what is carried.
///
/// # Errors
/// A violation when what a party has to get does not fit an amount; [`super::Fault`] otherwise.
pub(super) fn pay_out(
    run: &Run,
    earned: &Table<Earned>,
    result: &mut Settlement,
) -> Result<(), SettleError> {
    let mut taken = withhold_tax(run, earned, result)?;
    offset_debts(run, &mut taken, result)?;
    set_reserve(run, &mut taken, result);
    let minimum_payout = run.policy.minimum_payout.unwrap_or(0);
    let mut found = Vec::new();
    for (row, party) in run.parties.iter().enumerate() {
        let (taken, earned) = (taken[row], earned[row]);
        let after_tax = taken.unheld.saturating_sub(taken.tax);
        let left = after_tax
            .saturating_sub(taken.offset)
            .saturating_sub(taken.reserve);
        let Some(due) = left.checked_add(party.carried) else {
            let path = format!("parties[{}].carried", party.position);
            found.push(Violation::new(
                path,
                check::beyond("what the party has to get"),
            ));
            continue;
        };
        let is_payable = due >= minimum_payout && due > 0;
        let name = if is_payable {
            LineName::Payable
        } else {
            LineName::Carried
        };
        let because = Because::Payout {
            carried_in: party.carried,
            left,
            minimum_payout,
        };
        result.party_line(15, name, party.id, due, because);
        result.parties.push(PartyResult {
            id: party.id.clone(),
            owner: run.owners[party.owner].id.clone(),
            carried_in: party.carried,
            cost: earned.cost,
            profit: earned.profit,
            payable: if is_payable { due } else { 0 },
            carried: if is_payable { 0 } else { due },
            held_cost: earned.held_cost,
            held_profit: earned.held_profit,
            offset: taken.offset,
            reserve: taken.reserve,
            tax: taken.tax,
        });
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(SettleError::Refused(found))
    }
}

/// Step 12: taxes unheld profit, before anything else is taken from it.
///
/// Costs come out of the net revenue and profit out of the profit layer; each fits an amount, but
/// what a party has of both may not.
fn withhold_tax(
    run: &Run,
    earned: &Table<Earned>,
    result: &mut Settlement,
) -> Result<Table<Taken>, Violation> {
    let mut taken: Table<Taken> = Table::beside(&run.parties);
    for (row, party) in run.parties.iter().enumerate() {
        let Earned {
            cost,
            held_cost,
            profit,
            held_profit,
        } = earned[row];
        let unheld_profit = profit.saturating_sub(held_profit);
        let unheld_cost = cost.saturating_sub(held_cost);
        let unheld = unheld_cost.checked_add(unheld_profit).ok_or_else(|| {
            let path = format!("parties[{}]", party.position);
            Violation::new(path, check::beyond("what the party earned"))
        })?;
        let tax = rate_of(unheld_profit, party.tax_bps);
        taken[row] = Taken {
            unheld,
            tax,
            ..Taken::default()
        };
        if party.tax_bps > 0 {
            let because = Because::WithholdingTax {
                bps: party.tax_bps,
                unheld_profit,
            };
            result.party_line(
                12,
                LineName::WithholdingTax,
                party.id,
                tax.saturating_neg(),
                because,
            );
        }
    }
    Ok(taken)
}

/// Step 13: keeps back what owners owe, within each party's limit.
fn offset_debts(
    run: &Run,
    taken: &mut Table<Taken>,
    result: &mut Settlement,
) -> Result<(), SettleError> {
    let Some(offset_max_bps) = run.policy.offset_max_bps else {
        return Ok(());
    };
    let mut shares: Table<(Share, u128)> = Table::beside(&run.parties);
    for owner in run.owners.iter().filter(|owner| owner.debt > 0) {
        let limits: Vec<(usize, u128)> = owner
            .parties
            .iter()
            .map(|party| {
                (
                    *party,
                    unsigned(offset_limit(&taken[*party], offset_max_bps)),
                )
            })
            .collect();
        // As many terms as fit memory, each below 2^63, cannot reach 2^128.
        let sum = limits
            .iter()
            .fold(0u128, |sum, (_, limit)| sum.saturating_add(*limit));
        let kept_back = i64::try_from(sum).unwrap_or(i64::MAX).min(owner.debt);
        for ((party, _), share) in limits.iter().zip(divide(kept_back, &limits)?) {
            shares[*party] = (share, sum);
        }
    }
    for (row, party) in run.parties.iter().enumerate() {
        let owner = &run.owners[party.owner];
        if owner.debt == 0 {
            continue;
        }
        let (share, limits) = shares[row];
        let because = Because::Offset {
            debt: owner.debt,
            leftover_unit: share.leftover_unit,
            limit: offset_limit(&taken[row], offset_max_bps),
            limits,
            offset_max_bps,
            owner: owner.id.clone(),
            tax: taken[row].tax,
            unheld: taken[row].unheld,
        };
        taken[row].offset = share.amount;
        let amount = share.amount.saturating_neg();
        result.party_line(13, LineName::Offset, party.id, amount, because);
    }
    Ok(())
}

fn offset_limit(taken: &Taken, offset_max_bps: u32) -> i64 {
    rate_of(taken.unheld, offset_max_bps).min(taken.unheld.saturating_sub(taken.tax))
}

/// Step 14: sets the reserve aside, untouched by tax already taken.
fn set_reserve(run: &Run, taken: &mut Table<Taken>, result: &mut Settlement) {
    let Some(rule) = &run.policy.reserve else {
        return;
    };
    for (row, party) in run.parties.iter().enumerate() {
        let Taken {
            unheld,
            tax,
            offset,
            ..
        } = taken[row];
        let rest = unheld.saturating_sub(offset);
        let reserve = rate_of(rest, rule.bps).min(rest.saturating_sub(tax));
        taken[row].reserve = reserve;
        let because = Because::Reserve {
            bps: rule.bps,
            offset,
            tax,
            unheld,
        };
        result.party_line(
            14,
            LineName::Reserve,
            party.id,
            reserve.saturating_neg(),
            because,
        );
    }
}
