//! Payouts: money leaves what is payable, is on its way, and has gone out or comes back.
//!
//! A payout moves its amount when it is issued, so the same money is never on its way twice; a
//! repeat after a failure is another payout, with a reference of its own.

use crate::book::{Account, PartyAccount, Posting};
use crate::domain::{
    FailPayout, IssuePayout, Money, PartyName, Reason, Rejection, SettlePayout, ThingId, Violation,
};
use crate::ledger::booking::book;
use crate::ledger::decide::{Rules, Stop, not_found, refuse};
use crate::ledger::find;
use crate::ledger::payable::Payable;
use crate::ledger::rows::{
    BankReferenceRow, Locator, PartyRow, PayoutDecision, PayoutReferenceRow, PayoutRow, ThingKind,
    WaitingRow,
};

pub(super) fn issue(rules: &mut Rules<'_>, payout: &IssuePayout) -> Result<Vec<ThingKind>, Stop> {
    let IssuePayout {
        party,
        amount,
        reference,
    } = payout;
    if amount.minor_units <= 0 {
        let violation = Violation::new("issue_payout.amount", "must be above zero");
        return Err(Rejection::with_violations(Reason::InvalidArgument, vec![violation]).into());
    }
    if rules.state.get::<PartyRow>(party)?.is_none() {
        return not_found(format!("party {party}"));
    }
    let payable = Payable::of(&rules.state, party, amount.currency)?;
    check_payable(rules, &payable, *amount)?;
    if rules.state.get::<PayoutReferenceRow>(reference)?.is_some() {
        let message = format!(
            "a payout has the reference {reference:?} already; a repeat after a failure takes \
             another one"
        );
        return refuse(Reason::ReferenceTaken, message);
    }
    let now = rules.submission.recorded_at;
    for (at, row) in payable.waiting {
        if !row.waits_at(now) {
            rules
                .state
                .delete::<WaitingRow>(&(payable.account.clone(), at));
        }
    }
    let at = rules.first_locator();
    let row = PayoutRow {
        id: rules.submission.id.thing(0),
        party: party.clone(),
        amount: *amount,
        reference: reference.clone(),
        decision: None,
    };
    rules.state.put(&at, &row);
    rules.state.put(reference, &PayoutReferenceRow { at });
    transfer(
        rules,
        party,
        *amount,
        PartyAccount::Payable,
        PartyAccount::Paying,
    )?;
    Ok(vec![ThingKind::Payout])
}

fn check_payable(rules: &Rules<'_>, payable: &Payable, amount: Money) -> Result<(), Stop> {
    let now = rules.submission.recorded_at;
    let money = |minor_units| Money {
        minor_units,
        ..amount
    };
    let free = money(payable.free_at(now));
    if amount.minor_units <= free.minor_units {
        return Ok(());
    }
    let mut message = format!(
        "{amount} is more than the {free} that can be paid now from {}",
        payable.account
    );
    if let Some(more_from) = payable.more_from(now) {
        message.push_str(&format!(
            "; of its {} more can be paid from {more_from} on, when days of objection are over",
            money(payable.balance)
        ));
    }
    let rejection = Rejection::new(Reason::NotPayable, message)
        .fact("payable", payable.balance)
        .fact("payable_now", free.minor_units);
    Err(rejection.into())
}

pub(super) fn settle(
    rules: &mut Rules<'_>,
    settled: &SettlePayout,
) -> Result<Vec<ThingKind>, Stop> {
    let (at, row) = pending(rules, &settled.payout)?;
    let reference = &settled.bank_reference;
    if rules.state.get::<BankReferenceRow>(reference)?.is_some() {
        let message = format!("a payout has the bank's reference {reference:?} already");
        return refuse(Reason::ReferenceTaken, message);
    }
    rules.state.put(reference, &BankReferenceRow { at });
    decide(rules, at, &row, Some(reference.clone()));
    let (from, to) = (PartyAccount::Paying, PartyAccount::Paid);
    transfer(rules, &row.party, row.amount, from, to)?;
    Ok(vec![ThingKind::Nothing])
}

pub(super) fn fail(rules: &mut Rules<'_>, failed: &FailPayout) -> Result<Vec<ThingKind>, Stop> {
    let (at, row) = pending(rules, &failed.payout)?;
    decide(rules, at, &row, None);
    let (from, to) = (PartyAccount::Paying, PartyAccount::Payable);
    transfer(rules, &row.party, row.amount, from, to)?;
    Ok(vec![ThingKind::Nothing])
}

/// Returns a payout that is on its way.
fn pending(rules: &Rules<'_>, id: &ThingId) -> Result<(Locator, PayoutRow), Stop> {
    let Some((at, row)) = find::payout(&rules.state, id)? else {
        return not_found(format!("payout {id}"));
    };
    let Some(decision) = &row.decision else {
        return Ok((at, row));
    };
    let ended = match decision.bank_reference {
        Some(_) => "was settled",
        None => "failed",
    };
    let message = format!("the payout {ended} by the entry {}", decision.at);
    refuse(Reason::PayoutDecided, message)
}

fn decide(rules: &mut Rules<'_>, at: Locator, row: &PayoutRow, bank_reference: Option<String>) {
    let decision = Some(PayoutDecision {
        at: rules.index(),
        bank_reference,
    });
    let row = PayoutRow {
        decision,
        ..row.clone()
    };
    rules.state.put(&at, &row);
}

/// Moves an amount between two accounts of a party.
fn transfer(
    rules: &mut Rules<'_>,
    party: &PartyName,
    amount: Money,
    from: PartyAccount,
    to: PartyAccount,
) -> Result<(), Stop> {
    let account = |kind| Account::of_party(kind, party, amount.currency);
    let minor_units = amount.minor_units;
    let postings = vec![
        // Amounts are above zero, so that the sign can change.
        Posting::new(account(from), minor_units.saturating_neg()),
        Posting::new(account(to), minor_units),
    ];
    book(&mut rules.state, rules.submission.index, postings)
}
