//! Cost claims.

use serde::{Deserialize, Serialize};

use super::{Locator, Row};
use crate::domain::{ContentHash, CostClass, Money, ThingId};

/// What was decided on a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimDecision {
    /// The entry that decided.
    pub at: u64,
    /// What was approved, in minor units of the claim's currency; from 0 to what was claimed.
    pub approved: i64,
    /// What of it has not come back yet, in the same; settlements lower it.
    pub outstanding: i64,
}

/// Money that a provider spent on a contribution of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRow {
    /// Its id.
    pub id: ThingId,
    /// The contribution.
    pub contribution: Locator,
    /// The class of cost.
    pub class: CostClass,
    /// The amount claimed, above zero.
    pub claimed: Money,
    /// The hash of the evidence.
    pub evidence_hash: ContentHash,
    /// What was decided; none while it waits.
    pub decision: Option<ClaimDecision>,
}

impl ClaimRow {
    /// Returns what has been approved and has not come back yet, in minor units.
    pub fn outstanding(&self) -> i64 {
        self.decision.map_or(0, |decision| decision.outstanding)
    }
}

impl Row for ClaimRow {
    const TABLE: u8 = b'M';
    type Key = Locator;
}

/// That a claim is on a contribution; the key says which on which, by which the claims on a
/// contribution are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContributionClaimRow;

impl Row for ContributionClaimRow {
    const TABLE: u8 = b'm';
    type Key = (Locator, Locator);
}
