//! Double-entry accounts and postings: what each account holds, at any log index.
//!
//! An amount is positive where an account is credited and negative where it is debited, so that
//! the postings of one entry sum to zero in each currency, and so do all balances. What is owed
//! to somebody stands as a credit; what is had, or is owed by somebody, stands as a debit.
//! [`post`] turns postings into running balances, or refuses them whole.

mod account;
mod journal;
mod posting;
#[cfg(test)]
mod tests;

pub use account::{Account, AccountError, Holder, OwnerAccount, PartyAccount, PoolAccount, Side};
pub use journal::{Transaction, beancount, hledger};
pub use posting::{BookError, Booked, Posting, check_balanced, post};
