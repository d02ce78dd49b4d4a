//! Valuations that the service is asked for: the requests, and what seeds are made from.

use serde::{Deserialize, Serialize};

use super::{Locator, Row};
use crate::domain::{ContentHash, PartyName, Period, PoolName, ThingId};

/// A request for a valuation. What it came to is a [`ValuationRow`](super::ValuationRow).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValuationRequestRow {
    /// Its id.
    pub id: ThingId,
    /// The pool.
    pub pool: PoolName,
    /// The earning period.
    pub period: Period,
    /// The method.
    pub method: String,
    /// The parameters of the method as canonical JSON.
    pub parameters: String,
    /// The validation set; none where the method needs none.
    pub validation_hash: Option<ContentHash>,
    /// The commitment of the reveal that the seed is made from; none for the operator's seed.
    pub commitment: Option<ContentHash>,
    /// The hash of what was in use when it was asked for: see `uses_hash`.
    pub uses: ContentHash,
    /// Where it was finished; none while it is open.
    pub finished: Option<Locator>,
}

impl Row for ValuationRequestRow {
    const TABLE: u8 = b'v';
    type Key = Locator;
}

/// That a request is open, by which the service finds its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRequestRow;

impl Row for OpenRequestRow {
    const TABLE: u8 = b'q';
    type Key = Locator;
}

/// A commitment to bytes that a seed is made from; known by the commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitmentRow {
    /// The entry that made it.
    pub at: Locator,
    /// The pool whose valuation it is for.
    pub pool: PoolName,
    /// Who made it.
    pub party: PartyName,
    /// The request that names it; none while it is free.
    pub request: Option<Locator>,
}

impl Row for CommitmentRow {
    const TABLE: u8 = b'c';
    type Key = ContentHash;
}
