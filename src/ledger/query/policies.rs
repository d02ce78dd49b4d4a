//! Policies: by hash or digits of it, and in lists. They are rules, so every admitted party sees
//! them all: who grants a use under a policy has to be able to read it.

use super::page::{Cursor, Page, Span, newest};
use super::reference::{Digits, pick};
use crate::domain::ContentHash;
use crate::ledger::access::Caller;
use crate::ledger::decide::Stop;
use crate::ledger::rows::{PolicyPublishedRow, PolicyRow};
use crate::ledger::state::State;
use crate::ledger::view::{View, ViewFault};

/// A policy as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPolicy {
    /// Its hash.
    pub hash: ContentHash,
    /// Its row.
    pub row: PolicyRow,
}

/// Returns a policy by its hash in hex, or by at least
/// [`REFERENCE_DIGITS_MIN`](super::REFERENCE_DIGITS_MIN) digits of it.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_ARGUMENT` where the reference has another form or stands for several; or
/// a fault of the storage.
pub fn policy(view: &dyn View, _caller: &Caller, reference: &str) -> Result<PublishedPolicy, Stop> {
    let state = State::new(view);
    let mut found = Vec::new();
    let digits = Digits::read("policy", reference)?;
    digits.scan(&state, &mut |key, row: PolicyRow| {
        if let Ok(hash) = key.parse() {
            let name = format!("{} {hash}", row.policy.name);
            found.push((PublishedPolicy { hash, row }, name));
        }
    })?;
    pick("policy", reference, found)
}

/// Lists policies, the newest first.
///
/// # Errors
/// Fails when the storage does.
pub fn policies(
    view: &dyn View,
    _caller: &Caller,
    cursor: Cursor,
    limit: usize,
) -> Result<Page<PublishedPolicy>, ViewFault> {
    let state = State::new(view);
    let span = Span::all(cursor, limit);
    newest(&state, &[], span, &mut |_, listed: PolicyPublishedRow| {
        let hash = listed.policy_hash;
        match state.get::<PolicyRow>(&hash)? {
            Some(row) => Ok(Some(PublishedPolicy { hash, row })),
            None => Err(ViewFault::new(format!("the policy {hash} has no row"))),
        }
    })
}
