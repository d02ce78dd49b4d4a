//! Commands that pay parties: a payout is issued, and then settled or failed.

use serde::{Deserialize, Serialize};

use super::{Money, PartyName, ThingId};

/// Where a payout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutState {
    /// The money is on its way.
    Pending,
    /// The money has gone out.
    Settled,
    /// The money did not go out, and is payable again.
    Failed,
}

/// Begins to pay a party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuePayout {
    /// The party.
    pub party: PartyName,
    /// The amount, above zero.
    pub amount: Money,
    /// The reference of the payment order, unique among payouts.
    pub reference: String,
}

/// Says that a payout has gone out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlePayout {
    /// The payout.
    pub payout: ThingId,
    /// The bank's reference of the payment, unique among payouts.
    pub bank_reference: String,
}

/// Says that a payout did not go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailPayout {
    /// The payout.
    pub payout: ThingId,
    /// The reason, for people.
    pub reason: String,
}
