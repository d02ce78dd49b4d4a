//! The header of a segment: its first 512 bytes.

use sha2::{Digest, Sha256};

use crate::domain::LedgerId;

use super::{SECTOR, SECTOR_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, is_zero};

const MAGIC: &[u8; 8] = b"FENRUNSG";
const VERSION: u32 = 1;
/// The bytes that the header uses before its zeros.
const USED: usize = 8 + 4 + 4 + 8 + 32 + 8 + 32;

/// SHA-256 of a checkpoint note, which chains a segment to the one before it.
pub(in crate::store::log) type NoteHash = [u8; 32];

/// Returns the hash that chains segments, of the bytes of a checkpoint note.
pub(in crate::store::log) fn note_hash(note: &[u8]) -> NoteHash {
    Sha256::digest(note).into()
}

/// What a segment says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store::log) struct Header {
    /// The number of the segment, from 0.
    pub(in crate::store::log) segment: u32,
    /// The bytes of the file.
    pub(in crate::store::log) segment_bytes: u64,
    /// The ledger that the log belongs to.
    pub(in crate::store::log) ledger: LedgerId,
    /// The index of the first entry in the segment.
    pub(in crate::store::log) first_index: u64,
    /// The hash of the last checkpoint note of the segment before; zeros in segment 0.
    pub(in crate::store::log) previous: NoteHash,
}

/// Why 512 bytes are not a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::store::log) enum HeaderError {
    /// All bytes are zeros: the segment is not in use yet.
    #[error("the segment is not in use")]
    Unused,
    /// There are too few bytes.
    #[error("the file ends within its header")]
    Cut,
    /// It begins otherwise.
    #[error("the file does not begin with FENRUNSG: it is not a segment")]
    Magic,
    /// The checksum is another.
    #[error("the checksum of the header does not fit its bytes")]
    Checksum,
    /// The format is newer.
    #[error("the segment has format version {found}; this program knows {VERSION}")]
    Version {
        /// The version.
        found: u32,
    },
    /// The size is out of range.
    #[error("the header says that the segment has {found} bytes, which no segment has")]
    Size {
        /// The size as given.
        found: u64,
    },
    /// Bytes that must be zeros are not.
    #[error("the unused bytes of the header are not zeros")]
    NotZero,
}

impl Header {
    /// Returns the 512 bytes of the header.
    pub(in crate::store::log) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SECTOR);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.segment.to_le_bytes());
        out.extend_from_slice(&self.segment_bytes.to_le_bytes());
        out.extend_from_slice(self.ledger.as_bytes());
        out.extend_from_slice(&self.first_index.to_le_bytes());
        out.extend_from_slice(&self.previous);
        out.resize(SECTOR - 4, 0);
        let checksum = crc32c::crc32c(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    /// Reads a header from the start of a segment's bytes.
    ///
    /// # Errors
    /// See [`HeaderError`]; [`HeaderError::Unused`] where all 512 bytes are zeros.
    pub(in crate::store::log) fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let sector = bytes.first_chunk::<SECTOR>().ok_or(HeaderError::Cut)?;
        if is_zero(sector) {
            return Err(HeaderError::Unused);
        }
        let rest = sector.strip_prefix(MAGIC).ok_or(HeaderError::Magic)?;
        let (covered, checksum) = sector.split_last_chunk::<4>().ok_or(HeaderError::Cut)?;
        if crc32c::crc32c(covered) != u32::from_le_bytes(*checksum) {
            return Err(HeaderError::Checksum);
        }
        let mut fields = Fields(rest);
        let found = u32::from_le_bytes(fields.take()?);
        if found != VERSION {
            return Err(HeaderError::Version { found });
        }
        let header = Self {
            segment: u32::from_le_bytes(fields.take()?),
            segment_bytes: u64::from_le_bytes(fields.take()?),
            ledger: LedgerId(fields.take()?),
            first_index: u64::from_le_bytes(fields.take()?),
            previous: fields.take()?,
        };
        let found = header.segment_bytes;
        if !is_segment_size(found) {
            return Err(HeaderError::Size { found });
        }
        if !covered.get(USED..).is_some_and(is_zero) {
            return Err(HeaderError::NotZero);
        }
        Ok(header)
    }
}

/// Tells whether a segment may have so many bytes.
pub(in crate::store::log) fn is_segment_size(bytes: u64) -> bool {
    (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&bytes) && bytes.is_multiple_of(SECTOR_BYTES)
}

/// Takes fields of a fixed size from the front of bytes.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], HeaderError> {
        let (field, rest) = self.0.split_first_chunk::<N>().ok_or(HeaderError::Cut)?;
        self.0 = rest;
        Ok(*field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            segment: 1,
            segment_bytes: 8192,
            ledger: LedgerId([5; 32]),
            first_index: 77,
            previous: [6; 32],
        }
    }

    #[test]
    fn a_header_round_trips_and_every_flipped_byte_is_found() {
        let bytes = header().encode();
        assert_eq!(bytes.len(), 512);
        assert_eq!(Header::decode(&bytes), Ok(header()));
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x40;
            assert!(Header::decode(&bad).is_err(), "byte {at}");
        }
        assert_eq!(Header::decode(&[0; 512]), Err(HeaderError::Unused));
        assert_eq!(Header::decode(&bytes[..511]), Err(HeaderError::Cut));
    }

    #[test]
    fn versions_sizes_and_spare_bytes_are_refused() {
        let with = |change: fn(&mut Vec<u8>)| {
            let mut bytes = header().encode();
            bytes.truncate(508);
            change(&mut bytes);
            let checksum = crc32c::crc32c(&bytes);
            bytes.extend_from_slice(&checksum.to_le_bytes());
            Header::decode(&bytes).unwrap_err()
        };
        assert_eq!(with(|b| b[8] = 2), HeaderError::Version { found: 2 });
        assert_eq!(with(|b| b[300] = 1), HeaderError::NotZero);
        assert!(matches!(with(|b| b[16] = 1), HeaderError::Size { .. }));
        assert!(matches!(with(|b| b[23] = 1), HeaderError::Size { .. }));
    }
}
