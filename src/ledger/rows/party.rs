//! Parties and keys.

use serde::{Deserialize, Serialize};

use super::{Locator, Row};
use crate::domain::{PartyName, PublicKey, Role, ThingId};

/// An admitted party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyRow {
    /// The id of the party.
    pub id: ThingId,
    /// The entry that admitted it.
    pub admitted_at: u64,
    /// What it may do.
    pub roles: Vec<Role>,
    /// Who stands behind it; itself unless another was named.
    pub beneficial_owner: PartyName,
    /// Its active key; none after a revocation without a successor.
    pub active_key: Option<PublicKey>,
}

impl PartyRow {
    /// Says whether the party has a role.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

impl Row for PartyRow {
    const TABLE: u8 = b'P';
    type Key = PartyName;
}

/// That an owner stands behind a party that is not itself; the key says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedPartyRow;

impl Row for OwnedPartyRow {
    const TABLE: u8 = b'O';
    type Key = (PartyName, PartyName);
}

/// Which party an entry admitted, by which parties are listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyAdmittedRow {
    /// The name of the party.
    pub name: PartyName,
}

impl Row for PartyAdmittedRow {
    const TABLE: u8 = b'p';
    type Key = Locator;
}

/// Whom a key serves, forever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyHolder {
    /// A party.
    Party(PartyName),
    /// The log itself.
    Log,
}

/// Whether a key may sign, and since which entry it may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyState {
    /// It may.
    Active,
    /// Its party put another in its place.
    Rotated {
        /// The entry that did so.
        at: u64,
    },
    /// It was revoked.
    Revoked {
        /// The entry that did so.
        at: u64,
        /// The first index whose commands under it are suspect.
        suspect_from: Option<u64>,
    },
    /// The operator put another in its place.
    Replaced {
        /// The entry that did so.
        at: u64,
    },
}

/// A key of a party or of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRow {
    /// Whom it serves.
    pub holder: KeyHolder,
    /// The entry from which on it may sign.
    pub since: u64,
    /// Whether it may sign now.
    pub state: KeyState,
}

impl Row for KeyRow {
    const TABLE: u8 = b'k';
    type Key = PublicKey;
}

/// A key that served a party from an entry on, by which the keys of a party are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyKeyRow {
    /// The key.
    pub public_key: PublicKey,
}

impl Row for PartyKeyRow {
    const TABLE: u8 = b'K';
    type Key = (PartyName, u64);
}
