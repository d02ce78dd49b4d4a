//! Step 17: what came in is what goes out, to the last unit, or there is no result.

use super::Fault;
use super::outcome::{PartyResult, Settlement};
use super::run::Run;

/// Compares what the run took in with what it gives out, as a whole and party by party.
///
/// # Errors
/// [`Fault::NotConserved`] or [`Fault::PartyNotConserved`].
pub(super) fn check(run: &Run, result: &Settlement) -> Result<(), Fault> {
    let opening = &run.opening;
    let carried_in = total(run.parties.iter().map(|party| party.carried));
    let came_in =
        total([result.net, opening.profit_layer, opening.over_recovery]).saturating_add(carried_in);
    let pool = total([
        result.operator_fee,
        result.over_recovery,
        result.public_interest,
        result.next_profit_layer,
    ]);
    let parties = result
        .parties
        .iter()
        .map(given)
        .fold(0, i128::saturating_add);
    let goes_out = pool.saturating_add(parties);
    if came_in != goes_out {
        return Err(Fault::NotConserved { came_in, goes_out });
    }
    let unequal = result
        .parties
        .iter()
        .find(|party| given(party) != total([party.cost, party.profit, party.carried_in]));
    match unequal {
        Some(party) => Err(Fault::PartyNotConserved {
            party: party.id.clone(),
        }),
        None => Ok(()),
    }
}

fn given(party: &PartyResult) -> i128 {
    total([
        party.payable,
        party.carried,
        party.held_cost,
        party.held_profit,
        party.offset,
        party.reserve,
        party.tax,
    ])
}

/// Returns a sum of amounts; as many as fit memory cannot reach 128 bits.
fn total(amounts: impl IntoIterator<Item = i64>) -> i128 {
    amounts
        .into_iter()
        .fold(0, |sum, amount| sum.saturating_add(i128::from(amount)))
}
