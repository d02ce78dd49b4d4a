//! Reads for the services: pure functions of a view and of who asks.
//!
//! Every query asks [`Caller`](super::Caller) what may be seen and answers what may not be seen
//! exactly like what does not exist. Lists go from the newest to the oldest and are pinned to a
//! size of the log, so that what is recorded while somebody turns pages shifts nothing.

mod book;
mod claims;
mod commands;
mod contributions;
mod explain;
mod page;
mod parties;
mod payouts;
mod policies;
#[cfg(test)]
mod pool_tests;
mod pools;
mod reference;
#[cfg(test)]
mod settlement_tests;
mod settlements;
mod statement;
#[cfg(test)]
mod tests;
mod uses;
mod valuations;

pub use book::{
    AccountPage, CurrencyTotals, ShownPosting, TrialBalance, accounts, balance_at, postings,
    trial_balance,
};
pub use claims::{Claim, ClaimFilter, claim, claims};
pub use commands::command_index;
pub use contributions::{Contribution, ContributionFilter, contribution, contributions};
pub use explain::{
    EXPLAINED_SETTLEMENTS_MAX, EvidenceEntry, Explanation, RowReader, explain_contribution,
    explain_line,
};
pub use page::{Cursor, PAGE_ROWS_MAX, Page};
pub use parties::{KEYS_SHOWN_MAX, Party, PartyFilter, charter, parties, party};
pub use payouts::{Payable, PayablePage, Payout, PayoutFilter, payables, payout, payouts};
pub use policies::{PublishedPolicy, policies, policy};
pub use pools::{PERIODS_SHOWN_MAX, Pool, Revenue, pool, pools, revenue};
pub use reference::{CANDIDATES_MAX, Digits, REFERENCE_DIGITS_MIN};
pub use settlements::{
    LineFilter, LinePage, Preview, ProvedLine, Settlement, lines, preview, settlement, settlements,
};
pub use statement::{Statement, StatementLine, StatementPool, statement};
pub use uses::{Use, UsePage, uses};
pub use valuations::{
    Requested, TablePage, TableRow, Valuation, ValuationFilter, valuation, valuation_request,
    valuation_requests, valuations, value_table,
};
