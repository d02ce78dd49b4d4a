//! What one run reads: everything as it stands at the entry just before the settlement.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::domain::PolicyTerms;

/// The name of a thing in a run: not empty, at most [`ID_BYTES_MAX`] bytes, ordered by its bytes.
///
/// Copies share the text, so that a result can name what it is about without copying it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Arc<str>);

impl Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Id {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The longest id, in bytes.
pub const ID_BYTES_MAX: usize = 128;
/// The largest denominator of a hold.
pub const HOLD_DENOMINATOR_MAX: u64 = 1_000_000;

/// One pool and one earning period, with the policy in force and all balances that are read.
///
/// The order of the lists has no influence on the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// The currency code of every amount, three upper-case letters.
    pub currency: Id,
    /// The name of the earning period.
    pub period: Id,
    /// The terms in force for the period.
    pub policy: PolicyTerms,
    /// The money in and back, each with its own external reference.
    pub revenue: Vec<Revenue>,
    /// What the pool carries in from the period before.
    pub opening: Opening,
    /// The beneficial owners.
    pub owners: Vec<Owner>,
    /// The parties, each with its owner.
    pub parties: Vec<Party>,
    /// The contributions in the run: those used and all their ancestors.
    pub contributions: Vec<Contribution>,
    /// The approved costs that have not come back yet.
    pub claims: Vec<Claim>,
    /// The contested fractions.
    pub holds: Vec<Hold>,
}

/// Money in, or money back to the payer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revenue {
    /// The reference outside the ledger, unique in a run.
    pub reference: Id,
    /// Which way the money went.
    pub kind: RevenueKind,
    /// Minor units, not negative.
    pub amount: i64,
}

/// Which way money of a payer went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevenueKind {
    /// Money in.
    Receipt,
    /// Money given back.
    Refund,
    /// Money taken back.
    Chargeback,
}

/// What a pool carries in, in minor units, not negative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opening {
    /// What the last run left for sharing.
    pub profit_layer: i64,
    /// What the last run was short of.
    pub pool_deficit: i64,
    /// What a ceiling has kept back so far.
    pub over_recovery: i64,
}

/// A beneficial owner, who stands behind one or several parties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The owner's id.
    pub id: Id,
    /// Whether the policy's floor applies to it.
    pub floor_eligible: bool,
    /// What it owes, in minor units, not negative.
    pub debt: i64,
}

/// A party that is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// The party's id.
    pub id: Id,
    /// The id of its beneficial owner.
    pub owner: Id,
    /// The withholding tax on its profit, in basis points.
    pub tax_bps: u32,
    /// What earlier runs carried for it, in minor units, not negative.
    pub carried: i64,
}

/// A contribution in the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// The contribution's id.
    pub id: Id,
    /// The id of the party that made it.
    pub party: Id,
    /// Its measured value in this period; 0 for one that is only an ancestor.
    pub weight: u64,
    /// What it was derived from.
    pub parents: Vec<Parent>,
}

/// One edge of derivation, from a contribution up to what it was derived from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// The id of the contribution it was derived from.
    pub id: Id,
    /// What is passed up the edge, in basis points of what the child holds.
    pub upstream_bps: u32,
}

/// An approved cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The claim's id.
    pub id: Id,
    /// The id of the contribution that it was spent on.
    pub contribution: Id,
    /// The class of cost.
    pub class: Id,
    /// What has not come back yet, in minor units, not negative.
    pub outstanding: i64,
}

/// A contested fraction of a contribution, `0 <= numerator <= denominator <= 1 000 000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The id of the contested contribution.
    pub contribution: Id,
    /// The part that is contested.
    pub numerator: u64,
    /// The whole, at least 1.
    pub denominator: u64,
}
