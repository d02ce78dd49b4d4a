//! Booking: which postings an entry makes, and how they become rows.
//!
//! `docs/settlement.md` lists the accounts and the postings of each step. Balances that a
//! settlement opens with (carried amounts, debts, what a pool carries) are read from the accounts,
//! so that nothing stands in two places.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::decide::{Stop, refuse};
use super::rows::{AccountRow, KeyPart, Locator, PostingRow};
use super::state::State;
use super::view::{Order, ViewFault};
use crate::book::{Account, BookError, OwnerAccount, PartyAccount, PoolAccount, Posting, post};
use crate::domain::{Currency, Money, PartyName, PoolName, Reason, RevenueKind};
use crate::settlement::{Outcome, PartyResult, Settlement};

/// Returns the balance of an account in minor units; an account that was never moved holds zero.
///
/// # Errors
/// Fails when the storage does.
pub(crate) fn balance(state: &State<'_>, account: &Account) -> Result<i64, ViewFault> {
    let row = state.get::<AccountRow>(account)?;
    Ok(row.map_or(0, |row| row.balance))
}

/// Returns the balance that an account had before an entry, in minor units.
///
/// # Errors
/// Fails when the storage does.
pub(crate) fn balance_before(
    state: &State<'_>,
    account: &Account,
    index: u64,
) -> Result<i64, ViewFault> {
    let from = account.prefix();
    let to = (account.clone(), Locator { index, number: 0 }).prefix();
    let mut balance = 0;
    state.scan_between::<PostingRow>(&from, &to, Order::Descending, |_, row| {
        balance = row.balance;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(balance)
}

/// Reads the account that a row's key (without the table's tag) names.
///
/// # Errors
/// A fault where it names none.
pub(crate) fn account_of_key(key: &[u8]) -> Result<Account, ViewFault> {
    let name = key.split(|byte| *byte == 0).next().unwrap_or_default();
    let account = std::str::from_utf8(name)
        .ok()
        .and_then(|name| name.parse().ok());
    account.ok_or_else(|| ViewFault::new(format!("the key {} names no account", hex::encode(key))))
}

/// Books the postings of an entry.
///
/// # Errors
/// `AMOUNT_OUT_OF_RANGE` where a balance would be beyond 64 bits; `INTERNAL` where the postings
/// do not hold, which no command can bring about; or a fault of the storage.
pub(crate) fn book(state: &mut State<'_>, index: u64, postings: Vec<Posting>) -> Result<(), Stop> {
    let mut balances = BTreeMap::new();
    for posting in &postings {
        let before = balance(state, &posting.account)?;
        balances.insert(posting.account.clone(), before);
    }
    let booked = match post(postings, &mut balances) {
        Ok(booked) => booked,
        Err(error @ BookError::Overflow { .. }) => {
            return refuse(Reason::AmountOutOfRange, error.to_string());
        }
        Err(error) => return refuse(Reason::Internal, format!("nothing was booked: {error}")),
    };
    for one in booked {
        let account = one.posting.account;
        let row = AccountRow {
            balance: one.balance,
            last_index: index,
        };
        state.put(&account, &row);
        let at = Locator {
            index,
            number: one.number,
        };
        let row = PostingRow {
            amount: one.posting.amount,
            balance: one.balance,
        };
        state.put(&(account, at), &row);
    }
    Ok(())
}

/// Returns the postings of revenue: a receipt brings money, the others take it back.
pub(crate) fn revenue_postings(pool: &PoolName, kind: RevenueKind, amount: Money) -> Vec<Posting> {
    let currency = amount.currency;
    let revenue = match kind {
        RevenueKind::Receipt => amount.minor_units,
        RevenueKind::Refund | RevenueKind::Chargeback => amount.minor_units.saturating_neg(),
    };
    let account = |kind| Account::of_pool(kind, pool, currency);
    vec![
        Posting::new(account(PoolAccount::Cash), revenue.saturating_neg()),
        Posting::new(account(PoolAccount::Revenue), revenue),
    ]
}

/// What a pool and its parties carry into a run, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Openings {
    /// The pool's profit layer.
    pub profit_layer: i64,
    /// The pool's deficit, as a positive amount.
    pub deficit: i64,
    /// The pool's over-recovery.
    pub over_recovery: i64,
}

impl Openings {
    /// Reads the openings of a pool.
    ///
    /// # Errors
    /// Fails when the storage does.
    pub fn of(state: &State<'_>, pool: &PoolName, currency: Currency) -> Result<Self, ViewFault> {
        let read = |kind| balance(state, &Account::of_pool(kind, pool, currency));
        Ok(Self {
            profit_layer: read(PoolAccount::ProfitLayer)?,
            deficit: read(PoolAccount::Deficit)?.saturating_neg(),
            over_recovery: read(PoolAccount::OverRecovery)?,
        })
    }
}

/// The pool that an outcome is booked for.
pub(crate) struct SettledPool<'a> {
    /// The pool.
    pub pool: &'a PoolName,
    /// Its currency.
    pub currency: Currency,
    /// What it carried in.
    pub openings: &'a Openings,
}

impl SettledPool<'_> {
    fn account(&self, kind: PoolAccount) -> Account {
        Account::of_pool(kind, self.pool, self.currency)
    }

    /// Returns the postings of an outcome.
    ///
    /// # Errors
    /// `INTERNAL` where the outcome names a party that has no name of a party.
    pub fn postings(&self, outcome: &Outcome) -> Result<Vec<Posting>, Stop> {
        match outcome {
            Outcome::Stopped(stopped) => {
                // The deficit carried in is part of the new one, so the difference is posted.
                let added = self.openings.deficit.saturating_sub(stopped.pool_deficit);
                Ok(vec![
                    Posting::new(self.account(PoolAccount::Revenue), added.saturating_neg()),
                    Posting::new(self.account(PoolAccount::Deficit), added),
                ])
            }
            Outcome::Settled(settlement) => self.settled(settlement),
        }
    }

    fn settled(&self, settlement: &Settlement) -> Result<Vec<Posting>, Stop> {
        let openings = self.openings;
        let of_period = settlement.net.saturating_add(openings.deficit);
        let mut postings = Vec::new();
        let mut add = |kind, amount| postings.push(Posting::new(self.account(kind), amount));
        add(PoolAccount::Revenue, of_period.saturating_neg());
        add(PoolAccount::Deficit, openings.deficit);
        add(PoolAccount::OperatorFee, settlement.operator_fee);
        add(
            PoolAccount::OverRecovery,
            openings.over_recovery.saturating_neg(),
        );
        add(PoolAccount::OverRecovery, settlement.over_recovery);
        add(PoolAccount::PublicInterest, settlement.public_interest);
        add(
            PoolAccount::ProfitLayer,
            openings.profit_layer.saturating_neg(),
        );
        add(PoolAccount::ProfitLayer, settlement.next_profit_layer);
        for party in &settlement.parties {
            self.party(party, &mut postings)?;
        }
        Ok(postings)
    }

    fn party(&self, result: &PartyResult, postings: &mut Vec<Posting>) -> Result<(), Stop> {
        let (Ok(party), Ok(owner)) = (
            result.id.parse::<PartyName>(),
            result.owner.parse::<PartyName>(),
        ) else {
            let message = format!("the settlement pays {}, which is no party", result.id);
            return refuse(Reason::Internal, message);
        };
        let account = |kind| Account::of_party(kind, &party, self.currency);
        let debt = Account::of_owner(OwnerAccount::Debt, &owner, self.currency);
        postings.extend([
            Posting::new(
                account(PartyAccount::Carried),
                result.carried_in.saturating_neg(),
            ),
            Posting::new(account(PartyAccount::Carried), result.carried),
            Posting::new(account(PartyAccount::Payable), result.payable),
            Posting::new(account(PartyAccount::HeldCost), result.held_cost),
            Posting::new(account(PartyAccount::HeldProfit), result.held_profit),
            Posting::new(account(PartyAccount::Reserve), result.reserve),
            Posting::new(account(PartyAccount::Tax), result.tax),
            Posting::new(debt, result.offset),
        ]);
        Ok(())
    }
}
