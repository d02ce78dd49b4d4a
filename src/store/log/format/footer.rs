//! The footer that ends a full segment.

use crate::domain::TreeHash;
use crate::merkle::Frontier;

use super::header::NoteHash;

/// The most bytes that a footer takes in its segment, in whole sectors: 64 hashes at most.
pub(in crate::store::log) const FOOTER_BYTES_MAX: usize =
    (4 + 1 + 8 + 32 + 1 + 64 * 32 + 4usize).next_multiple_of(super::SECTOR);

/// What a segment's footer says about the log up to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store::log) struct Footer {
    /// The right edge of the tree; its size is the index of the first entry of the next segment.
    pub(in crate::store::log) tree: Frontier,
    /// The hash of the last checkpoint note.
    pub(in crate::store::log) last_note: NoteHash,
}

/// Why the bytes of a frame are not a footer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bytes of the footer do not have the form of one")]
pub(in crate::store::log) struct FooterError;

impl Footer {
    /// Returns the bytes that the footer's frame holds.
    pub(in crate::store::log) fn encode(&self) -> Vec<u8> {
        let hashes = self.tree.hashes();
        let mut out = self.tree.size().to_le_bytes().to_vec();
        out.extend_from_slice(&self.last_note);
        // A size of 64 bits has at most 64 one bits.
        out.push(u8::try_from(hashes.len()).unwrap_or(u8::MAX));
        hashes
            .iter()
            .for_each(|hash| out.extend_from_slice(&hash.0));
        out
    }

    /// Reads the bytes that a footer's frame holds.
    ///
    /// # Errors
    /// The bytes are too few or too many, or the hashes do not fit the size.
    pub(in crate::store::log) fn decode(bytes: &[u8]) -> Result<Self, FooterError> {
        let (size, rest) = bytes.split_first_chunk::<8>().ok_or(FooterError)?;
        let (last_note, rest) = rest.split_first_chunk::<32>().ok_or(FooterError)?;
        let (count, rest) = rest.split_first().ok_or(FooterError)?;
        let (hashes, left) = rest.as_chunks::<32>();
        if hashes.len() != usize::from(*count) || !left.is_empty() {
            return Err(FooterError);
        }
        let hashes = hashes.iter().map(|hash| TreeHash(*hash)).collect();
        let tree = Frontier::from_parts(u64::from_le_bytes(*size), hashes);
        Ok(Self {
            tree: tree.map_err(|_| FooterError)?,
            last_note: *last_note,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::leaf_hash;

    #[test]
    fn a_footer_round_trips_and_its_form_is_checked() {
        let mut tree = Frontier::new();
        (0..7u8).for_each(|n| tree.push(leaf_hash(&[n])));
        let footer = Footer {
            tree,
            last_note: [9; 32],
        };
        let bytes = footer.encode();
        assert_eq!(bytes.len(), 8 + 32 + 1 + 3 * 32);
        assert_eq!(Footer::decode(&bytes), Ok(footer));
        for end in 0..bytes.len() {
            assert!(Footer::decode(&bytes[..end]).is_err());
        }
        assert!(Footer::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        let mut other = bytes.clone();
        other[0] = 8;
        assert!(Footer::decode(&other).is_err());
        assert_eq!(FOOTER_BYTES_MAX, 2560);
    }
}
