//! Postings: movements on accounts that sum to zero in each currency, and the balances after.

use std::collections::BTreeMap;

use super::account::Account;
use crate::domain::Currency;

/// One movement on one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The account.
    pub account: Account,
    /// Minor units; a credit is positive.
    pub amount: i64,
}

impl Posting {
    /// Returns a posting.
    pub fn new(account: Account, amount: i64) -> Self {
        Self { account, amount }
    }
}

/// A posting as it stands in the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// Its number within the entry, from 0.
    pub number: u32,
    /// The posting.
    pub posting: Posting,
    /// The balance of the account after it, in minor units.
    pub balance: i64,
}

/// Why postings are not booked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// Money would appear or vanish.
    #[error("the postings in {currency} sum to {sum}, not to zero")]
    Unbalanced {
        /// The currency.
        currency: Currency,
        /// The sum, in minor units.
        sum: i128,
    },
    /// A balance would stand where it may not.
    #[error("the balance of {account} would be {balance}, on the wrong side of zero")]
    WrongSide {
        /// The account.
        account: Account,
        /// What the balance would be, in minor units.
        balance: i64,
    },
    /// A balance would not fit.
    #[error("the balance of {account} would be beyond 64 bits")]
    Overflow {
        /// The account.
        account: Account,
    },
    /// An entry makes at most 2^32 postings.
    #[error("an entry cannot make more than 2^32 postings")]
    TooMany,
}

/// Checks that postings sum to zero in each currency.
///
/// # Errors
/// [`BookError::Unbalanced`].
pub fn check_balanced(postings: &[Posting]) -> Result<(), BookError> {
    let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
    for posting in postings {
        let sum = sums.entry(posting.account.currency).or_default();
        // As many terms as fit memory, each below 2^63 in size, cannot reach 2^127.
        *sum = sum.saturating_add(i128::from(posting.amount));
    }
    match sums.into_iter().find(|(_, sum)| *sum != 0) {
        Some((currency, sum)) => Err(BookError::Unbalanced { currency, sum }),
        None => Ok(()),
    }
}

/// Books postings in their order: numbers them and gives each the balance after it. Postings of
/// nothing are left out. `balances` holds the balance before of every account that is moved; an
/// account that it does not name holds zero. Afterwards it holds the balances after.
///
/// Only the balance that an account has in the end must stand on its side of zero: one entry is
/// one movement of money, whatever the order in which it is written down.
///
/// # Errors
/// See [`BookError`]; then nothing is to be booked, and `balances` is not to be used.
pub fn post(
    postings: Vec<Posting>,
    balances: &mut BTreeMap<Account, i64>,
) -> Result<Vec<Booked>, BookError> {
    check_balanced(&postings)?;
    let mut booked = Vec::with_capacity(postings.len());
    let mut number = 0_u32;
    for posting in postings.into_iter().filter(|posting| posting.amount != 0) {
        let account = &posting.account;
        let balance = balances.entry(account.clone()).or_default();
        let Some(after) = balance.checked_add(posting.amount) else {
            let account = account.clone();
            return Err(BookError::Overflow { account });
        };
        *balance = after;
        booked.push(Booked {
            number,
            posting,
            balance: after,
        });
        number = number.checked_add(1).ok_or(BookError::TooMany)?;
    }
    for Booked { posting, .. } in &booked {
        let account = &posting.account;
        let balance = balances.get(account).copied().unwrap_or(0);
        if !account.side().allows(balance) {
            let account = account.clone();
            return Err(BookError::WrongSide { account, balance });
        }
    }
    Ok(booked)
}
