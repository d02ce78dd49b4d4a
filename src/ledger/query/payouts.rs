//! Payouts, and what is payable.

use std::ops::ControlFlow;

use super::page::{Cursor, PAGE_ROWS_MAX, Page, Span, newest};
use super::reference::by_digits;
use crate::book::{Account, Holder, PartyAccount};
use crate::domain::{PartyName, PayoutState};
use crate::ledger::access::Caller;
use crate::ledger::booking::account_of_key;
use crate::ledger::decide::Stop;
pub use crate::ledger::payable::Payable;
use crate::ledger::rows::{AccountRow, KeyPart, Locator, PayoutRow, ThingKind};
use crate::ledger::state::State;
use crate::ledger::view::{Order, View, ViewFault, prefix_end};

/// A payout as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// Where it was issued.
    pub at: Locator,
    /// Its row.
    pub row: PayoutRow,
}

/// Which payouts are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PayoutFilter {
    /// Only to this party.
    pub party: Option<PartyName>,
    /// Only those that stand there.
    pub state: Option<PayoutState>,
}

/// A page of what is payable, ascending by account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayablePage {
    /// What is payable, of accounts that hold something.
    pub payables: Vec<Payable>,
    /// The last account looked at, after which the list goes on; none at its end.
    pub next: Option<Account>,
}

/// Returns a payout by its id in hex, or by at least
/// [`REFERENCE_DIGITS_MIN`](super::REFERENCE_DIGITS_MIN) digits of it.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_ARGUMENT` where the reference has another form, or stands for several
/// payouts that the caller may see; or a fault of the storage.
pub fn payout(view: &dyn View, caller: &Caller, reference: &str) -> Result<Payout, Stop> {
    let state = State::new(view);
    let select = |at| {
        let Some(row) = state.get::<PayoutRow>(&at)? else {
            let message = format!("the payout of entry {} has no row", at.index);
            return Err(ViewFault::new(message).into());
        };
        let id = row.id.to_string();
        let seen = caller.sees_party(&row.party);
        Ok(seen.then_some((Payout { at, row }, id)))
    };
    by_digits(&state, "payout", reference, ThingKind::Payout, &select)
}

/// Lists payouts, the newest first.
///
/// # Errors
/// Fails when the storage does.
pub fn payouts(
    view: &dyn View,
    caller: &Caller,
    filter: &PayoutFilter,
    cursor: Cursor,
    limit: usize,
) -> Result<Page<Payout>, ViewFault> {
    let state = State::new(view);
    let span = Span::all(cursor, limit);
    newest(&state, &[], span, &mut |at, row: PayoutRow| {
        let of = |party: &PartyName| row.party == *party;
        let wanted = caller.sees_party(&row.party)
            && filter.party.as_ref().is_none_or(of)
            && filter.state.is_none_or(|state| row.state() == state);
        Ok(wanted.then_some(Payout { at, row }))
    })
}

/// Lists what is payable, to one party or to all, ascending by account, after an account.
///
/// # Errors
/// Fails when the storage does.
pub fn payables(
    view: &dyn View,
    caller: &Caller,
    party: Option<&PartyName>,
    after: Option<&Account>,
    limit: usize,
) -> Result<PayablePage, ViewFault> {
    let state = State::new(view);
    let kind = PartyAccount::Payable.as_str();
    let prefix = match party {
        Some(party) => format!("{kind}/{party}/"),
        None => format!("{kind}/"),
    };
    // The smallest key behind the account's own.
    let after = after.map(|account| [account.prefix().as_slice(), &[0]].concat());
    let from = after.unwrap_or_default().max(prefix.clone().into_bytes());
    let to = prefix_end(prefix.as_bytes()).unwrap_or_default();
    let mut page = PayablePage {
        payables: Vec::new(),
        next: None,
    };
    let mut looked_at = 0_usize;
    state.scan_between::<AccountRow>(&from, &to, Order::Ascending, |key, row| {
        let account = account_of_key(key)?;
        let seen = match &account.holder {
            Holder::Party(_, party) => caller.sees_party(party),
            Holder::Pool(..) | Holder::Owner(..) => false,
        };
        if seen && row.balance != 0 {
            page.payables
                .push(Payable::in_account(&state, account.clone())?);
        }
        // Counts to `PAGE_ROWS_MAX` and stops there.
        looked_at = looked_at.saturating_add(1);
        if page.payables.len() < limit && looked_at < PAGE_ROWS_MAX {
            return Ok(ControlFlow::Continue(()));
        }
        page.next = Some(account);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(page)
}
