//! The settlement: one run of a policy over one pool and period, step by step, in integers.
//!
//! [`settle`] is a pure function of its [`Scenario`]: what is wrong with the scenario is found
//! before anything is computed, the result does not depend on the order of any list, and a run
//! that does not conserve to the last unit is a fault and has no result.

mod scenario;

mod check;
mod graph;
mod run;

mod amount;
mod fraction;
mod table;

mod conserve;
mod floor;
mod hold;
mod layers;
mod payout;
mod recovery;
mod revenue;
mod settle;
mod shares;
mod upstream;

mod canonical;
mod document;
mod lines;
mod outcome;

pub use canonical::canonical_json;
pub use document::read_scenario;
pub use lines::{Because, Line, LineName};
pub use outcome::{
    ClaimResult, ContributionResult, Outcome, PartyResult, Settlement, Stopped, TopUp,
};
pub use scenario::{
    Claim, Contribution, HOLD_DENOMINATOR_MAX, Hold, ID_BYTES_MAX, Id, Opening, Owner, Parent,
    Party, Revenue, RevenueKind, Scenario,
};
pub use settle::{Fault, SettleError, settle};

#[cfg(test)]
mod naive;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;
