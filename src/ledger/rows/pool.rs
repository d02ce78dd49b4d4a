//! Pools and their periods.

use serde::{Deserialize, Serialize};

use super::{Locator, Row};
use crate::domain::{
    ContentHash, Currency, PartyName, Period, PeriodKind, PoolName, PoolPolicy, ThingId,
};

/// A pool: one payer's money for one model or product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolRow {
    /// Its id.
    pub id: ThingId,
    /// The entry that opened it.
    pub opened_at: u64,
    /// The paying party.
    pub payer: PartyName,
    /// The currency of its money.
    pub currency: Currency,
    /// How long its periods are.
    pub period_kind: PeriodKind,
    /// The party that values its contributions.
    pub evaluator: PartyName,
    /// The policies by earning period, ascending; at least one.
    pub policies: Vec<PoolPolicy>,
    /// The hash of the validation set; none where no valuation needs one.
    pub validation_hash: Option<ContentHash>,
    /// The latest period that was frozen: it and every earlier one take no more inputs.
    pub frozen_through: Option<Period>,
}

impl PoolRow {
    /// Returns the hash of the policy in force for a period; none where the period is of another
    /// kind than the pool's or before its first policy.
    pub fn policy_of(&self, period: &Period) -> Option<ContentHash> {
        if period.kind() != self.period_kind {
            return None;
        }
        let begun = |policy: &&PoolPolicy| policy.from_period <= *period;
        let in_force = self.policies.iter().rev().find(begun);
        in_force.map(|policy| policy.policy_hash)
    }

    /// Says whether a period takes no more inputs: it was frozen, or a later one was.
    pub fn is_closed(&self, period: &Period) -> bool {
        self.frozen_through.is_some_and(|last| *period <= last)
    }
}

impl Row for PoolRow {
    const TABLE: u8 = b'B';
    type Key = PoolName;
}

/// Which pool an entry opened, by which pools are listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolOpenedRow {
    /// The name of the pool.
    pub name: PoolName,
}

impl Row for PoolOpenedRow {
    const TABLE: u8 = b'b';
    type Key = Locator;
}

/// Where a period stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeriodState {
    /// It takes inputs.
    Open,
    /// Its inputs are sealed.
    Frozen {
        /// The entry that froze it.
        at: u64,
    },
    /// Its settlement is booked.
    Settled {
        /// The entry that froze it.
        frozen_at: u64,
        /// The entry that settled it.
        at: u64,
    },
}

/// The first and the last entry that posted revenue of a period; those between may be of other
/// periods of the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevenueSpan {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// A period of a pool that has inputs or was frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodRow {
    /// The period itself: the key holds its first month only.
    pub period: Period,
    /// Where it stands.
    pub state: PeriodState,
    /// How many rows of use it has, one a contribution and class.
    pub uses: u64,
    /// The sum of receipts, in minor units of the pool's currency.
    pub receipts: i64,
    /// The sum of refunds and chargebacks, in the same.
    pub taken_back: i64,
    /// Where its revenue stands in the log; none while there is none.
    pub revenue: Option<RevenueSpan>,
}

impl PeriodRow {
    /// Returns an open period without inputs.
    pub fn new(period: Period) -> Self {
        Self {
            period,
            state: PeriodState::Open,
            uses: 0,
            receipts: 0,
            taken_back: 0,
            revenue: None,
        }
    }

    /// Returns receipts less refunds and chargebacks, in minor units. Both sums are not negative
    /// and fit 64 bits, so their difference does too.
    pub fn revenue_sum(&self) -> i64 {
        self.receipts.saturating_sub(self.taken_back)
    }

    /// Says whether the period has anything that a settlement would read.
    pub fn has_inputs(&self) -> bool {
        self.uses > 0 || self.revenue.is_some()
    }
}

impl Row for PeriodRow {
    const TABLE: u8 = b'T';
    type Key = (PoolName, Period);
}
