//! Valuations and settlements.

use serde::{Deserialize, Serialize};

use super::{Locator, Row};
use crate::domain::{ContentHash, Currency, PartyName, Period, PoolName, ThingId, TreeHash};

/// Weights of the contributions in use, as an evaluator or the service signed them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValuationRow {
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
    /// The value table.
    pub table_hash: ContentHash,
    /// Who signed it: the pool's evaluator, or the service's party.
    pub evaluator: PartyName,
    /// The request that it answers; none where it was imported.
    pub request: Option<Locator>,
}

impl Row for ValuationRow {
    const TABLE: u8 = b'V';
    type Key = Locator;
}

/// One run of a policy over a pool's period, as it was booked; amounts are minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementRow {
    /// Its id.
    pub id: ThingId,
    /// The pool.
    pub pool: PoolName,
    /// The earning period.
    pub period: Period,
    /// Where the valuation was imported whose weights were used.
    pub valuation: Locator,
    /// The policy.
    pub policy: ContentHash,
    /// The result.
    pub result_hash: ContentHash,
    /// The root of the tree over the result's lines.
    pub output_root: TreeHash,
    /// How many lines the result has.
    pub lines: u64,
    /// The currency.
    pub currency: Currency,
    /// Receipts less refunds, chargebacks and the opening deficit.
    pub net: i64,
    /// What the operator took.
    pub operator_fee: i64,
    /// What came back as costs.
    pub cost_recovered: i64,
    /// What was shared by value.
    pub shared: i64,
    /// Whether the run stopped because the net was not above zero.
    pub stopped: bool,
}

impl Row for SettlementRow {
    const TABLE: u8 = b'S';
    type Key = Locator;
}

/// Where the settlement of a pool's period was booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledPeriodRow {
    /// The entry.
    pub at: Locator,
}

impl Row for SettledPeriodRow {
    const TABLE: u8 = b's';
    type Key = (PoolName, Period);
}

/// That a settlement has lines of a party; the key says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartySettlementRow;

impl Row for PartySettlementRow {
    const TABLE: u8 = b't';
    type Key = (PartyName, Locator);
}
