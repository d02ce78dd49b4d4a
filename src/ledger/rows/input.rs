//! What a period of a pool takes in: uses of contributions, and revenue.

use serde::{Deserialize, Serialize};

use super::{KeyPart, Locator, Row};
use crate::domain::{Period, PoolName, RevenueKind, UseClass};

impl KeyPart for UseClass {
    fn write(&self, key: &mut Vec<u8>) {
        key.push(match self {
            Self::Commercial => 0,
            Self::Research => 1,
            Self::PublicInterest => 2,
        });
    }
}

/// That a contribution is in use in a period of a pool, for one class. The key orders by pool,
/// period and then the place where the contribution was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseRow {
    /// The contribution.
    pub contribution: Locator,
    /// What it was used for.
    pub class: UseClass,
    /// The metered units; 0 where none were declared.
    pub units: u64,
    /// The entry that declared it first, or anew with a list that replaced the one before.
    pub declared_at: u64,
}

impl Row for UseRow {
    const TABLE: u8 = b'U';
    type Key = (PoolName, Period, (Locator, UseClass));
}

/// Money in, or money taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevenueRow {
    /// The period that it belongs to.
    pub period: Period,
    /// Which way it went.
    pub kind: RevenueKind,
    /// The amount, above zero, in minor units of the pool's currency.
    pub amount: i64,
    /// The external reference, unique in the pool.
    pub reference: String,
}

impl Row for RevenueRow {
    const TABLE: u8 = b'R';
    type Key = (PoolName, Locator);
}

/// Which entry posted the revenue with an external reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevenueReferenceRow {
    /// The entry.
    pub at: Locator,
}

impl Row for RevenueReferenceRow {
    const TABLE: u8 = b'r';
    type Key = (PoolName, String);
}
