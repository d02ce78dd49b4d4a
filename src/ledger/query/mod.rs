//! Reads for the services: pure functions of a view and of who asks.
//!
//! Every query asks [`Caller`](super::Caller) what may be seen and answers what may not be seen
//! exactly like what does not exist. Lists go from the newest to the oldest and are pinned to a
//! size of the log, so that what is recorded while somebody turns pages shifts nothing.

mod book;
mod commands;
mod contributions;
mod page;
mod parties;
mod reference;
mod settlements;
mod statement;
#[cfg(test)]
mod tests;
mod valuations;

pub use book::{
    AccountPage, CurrencyTotals, ShownPosting, TrialBalance, accounts, postings, trial_balance,
};
pub use commands::command_index;
pub use contributions::{Contribution, ContributionFilter, contribution, contributions};
pub use page::{Cursor, PAGE_ROWS_MAX, Page};
pub use parties::{KEYS_SHOWN_MAX, Party, PartyFilter, charter, parties, party};
pub use reference::{CANDIDATES_MAX, REFERENCE_DIGITS_MIN};
pub use settlements::{
    LineFilter, LinePage, Preview, ProvedLine, Settlement, lines, preview, settlement, settlements,
};
pub use statement::{Statement, StatementLine, StatementPool, statement};
pub use valuations::{
    TablePage, TableRow, Valuation, ValuationFilter, valuation, valuations, value_table,
};
