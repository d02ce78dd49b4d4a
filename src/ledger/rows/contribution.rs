//! Contributions, their names, content hashes and grants.

use serde::{Deserialize, Serialize};

use super::{Locator, Row};
use crate::domain::{
    ContentHash, ContributionKind, ContributionName, ContributionTerms, GrantedPolicy, Grantee,
    Period, ThingId,
};

/// A parent of a contribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentRow {
    /// Where the parent was recorded.
    pub at: Locator,
    /// The part that the child passes up, in basis points.
    pub upstream_bps: u32,
}

/// That a contribution was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The entry that did so.
    pub at: u64,
    /// The first period for which no use may be declared any more.
    pub from_period: Period,
}

impl Withdrawal {
    /// Says whether the withdrawal ended the use in a period.
    pub fn covers(&self, period: &Period) -> bool {
        self.from_period.first_month() <= period.first_month()
    }
}

/// One sealed version of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContributionRow {
    /// Its id.
    pub id: ThingId,
    /// Its name.
    pub name: ContributionName,
    /// How the data came to be.
    pub kind: ContributionKind,
    /// The hash of the bytes.
    pub content_hash: ContentHash,
    /// The size of the bytes.
    pub content_bytes: u64,
    /// How many rows they hold, as the provider counts.
    pub rows: u64,
    /// What it was derived from.
    pub parents: Vec<ParentRow>,
    /// The longest path of derivation above it, in edges; 0 without parents.
    pub generation: u32,
    /// What the provider allows.
    pub terms: ContributionTerms,
    /// Whether and when it was withdrawn.
    pub withdrawn: Option<Withdrawal>,
}

impl Row for ContributionRow {
    const TABLE: u8 = b'C';
    type Key = Locator;
}

/// Where the contribution of a name was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContributionNameRow {
    /// The entry, and the number within it.
    pub at: Locator,
}

impl Row for ContributionNameRow {
    const TABLE: u8 = b'N';
    type Key = ContributionName;
}

/// That a content hash was recorded; the key says where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentRow;

impl Row for ContentRow {
    const TABLE: u8 = b'H';
    type Key = (ContentHash, Locator);
}

/// An allowance to use a contribution or to derive from it. The key ends with the entry that gave
/// it: a grant given after a revocation is another row, so that what each covered stays known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRow {
    /// Under which policy.
    pub policy: GrantedPolicy,
    /// The first period that it covers.
    pub from_period: Period,
    /// The first period that it no longer covers; none while it is in force.
    pub until_period: Option<Period>,
}

impl GrantRow {
    /// Says whether the grant covers a period; periods of any kind compare by their first month.
    pub fn covers(&self, period: &Period) -> bool {
        let month = period.first_month();
        self.from_period.first_month() <= month
            && self
                .until_period
                .is_none_or(|until| month < until.first_month())
    }
}

impl Row for GrantRow {
    const TABLE: u8 = b'G';
    type Key = (Locator, Grantee, u64);
}
