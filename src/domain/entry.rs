//! An entry: an accepted command with its place and time, and the bytes that enter the tree.

use bytes::Bytes;

use super::{CommandId, PublicKey, Signature, UnixMillis};

/// The most bytes of an entry, a limit of tlog-tiles.
pub const ENTRY_BYTES_MAX: usize = 65_535;
/// The bytes of an entry before the command: version, time, key, signature.
pub const ENTRY_HEADER_BYTES: usize = 1 + 8 + PublicKey::SIZE + Signature::SIZE;
/// The most bytes of a command.
pub const COMMAND_BYTES_MAX: usize = ENTRY_BYTES_MAX - ENTRY_HEADER_BYTES;
/// The most bytes of an attachment, which the rules read whole: 64 MiB.
pub const ATTACHMENT_BYTES_MAX: u64 = 64 << 20;
/// The version byte that an entry begins with.
pub const ENTRY_VERSION: u8 = 1;

/// Why bytes are not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The bytes end within the header.
    #[error("an entry has at least {ENTRY_HEADER_BYTES} bytes; these are {found}")]
    Short {
        /// How many bytes there are.
        found: usize,
    },
    /// The bytes are too many.
    #[error("an entry has at most {ENTRY_BYTES_MAX} bytes; these are {found}")]
    Long {
        /// How many bytes there are.
        found: usize,
    },
    /// The version is not known.
    #[error("the entry's version is {found}; this program knows {ENTRY_VERSION}")]
    Version {
        /// The version byte.
        found: u8,
    },
}

/// An accepted command: when it was recorded, who signed, and its exact bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When the writer took it in; never before the entry that precedes it.
    pub recorded_at: UnixMillis,
    /// The key that signed the command.
    pub public_key: PublicKey,
    /// The signature over the DSSE encoding of the command.
    pub signature: Signature,
    /// The serialized command.
    pub command: Bytes,
}

impl Entry {
    /// Returns the id of the command.
    pub fn command_id(&self) -> CommandId {
        CommandId::of(&self.command)
    }

    /// Returns the Merkle leaf bytes:
    /// `u8 1 ‖ u64 BE recorded time ‖ 32-byte key ‖ 64-byte signature ‖ command`.
    ///
    /// # Errors
    /// [`EntryError::Long`] where the command is longer than [`COMMAND_BYTES_MAX`].
    pub fn leaf(&self) -> Result<Bytes, EntryError> {
        let size = ENTRY_HEADER_BYTES.saturating_add(self.command.len());
        if size > ENTRY_BYTES_MAX {
            return Err(EntryError::Long { found: size });
        }
        let mut leaf = Vec::with_capacity(size);
        leaf.push(ENTRY_VERSION);
        leaf.extend_from_slice(&self.recorded_at.0.to_be_bytes());
        leaf.extend_from_slice(&self.public_key.0);
        leaf.extend_from_slice(&self.signature.0);
        leaf.extend_from_slice(&self.command);
        Ok(Bytes::from(leaf))
    }

    /// Reads the Merkle leaf bytes of an entry.
    ///
    /// # Errors
    /// See [`EntryError`].
    pub fn from_leaf(leaf: &Bytes) -> Result<Self, EntryError> {
        let short = || EntryError::Short { found: leaf.len() };
        if leaf.len() > ENTRY_BYTES_MAX {
            return Err(EntryError::Long { found: leaf.len() });
        }
        let (version, rest) = leaf.split_first().ok_or_else(short)?;
        let (time, rest) = rest.split_first_chunk::<8>().ok_or_else(short)?;
        let (public_key, rest) = rest.split_first_chunk::<32>().ok_or_else(short)?;
        let (signature, _) = rest.split_first_chunk::<64>().ok_or_else(short)?;
        if *version != ENTRY_VERSION {
            return Err(EntryError::Version { found: *version });
        }
        Ok(Self {
            recorded_at: UnixMillis(u64::from_be_bytes(*time)),
            public_key: PublicKey(*public_key),
            signature: Signature(*signature),
            command: leaf.slice(ENTRY_HEADER_BYTES..),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_round_trips_and_its_header_is_as_specified() {
        let entry = Entry {
            recorded_at: UnixMillis(0x0102_0304_0506_0708),
            public_key: PublicKey([7; 32]),
            signature: Signature([9; 64]),
            command: Bytes::from_static(b"command"),
        };
        let leaf = entry.leaf().unwrap();
        assert_eq!(&leaf[..9], &[1, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(leaf.len(), 105 + 7);
        assert_eq!(Entry::from_leaf(&leaf).unwrap(), entry);
        assert_eq!(
            Entry::from_leaf(&leaf.slice(..104)),
            Err(EntryError::Short { found: 104 })
        );
        let mut other = leaf.to_vec();
        other[0] = 2;
        assert_eq!(
            Entry::from_leaf(&other.into()),
            Err(EntryError::Version { found: 2 })
        );
    }

    #[test]
    fn a_command_fits_to_the_byte() {
        let entry = |size| Entry {
            recorded_at: UnixMillis(0),
            public_key: PublicKey([0; 32]),
            signature: Signature([0; 64]),
            command: Bytes::from(vec![1; size]),
        };
        assert_eq!(COMMAND_BYTES_MAX, 65_430);
        assert_eq!(
            entry(COMMAND_BYTES_MAX).leaf().unwrap().len(),
            ENTRY_BYTES_MAX
        );
        assert!(entry(COMMAND_BYTES_MAX + 1).leaf().is_err());
    }
}
