//! Published policies.

use serde::{Deserialize, Serialize};

use super::{Locator, Row};
use crate::domain::{ContentHash, Policy, ThingId};

/// A published policy, known by the hash of its serialized bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRow {
    /// Its id.
    pub id: ThingId,
    /// The entry that published it.
    pub published_at: u64,
    /// The policy.
    pub policy: Policy,
}

impl Row for PolicyRow {
    const TABLE: u8 = b'D';
    type Key = ContentHash;
}

/// Which policy an entry published, by which policies are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyPublishedRow {
    /// The hash of the policy.
    pub policy_hash: ContentHash,
}

impl Row for PolicyPublishedRow {
    const TABLE: u8 = b'd';
    type Key = Locator;
}
