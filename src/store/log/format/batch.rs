//! A batch in its segment: its start, entries, checkpoint, and zeros to the next sector.

use bytes::Bytes;

use super::super::batch::{BATCH_BYTES_MAX, BatchError, FRAME_BYTES_OVERHEAD};
use super::frame::{Frame, FrameError, Kind, Place, parse_frame};
use super::{Damage, SECTOR, is_zero, offset_of, place_of, whole_sectors};

/// The bytes of the frame that starts a batch.
pub(in crate::store::log) const BATCH_START_FRAME_BYTES: usize = FRAME_BYTES_OVERHEAD + 8 + 4 + 4;

/// What the first frame of a batch says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store::log) struct BatchStart {
    /// The index of the first entry; the size of the log where there are none.
    pub(in crate::store::log) first_index: u64,
    /// The number of entries; 0 for cosignatures.
    pub(in crate::store::log) entries: u32,
    /// The bytes of the whole batch in the segment, from its start to the sector that follows it.
    pub(in crate::store::log) bytes: u32,
}

impl BatchStart {
    fn encode(&self) -> [u8; 16] {
        let mut out = [0; 16];
        let (first, rest) = out.split_at_mut(8);
        let (second, third) = rest.split_at_mut(4);
        first.copy_from_slice(&self.first_index.to_le_bytes());
        second.copy_from_slice(&self.entries.to_le_bytes());
        third.copy_from_slice(&self.bytes.to_le_bytes());
        out
    }

    /// Reads the frame that starts a batch.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(in crate::store::log) fn decode(place: Place, bytes: &[u8]) -> Result<Self, String> {
        let frame = parse_frame(place, bytes).map_err(|error| error.to_string())?;
        if frame.kind != Kind::BatchStart {
            return Err(format!(
                "a {:?} frame stands where a batch starts",
                frame.kind
            ));
        }
        let fields: &[u8; 16] = frame.bytes.try_into().map_err(|_| {
            let found = frame.bytes.len();
            format!("the start of a batch holds 16 bytes, not {found}")
        })?;
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *fields;
        let start = Self {
            first_index: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            entries: u32::from_le_bytes([i, j, k, l]),
            bytes: u32::from_le_bytes([m, n, o, p]),
        };
        let size = start.size();
        if size == 0 || size > BATCH_BYTES_MAX || !size.is_multiple_of(SECTOR) {
            return Err(format!(
                "a batch has whole sectors and at most {BATCH_BYTES_MAX} bytes, not {size}"
            ));
        }
        Ok(start)
    }

    /// Returns the bytes of the whole batch.
    pub(in crate::store::log) fn size(&self) -> usize {
        place_of(u64::from(self.bytes))
    }
}

/// A batch that was read and whose frames are whole; its root has not been looked at.
#[derive(Debug, Clone)]
pub(in crate::store::log) struct BatchView<'a> {
    /// Where it starts.
    pub(in crate::store::log) place: Place,
    /// What its first frame says.
    pub(in crate::store::log) start: BatchStart,
    /// The place and leaf bytes of each entry.
    pub(in crate::store::log) entries: Vec<(Place, &'a [u8])>,
    /// The place and text of its checkpoint note; none in a batch of cosignatures.
    pub(in crate::store::log) checkpoint: Option<(Place, &'a str)>,
}

/// Returns the bytes that a batch takes in its segment.
pub(in crate::store::log) fn batch_bytes(leaves: &[Bytes], note: &str) -> usize {
    let framed = |bytes: usize| bytes.saturating_add(FRAME_BYTES_OVERHEAD);
    let entries = leaves.iter().map(|leaf| framed(leaf.len()));
    let sum = entries.fold(0usize, |sum, bytes| sum.saturating_add(bytes));
    let rest = BATCH_START_FRAME_BYTES.saturating_add(framed(note.len()));
    whole_sectors(sum.saturating_add(rest))
}

/// Writes a batch that will stand at `place` to `out`, which is empty; returns the places of its
/// entries.
///
/// # Errors
/// The batch is larger than one may be, an entry does not fit a frame, or 512 bytes of it would be
/// zeros.
pub(in crate::store::log) fn encode_batch(
    out: &mut Vec<u8>,
    place: Place,
    first_index: u64,
    leaves: &[Bytes],
    note: &str,
) -> Result<Vec<Place>, BatchError> {
    let (limit, found) = (BATCH_BYTES_MAX, batch_bytes(leaves, note));
    let too_large = || BatchError::TooLarge { limit, found };
    if found > limit {
        return Err(too_large());
    }
    out.clear();
    out.reserve(found);
    let start = BatchStart {
        first_index,
        entries: u32::try_from(leaves.len()).map_err(|_| too_large())?,
        bytes: u32::try_from(found).map_err(|_| too_large())?,
    };
    let frame = |error: FrameError| match error {
        FrameError::Length { found } => BatchError::EntryBytes {
            index: first_index,
            found: place_of(u64::from(found)),
        },
        _ => BatchError::Empty,
    };
    let mut next = place
        .write(out, Kind::BatchStart, &start.encode())
        .map_err(frame)?;
    let mut places = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        places.push(next);
        next = next.write(out, Kind::Entry, leaf).map_err(frame)?;
    }
    next.write(out, Kind::Checkpoint, note.as_bytes())
        .map_err(frame)?;
    out.resize(found, 0);
    match first_zero_sector(out) {
        Some(offset) => Err(BatchError::ZeroSector { offset }),
        None => Ok(places),
    }
}

/// Writes a batch of cosignatures that will stand at `place` to `out`, which is empty; returns the
/// place of their frame.
///
/// # Errors
/// There are none, or more than a frame holds.
pub(in crate::store::log) fn encode_cosignatures(
    out: &mut Vec<u8>,
    place: Place,
    first_index: u64,
    size: u64,
    lines: &str,
) -> Result<Place, FrameError> {
    let holds = [&size.to_le_bytes(), lines.as_bytes()].concat();
    let found = cosignatures_bytes(lines);
    out.clear();
    let start = BatchStart {
        first_index,
        entries: 0,
        bytes: u32::try_from(found).unwrap_or(u32::MAX),
    };
    let frame = place.write(out, Kind::BatchStart, &start.encode())?;
    frame.write(out, Kind::Cosignatures, &holds)?;
    out.resize(found, 0);
    Ok(frame)
}

/// Returns the bytes that a batch of cosignatures takes in its segment.
pub(in crate::store::log) fn cosignatures_bytes(lines: &str) -> usize {
    let frame = FRAME_BYTES_OVERHEAD.saturating_add(8);
    let rest = BATCH_START_FRAME_BYTES.saturating_add(frame);
    whole_sectors(rest.saturating_add(lines.len()))
}

/// Returns the offset of the first sector of `bytes` that is all zeros.
pub(in crate::store::log) fn first_zero_sector(bytes: &[u8]) -> Option<usize> {
    let sector = bytes.chunks(SECTOR).position(is_zero)?;
    Some(sector.saturating_mul(SECTOR))
}

/// Reads the frames of the batch that starts at `place` and whose bytes are exactly `bytes`.
///
/// # Errors
/// Any frame is not whole, stands in another order, or other bytes than zeros follow.
pub(in crate::store::log) fn parse_batch(
    place: Place,
    start: BatchStart,
    bytes: &[u8],
) -> Result<BatchView<'_>, Damage> {
    let mut cursor = Cursor {
        place: place.after(BATCH_START_FRAME_BYTES),
        rest: bytes.get(BATCH_START_FRAME_BYTES..).unwrap_or_default(),
    };
    let expected = place_of(u64::from(start.entries));
    let mut view = BatchView {
        place,
        start,
        // Each entry takes ten bytes at least, whatever the start says.
        entries: Vec::with_capacity(expected.min(bytes.len() / (FRAME_BYTES_OVERHEAD + 1))),
        checkpoint: None,
    };
    for _ in 0..start.entries {
        let at = cursor.place;
        view.entries.push((at, cursor.take(Kind::Entry)?));
    }
    if start.entries == 0 {
        cursor.take(Kind::Cosignatures)?;
    } else {
        let at = cursor.place;
        let note = cursor.take(Kind::Checkpoint)?;
        let note = str::from_utf8(note)
            .map_err(|_| Damage::new(at.offset, "the checkpoint note is not text"))?;
        view.checkpoint = Some((at, note));
    }
    let end = cursor.place.offset;
    if cursor.rest.len() >= SECTOR {
        return Err(Damage::new(
            end,
            "the batch says that it is longer than its frames",
        ));
    }
    match cursor.rest.iter().position(|byte| *byte != 0) {
        Some(at) => {
            let at = end.saturating_add(offset_of(at));
            Err(Damage::new(
                at,
                "other bytes than zeros follow the batch's last frame",
            ))
        }
        None => Ok(view),
    }
}

/// Takes frames of known kinds one after the other.
struct Cursor<'a> {
    place: Place,
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, kind: Kind) -> Result<&'a [u8], Damage> {
        let at = self.place.offset;
        let frame: Frame<'a> = parse_frame(self.place, self.rest)
            .map_err(|error| Damage::new(at, error.to_string()))?;
        if frame.kind != kind {
            let what = format!("a {:?} frame stands where {kind:?} belongs", frame.kind);
            return Err(Damage::new(at, what));
        }
        self.place = self.place.after(frame.size);
        self.rest = self.rest.get(frame.size..).unwrap_or_default();
        Ok(frame.bytes)
    }
}
