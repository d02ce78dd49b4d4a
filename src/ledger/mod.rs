//! The state machine: who may do what, what a command decides, and what it changes.
//!
//! [`decide`] reads a [`View`] of the rows as of the entry before, and answers with a refusal or
//! with the [`Changes`] that the entry makes. It asks no clock, no file and no network, so the
//! server, a follower and the auditor reach the same rows from the same log. What it needs from
//! outside (attachments, whether the signature verified) is handed in.

mod access;
mod booking;
mod consent;
mod decide;
mod find;
mod invariants;
mod payable;
mod permission;
pub mod query;
mod requests;
mod rows;
mod rules;
mod settling;
mod state;
#[cfg(test)]
pub(crate) mod testing;
mod valuing;
mod view;

pub use access::Caller;
pub use decide::{
    Attachments, Outcome, RULES_VERSION, Stop, Submission, Trial, Verdict, check, decide,
};
pub use invariants::{FINDINGS_MAX, Finding, check_invariants};
pub use permission::{Permission, permission};
pub use requests::{drafted, method_of};
pub use rows::*;
pub use settling::{SettlementResult, TABLE_VIOLATIONS_MAX};
pub use state::State;
pub use valuing::{Gathered, Recorded, approved_costs, recorded, used};
pub use view::{
    Changes, KeyRange, Layered, MemoryView, Order, View, ViewFault, Visit, prefix_end, scan_prefix,
    state_hash,
};
