//! What can be paid to a party: the balance of its payable account, less what still waits for the
//! days of objection of the settlements that brought it.

use super::booking::balance;
use super::rows::{KeyPart, Locator, WaitingRow};
use super::state::State;
use super::view::ViewFault;
use crate::book::{Account, PartyAccount};
use crate::domain::{Currency, PartyName, UnixMillis};

/// A day, in milliseconds.
const DAY_MS: u64 = 86_400_000;

/// What is payable to a party in a currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payable {
    /// The account.
    pub account: Account,
    /// What it holds, in minor units.
    pub balance: i64,
    /// What of it was booked with days of objection, by the settlement that booked it.
    pub waiting: Vec<(Locator, WaitingRow)>,
}

impl Payable {
    /// Reads what is payable to a party.
    ///
    /// # Errors
    /// Fails when the storage does.
    pub(crate) fn of(
        state: &State<'_>,
        party: &PartyName,
        currency: Currency,
    ) -> Result<Self, ViewFault> {
        Self::in_account(
            state,
            Account::of_party(PartyAccount::Payable, party, currency),
        )
    }

    /// Reads what is payable in a payable account.
    ///
    /// # Errors
    /// Fails when the storage does.
    pub(crate) fn in_account(state: &State<'_>, account: Account) -> Result<Self, ViewFault> {
        let mut waiting = Vec::new();
        for (rest, row) in state.list::<WaitingRow>(&account.prefix())? {
            let missing = || ViewFault::new(format!("what waits in {account} has no place"));
            waiting.push((Locator::from_key(&rest).ok_or_else(missing)?, row));
        }
        Ok(Self {
            balance: balance(state, &account)?,
            account,
            waiting,
        })
    }

    /// Returns what can be paid out at a time, in minor units.
    pub fn free_at(&self, now: UnixMillis) -> i64 {
        let waiting = self.waiting.iter().filter(|(_, row)| row.waits_at(now));
        // Parts of the balance, whose sum fits as the balance does.
        let waiting = waiting.fold(0_i64, |sum, (_, row)| sum.saturating_add(row.amount));
        self.balance.saturating_sub(waiting).max(0)
    }

    /// Returns the first time after `now` at which more can be paid out; none where nothing waits.
    pub fn more_from(&self, now: UnixMillis) -> Option<UnixMillis> {
        let waiting = self.waiting.iter().filter(|(_, row)| row.waits_at(now));
        waiting.map(|(_, row)| row.payable_from).min()
    }
}

impl WaitingRow {
    /// Returns what a settlement that is recorded now makes payable after days of objection.
    pub(crate) fn after(amount: i64, now: UnixMillis, objection_days: u32) -> Self {
        let days = u64::from(objection_days).saturating_mul(DAY_MS);
        Self {
            amount,
            payable_from: UnixMillis(now.0.saturating_add(days)),
        }
    }

    /// Says whether the amount still waits at a time.
    pub fn waits_at(&self, now: UnixMillis) -> bool {
        now < self.payable_from
    }
}
