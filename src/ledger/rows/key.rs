//! How parts of keys become bytes that order as the parts do.

use serde::{Deserialize, Serialize};

use crate::domain::{
    CommandId, ContentHash, ContributionName, Grantee, PartyName, Period, PoolName, PublicKey,
    ThingId,
};

/// Where a thing was created: the entry, and its number within the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Locator {
    /// The index of the entry.
    pub index: u64,
    /// The number of the thing within the entry, from 0.
    pub number: u32,
}

impl Locator {
    /// The bytes that a locator takes in a key.
    pub const SIZE: usize = 12;

    /// Reads a locator from the 12 bytes that it takes in a key.
    pub fn from_key(bytes: &[u8]) -> Option<Self> {
        let (index, rest) = bytes.split_first_chunk::<8>()?;
        let (number, _) = rest.split_first_chunk::<4>()?;
        Some(Self {
            index: u64::from_be_bytes(*index),
            number: u32::from_be_bytes(*number),
        })
    }
}

/// A part of a key.
pub trait KeyPart {
    /// Appends the bytes of the part.
    fn write(&self, key: &mut Vec<u8>);

    /// Returns the bytes of the part alone, as a prefix for scans.
    fn prefix(&self) -> Vec<u8> {
        let mut key = Vec::new();
        self.write(&mut key);
        key
    }
}

impl KeyPart for () {
    fn write(&self, _key: &mut Vec<u8>) {}
}

impl KeyPart for u64 {
    fn write(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.to_be_bytes());
    }
}

impl KeyPart for u32 {
    fn write(&self, key: &mut Vec<u8>) {
        key.extend_from_slice(&self.to_be_bytes());
    }
}

impl KeyPart for Locator {
    fn write(&self, key: &mut Vec<u8>) {
        self.index.write(key);
        self.number.write(key);
    }
}

macro_rules! whole_bytes {
    ($($name:ident),*) => {
        $(impl KeyPart for $name {
            fn write(&self, key: &mut Vec<u8>) {
                key.extend_from_slice(self.as_bytes());
            }
        })*
    };
}

whole_bytes!(CommandId, ContentHash, PublicKey, ThingId);

/// Writes a text and the zero byte that ends it; no name contains one.
pub(super) fn write_text(text: &str, key: &mut Vec<u8>) {
    key.extend_from_slice(text.as_bytes());
    key.push(0);
}

impl KeyPart for PartyName {
    fn write(&self, key: &mut Vec<u8>) {
        write_text(self.as_str(), key);
    }
}

impl KeyPart for PoolName {
    fn write(&self, key: &mut Vec<u8>) {
        write_text(self.as_str(), key);
    }
}

impl KeyPart for String {
    fn write(&self, key: &mut Vec<u8>) {
        write_text(self, key);
    }
}

impl KeyPart for Period {
    fn write(&self, key: &mut Vec<u8>) {
        self.first_month().write(key);
    }
}

impl KeyPart for ContributionName {
    fn write(&self, key: &mut Vec<u8>) {
        self.party.write(key);
        write_text(self.dataset.as_str(), key);
        self.version.write(key);
    }
}

impl Grantee {
    /// Reads the pool from the bytes of a grantee and what follows in a key; none where it is a
    /// party.
    pub(crate) fn pool_of_key(key: &[u8]) -> Option<PoolName> {
        let (kind, rest) = key.split_first()?;
        let text = rest.split(|byte| *byte == 0).next()?;
        let name = std::str::from_utf8(text).ok().filter(|_| *kind == 0)?;
        name.parse().ok()
    }
}

impl KeyPart for Grantee {
    fn write(&self, key: &mut Vec<u8>) {
        match self {
            Self::Pool(pool) => {
                key.push(0);
                pool.write(key);
            }
            Self::ChildParty(party) => {
                key.push(1);
                party.write(key);
            }
        }
    }
}

impl<A: KeyPart, B: KeyPart> KeyPart for (A, B) {
    fn write(&self, key: &mut Vec<u8>) {
        self.0.write(key);
        self.1.write(key);
    }
}

impl<A: KeyPart, B: KeyPart, C: KeyPart> KeyPart for (A, B, C) {
    fn write(&self, key: &mut Vec<u8>) {
        self.0.write(key);
        self.1.write(key);
        self.2.write(key);
    }
}
