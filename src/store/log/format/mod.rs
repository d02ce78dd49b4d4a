//! The bytes of the log's files, as `docs/format.md` states them: pure encoding and decoding.

mod batch;
mod footer;
mod frame;
mod header;
mod page;

pub(super) use batch::{
    BATCH_START_FRAME_BYTES, BatchStart, BatchView, batch_bytes, cosignatures_bytes, encode_batch,
    encode_cosignatures, first_zero_sector, parse_batch,
};
pub(super) use footer::{FOOTER_BYTES_MAX, Footer};
pub(super) use frame::{Frame, FrameError, Kind, Place, frame_size, parse_frame};
pub(super) use header::{Header, HeaderError, NoteHash, is_segment_size, note_hash};
pub(super) use page::{Page, PageKind};

/// What disks write as a whole: batches, footers and pages begin at multiples of it.
pub(super) const SECTOR: usize = 512;
/// [`SECTOR`] as an offset in a file.
pub(super) const SECTOR_BYTES: u64 = 512;
/// The smallest segment: a header, one sector for a batch and room for a footer.
pub const SEGMENT_BYTES_MIN: u64 = 4096;
/// The largest segment; the bytes of one are read into memory when it is verified.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// Something in a file that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    /// Where in the file, in bytes.
    pub(super) offset: u64,
    /// What is wrong there.
    pub(super) what: String,
}

impl Damage {
    pub(super) fn new(offset: u64, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { offset, what }
    }
}

/// Returns a number of bytes as an offset; no file that is handled here is larger than that.
pub(super) fn offset_of(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Returns an offset as a place in memory; beyond the end of any slice where it does not fit.
pub(super) fn place_of(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// Tells whether all of the bytes are zeros.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && rest.iter().all(|byte| *byte == 0)
}

/// Returns where the first byte that is not zero stands, or none.
pub(super) fn first_non_zero(bytes: &[u8]) -> Option<usize> {
    let sectors = bytes.chunks(SECTOR);
    let skipped = sectors.take_while(|sector| is_zero(sector)).count();
    let from = skipped.saturating_mul(SECTOR);
    let found = bytes.get(from..)?.iter().position(|byte| *byte != 0)?;
    Some(from.saturating_add(found))
}

/// Returns where the last byte that is not zero stands, or none.
pub(super) fn last_non_zero(bytes: &[u8]) -> Option<usize> {
    let mut end = bytes.len();
    for sector in bytes.rchunks(SECTOR) {
        end = end.saturating_sub(sector.len());
        // A segment is zeros for the most part, and this is quicker than looking at each byte.
        if is_zero(sector) {
            continue;
        }
        if let Some(found) = sector.iter().rposition(|byte| *byte != 0) {
            return Some(end.saturating_add(found));
        }
    }
    None
}

/// Rounds up to the next multiple of [`SECTOR`].
pub(super) fn whole_sectors(bytes: usize) -> usize {
    bytes.div_ceil(SECTOR).saturating_mul(SECTOR)
}
