//! The high-water page and the guard: 512 bytes that say how far the log has been shown.

use crate::domain::{LedgerId, TreeHash};

use super::{SECTOR, is_zero};

/// The bytes that a page uses before its zeros.
const USED: usize = 8 + 32 + 8 + 32;

/// Which page it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::log) enum PageKind {
    /// The page in the data folder, written without sync.
    HighWater,
    /// A page of the guard, which is synced and can lie elsewhere.
    Guard,
}

impl PageKind {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::HighWater => b"FENRUNHW",
            Self::Guard => b"FENRUNGD",
        }
    }
}

/// A size and root that the log has been shown with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store::log) struct Page {
    /// The ledger.
    pub(in crate::store::log) ledger: LedgerId,
    /// The number of entries.
    pub(in crate::store::log) size: u64,
    /// The root of the tree over them.
    pub(in crate::store::log) root: TreeHash,
}

impl Page {
    /// Returns the 512 bytes of the page.
    pub(in crate::store::log) fn encode(&self, kind: PageKind) -> Vec<u8> {
        let mut out = Vec::with_capacity(SECTOR);
        out.extend_from_slice(kind.magic());
        out.extend_from_slice(self.ledger.as_bytes());
        out.extend_from_slice(&self.size.to_le_bytes());
        out.extend_from_slice(&self.root.0);
        out.resize(SECTOR - 4, 0);
        let checksum = crc32c::crc32c(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    /// Reads a page; none if the bytes are not a whole one of this kind.
    pub(in crate::store::log) fn decode(kind: PageKind, bytes: &[u8]) -> Option<Self> {
        let sector: &[u8; SECTOR] = bytes.try_into().ok()?;
        let (covered, checksum) = sector.split_last_chunk::<4>()?;
        if crc32c::crc32c(covered) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let rest = covered.strip_prefix(kind.magic())?;
        let (ledger, rest) = rest.split_first_chunk::<32>()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let (root, _) = rest.split_first_chunk::<32>()?;
        covered.get(USED..).filter(|unused| is_zero(unused))?;
        Some(Self {
            ledger: LedgerId(*ledger),
            size: u64::from_le_bytes(*size),
            root: TreeHash(*root),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_round_trips_and_every_flipped_byte_makes_it_none() {
        let page = Page {
            ledger: LedgerId([1; 32]),
            size: 300,
            root: TreeHash([2; 32]),
        };
        let bytes = page.encode(PageKind::HighWater);
        assert_eq!(bytes.len(), 512);
        assert_eq!(
            Page::decode(PageKind::HighWater, &bytes),
            Some(page.clone())
        );
        assert_eq!(Page::decode(PageKind::Guard, &bytes), None);
        let guard = page.encode(PageKind::Guard);
        assert_eq!(Page::decode(PageKind::Guard, &guard), Some(page));
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            assert_eq!(Page::decode(PageKind::HighWater, &bad), None, "byte {at}");
        }
        assert_eq!(Page::decode(PageKind::HighWater, &bytes[..511]), None);
        assert_eq!(Page::decode(PageKind::HighWater, &[]), None);
    }
}
