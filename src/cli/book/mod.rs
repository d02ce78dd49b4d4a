//! `fenrun book`: the double-entry accounts.

mod accounts;
mod balance;
mod export;
mod postings;

use super::args::commands;

commands! {
    /// Shows accounts, postings and their sums, and exports the book
    Accounts => accounts,
    Postings => postings,
    Balance => balance,
    Export => export,
}
