//! Invariants of payouts and of what waits for the days of objection.

use std::collections::BTreeMap;

use super::Findings;
use crate::book::{Account, Holder, PartyAccount};
use crate::domain::PayoutState;
use crate::ledger::booking::{account_of_key, balance};
use crate::ledger::payable::Payable;
use crate::ledger::rows::{
    AccountRow, BankReferenceRow, Locator, PayoutReferenceRow, PayoutRow, SettlementRow, ThingKind,
    ThingRow, WaitingRow,
};
use crate::ledger::state::State;
use crate::ledger::view::ViewFault;

pub(super) fn payouts(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    let mut sums: BTreeMap<Account, i128> = BTreeMap::new();
    state.each::<PayoutRow>(|key, row| {
        let Some(at) = Locator::from_key(key) else {
            findings.expect(false, || format!("{} is no place", hex::encode(key)));
            return Ok(());
        };
        let id = row.id;
        let kind = ThingKind::Payout;
        let thing = state.get::<ThingRow>(&id)?;
        let referred = state.get::<PayoutReferenceRow>(&row.reference)?;
        let known =
            thing == Some(ThingRow { at, kind }) && referred == Some(PayoutReferenceRow { at });
        findings.expect(known, || {
            format!("the payout {id} is known as {thing:?} and {referred:?}")
        });
        let mut sound = row.amount.minor_units > 0;
        if let Some(decision) = &row.decision {
            sound &= decision.at > at.index;
            if let Some(reference) = &decision.bank_reference {
                let referred = state.get::<BankReferenceRow>(reference)?;
                sound &= referred == Some(BankReferenceRow { at });
            }
        }
        findings.expect(sound, || format!("the payout {id} is {row:?}"));
        let kind = match row.state() {
            PayoutState::Pending => PartyAccount::Paying,
            PayoutState::Settled => PartyAccount::Paid,
            PayoutState::Failed => return Ok(()),
        };
        let account = Account::of_party(kind, &row.party, row.amount.currency);
        let sum = sums.entry(account).or_default();
        *sum = sum.saturating_add(row.amount.minor_units.into());
        Ok(())
    })?;
    state.each::<AccountRow>(|key, row| {
        let account = account_of_key(key)?;
        let paid = matches!(
            account.holder,
            Holder::Party(PartyAccount::Paying | PartyAccount::Paid, _)
        );
        let sum = sums.remove(&account).unwrap_or(0);
        findings.expect(!paid || sum == i128::from(row.balance), || {
            format!("{account} holds {}, its payouts {sum}", row.balance)
        });
        Ok(())
    })?;
    findings.expect(sums.is_empty(), || {
        format!("payouts without an account: {sums:?}")
    });
    Ok(())
}

pub(super) fn waiting(state: &State<'_>, findings: &mut Findings) -> Result<(), ViewFault> {
    let mut sums: BTreeMap<Account, i128> = BTreeMap::new();
    state.each::<WaitingRow>(|key, row| {
        let account = account_of_key(key)?;
        let tail = key.len().checked_sub(Locator::SIZE);
        let at = tail
            .and_then(|tail| key.get(tail..))
            .and_then(Locator::from_key);
        let settled = match at {
            Some(at) => state.get::<SettlementRow>(&at)?.is_some(),
            None => false,
        };
        findings.expect(settled && row.amount > 0, || {
            format!("{row:?} waits in {account}, which {at:?} did not settle")
        });
        let sum = sums.entry(account).or_default();
        *sum = sum.saturating_add(row.amount.into());
        Ok(())
    })?;
    for (account, _) in sums {
        let holds = balance(state, &account)?;
        let payable = Payable::in_account(state, account)?;
        let last = payable.waiting.iter().map(|(_, row)| row.payable_from);
        let free = last.max().map_or(holds, |last| payable.free_at(last));
        findings.expect(free == holds, || {
            format!(
                "{} holds {holds}, of which {free} is ever free",
                payable.account
            )
        });
    }
    Ok(())
}
