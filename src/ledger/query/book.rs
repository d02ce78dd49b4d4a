//! Accounts, postings and the trial balance.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::page::{Cursor, PAGE_ROWS_MAX, Page, Span, newest};
use crate::book::Account;
use crate::domain::{Currency, Reason};
use crate::ledger::access::Caller;
use crate::ledger::booking::{account_of_key, balance_before};
use crate::ledger::decide::{Stop, not_found, refuse};
use crate::ledger::rows::{AccountRow, KeyPart, Locator, PostingRow};
use crate::ledger::state::State;
use crate::ledger::view::{Order, View, ViewFault, prefix_end};

/// A page of accounts, ascending by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountPage {
    /// The accounts that the caller may see.
    pub accounts: Vec<(Account, AccountRow)>,
    /// The last account looked at, after which the list goes on; none at its end.
    pub next: Option<Account>,
}

/// A posting as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownPosting {
    /// The entry that made it, and its number there.
    pub at: Locator,
    /// The amount, and the balance after it.
    pub row: PostingRow,
}

/// The sums of one currency over all accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrencyTotals {
    /// The currency.
    pub currency: Currency,
    /// The sum of all balances above zero, in minor units.
    pub credits: i128,
    /// The sum of all balances below zero, as a positive number.
    pub debits: i128,
}

/// What all accounts hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialBalance {
    /// The sums by ascending currency; credits equal debits.
    pub currencies: Vec<CurrencyTotals>,
    /// How many accounts there are now.
    pub accounts: u64,
}

/// Lists accounts whose names begin with a text, ascending by name, after an account.
///
/// # Errors
/// Fails when the storage does.
pub fn accounts(
    view: &dyn View,
    caller: &Caller,
    name_prefix: &str,
    after: Option<&Account>,
    limit: usize,
) -> Result<AccountPage, ViewFault> {
    let state = State::new(view);
    let from = match after {
        // The smallest key behind the account's own.
        Some(account) => [account.prefix().as_slice(), &[0]].concat(),
        None => Vec::new(),
    };
    let from = from.max(name_prefix.as_bytes().to_vec());
    // Names are ASCII, so that no name lies beyond this end.
    let to = prefix_end(name_prefix.as_bytes()).unwrap_or_else(|| vec![0x80]);
    let mut page = AccountPage {
        accounts: Vec::new(),
        next: None,
    };
    let mut looked_at = 0_usize;
    state.scan_between::<AccountRow>(&from, &to, Order::Ascending, |key, row| {
        let account = account_of_key(key)?;
        if caller.sees_account(&state, &account)? {
            page.accounts.push((account.clone(), row));
        }
        // Counts to `PAGE_ROWS_MAX` and stops there.
        looked_at = looked_at.saturating_add(1);
        if page.accounts.len() < limit && looked_at < PAGE_ROWS_MAX {
            return Ok(ControlFlow::Continue(()));
        }
        page.next = Some(account);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(page)
}

/// Lists the postings of an account, the newest first.
///
/// # Errors
/// `NOT_FOUND`, or a fault of the storage.
pub fn postings(
    view: &dyn View,
    caller: &Caller,
    account: &Account,
    cursor: Cursor,
    limit: usize,
) -> Result<Page<ShownPosting>, Stop> {
    let state = State::new(view);
    let exists = state.get::<AccountRow>(account)?.is_some();
    if !exists || !caller.sees_account(&state, account)? {
        return not_found(format!("account {account}"));
    }
    let span = Span::all(cursor, limit);
    let page = newest(
        &state,
        &account.prefix(),
        span,
        &mut |at, row: PostingRow| Ok(Some(ShownPosting { at, row })),
    )?;
    Ok(page)
}

/// Returns the balance that an account had when the log had a size; zero where it had not been
/// moved by then.
///
/// # Errors
/// `NOT_FOUND`, or a fault of the storage.
pub fn balance_at(
    view: &dyn View,
    caller: &Caller,
    account: &Account,
    size: u64,
) -> Result<i64, Stop> {
    let state = State::new(view);
    let exists = state.get::<AccountRow>(account)?.is_some();
    if !exists || !caller.sees_account(&state, account)? {
        return not_found(format!("account {account}"));
    }
    Ok(balance_before(&state, account, size)?)
}

/// Returns the sums over all accounts that had been moved when the log had a size; for operators
/// and auditors.
///
/// # Errors
/// `NOT_PERMITTED` for everybody else, or a fault of the storage.
pub fn trial_balance(view: &dyn View, caller: &Caller, size: u64) -> Result<TrialBalance, Stop> {
    if !caller.sees_all() {
        return refuse(
            Reason::NotPermitted,
            "the trial balance is for operators and auditors",
        );
    }
    let mut totals: BTreeMap<Currency, (i128, i128)> = BTreeMap::new();
    let mut accounts = 0_u64;
    let state = State::new(view);
    state.each::<AccountRow>(|key, row| {
        let account = account_of_key(key)?;
        let (credits, debits) = totals.entry(account.currency).or_default();
        let balance = if row.last_index < size {
            row.balance
        } else {
            balance_before(&state, &account, size)?
        };
        let balance = i128::from(balance);
        // As many terms as there are accounts, each below 2^63 in size, cannot reach 2^127.
        *credits = credits.saturating_add(balance.max(0));
        *debits = debits.saturating_sub(balance.min(0));
        accounts = accounts.saturating_add(1);
        Ok(())
    })?;
    let currencies = totals
        .into_iter()
        .map(|(currency, (credits, debits))| CurrencyTotals {
            currency,
            credits,
            debits,
        });
    Ok(TrialBalance {
        currencies: currencies.collect(),
        accounts,
    })
}
