//! What Found laid down and AmendCharter changed, and where each command and thing stands.

use serde::{Deserialize, Serialize};

use super::{Locator, Row};
use crate::domain::{ContentHash, LedgerId, Origin, PublicKey, ThingId};

/// The charter in force; one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CharterRow {
    /// The ledger's id.
    pub ledger: LedgerId,
    /// The name of the log.
    pub origin: Origin,
    /// The log's key.
    pub log_key: PublicKey,
    /// The rules version in force.
    pub rules_version: u32,
    /// How far a command's time may be from the recorded time, in milliseconds.
    pub time_window_ms: u64,
    /// The hash of the terms that every party accepts.
    pub terms_hash: ContentHash,
}

impl Row for CharterRow {
    const TABLE: u8 = b'A';
    type Key = ();
}

/// A key of the log, by the entry that put it in force: it signs from the checkpoint on whose
/// batch holds that entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogKeyRow {
    /// The key.
    pub public_key: PublicKey,
}

impl Row for LogKeyRow {
    const TABLE: u8 = b'a';
    type Key = u64;
}

/// What a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ThingKind {
    /// Nothing: the command created none, and the row only says that it was accepted.
    Nothing,
    /// A party.
    Party,
    /// A contribution.
    Contribution,
    /// A policy.
    Policy,
    /// A pool.
    Pool,
    /// A declaration of use.
    Use,
    /// Revenue.
    Revenue,
    /// A cost claim.
    Claim,
    /// A valuation.
    Valuation,
    /// A settlement.
    Settlement,
    /// A payout.
    Payout,
    /// A request for a valuation.
    ValuationRequest,
}

/// Where a thing was created. Every accepted command has a row for its thing 0, whether or not it
/// created one: that row is how a command that is sent again is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThingRow {
    /// The entry, and the number within it.
    pub at: Locator,
    /// What it is.
    pub kind: ThingKind,
}

impl Row for ThingRow {
    const TABLE: u8 = b'I';
    type Key = ThingId;
}
