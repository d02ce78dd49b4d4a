//! Walks the bytes of one segment: whole batches, then its footer or its end.

use super::batch::BATCH_BYTES_MAX;
use super::format::{
    BatchStart, BatchView, Damage, FOOTER_BYTES_MAX, Footer, Kind, Place, SECTOR, SECTOR_BYTES,
    first_non_zero, first_zero_sector, is_zero, last_non_zero, offset_of, parse_batch, parse_frame,
    place_of, whole_sectors,
};

/// What stands at the next multiple of 512.
#[derive(Debug)]
pub(super) enum Step<'a> {
    /// A batch whose frames are whole.
    Batch(BatchView<'a>),
    /// The footer; nothing but zeros follows.
    Footer {
        /// Where it stands.
        place: Place,
        /// What it says.
        footer: Footer,
        /// Its bytes, in whole sectors.
        bytes: &'a [u8],
    },
    /// Zeros to the end of the segment.
    End(Tail),
}

/// How a segment without a whole footer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    /// Where the next batch or the footer would start.
    pub(super) offset: u64,
    /// What was cut there.
    pub(super) cut: Cut,
}

/// What a write that was cut has left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Nothing: zeros only.
    Nothing,
    /// A batch, or a footer whose first sector is missing, up to this offset.
    Batch {
        /// The offset after the last sector with other bytes than zeros.
        end: u64,
    },
    /// A footer whose first sector is there.
    Footer {
        /// The offset after its last sector.
        end: u64,
    },
}

/// A walk through a segment's bytes.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    segment: u32,
    bytes: &'a [u8],
    offset: usize,
    next_index: u64,
}

impl<'a> Scan<'a> {
    /// Begins after the header of a segment, given all of its bytes.
    pub(super) fn new(segment: u32, first_index: u64, bytes: &'a [u8]) -> Self {
        Self {
            segment,
            bytes,
            offset: SECTOR,
            next_index: first_index,
        }
    }

    /// Returns where the walk stands.
    pub(super) fn place(&self) -> Place {
        Place {
            segment: self.segment,
            offset: offset_of(self.offset),
        }
    }

    /// Reads what stands at the next multiple of 512 and moves behind it.
    ///
    /// After a footer or an end the walk is over.
    ///
    /// # Errors
    /// The first bytes that are neither whole nor what a cut write leaves behind.
    pub(super) fn step(&mut self) -> Result<Step<'a>, Damage> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let first = rest.get(..SECTOR).unwrap_or(rest);
        if is_zero(first) {
            return self.end(rest).map(Step::End);
        }
        let place = self.place();
        let kind = first.get(4).copied().unwrap_or_default();
        if kind == Kind::Footer as u8 {
            return self.footer(place, rest);
        }
        let start = BatchStart::decode(place, first)
            .map_err(|what| Damage::new(place.offset, format!("no batch starts here: {what}")))?;
        if start.first_index != self.next_index {
            let (found, expected) = (start.first_index, self.next_index);
            let what = format!("a batch starts with entry {found} where {expected} follows");
            return Err(Damage::new(place.offset, what));
        }
        let Some(bytes) = rest.get(..start.size()) else {
            return Err(Damage::new(
                place.offset,
                "the batch crosses the end of the segment",
            ));
        };
        if first_zero_sector(bytes).is_some() {
            let after = rest.get(start.size()..).unwrap_or_default();
            let end = place.after(start.size()).offset;
            return match first_non_zero(after) {
                None => Ok(Step::End(Tail {
                    offset: place.offset,
                    cut: Cut::Batch { end },
                })),
                Some(_) => Err(zero_sector_within(place, bytes)),
            };
        }
        let view = parse_batch(place, start, bytes)?;
        self.offset = self.offset.saturating_add(start.size());
        self.next_index = self.next_index.saturating_add(u64::from(start.entries));
        Ok(Step::Batch(view))
    }

    /// The next sector is zeros: the end, or a write whose first sector is missing.
    fn end(&self, rest: &[u8]) -> Result<Tail, Damage> {
        let place = self.place();
        let cut = match last_non_zero(rest) {
            None => Cut::Nothing,
            Some(last) if last < BATCH_BYTES_MAX => Cut::Batch {
                end: place.after(whole_sectors(last.saturating_add(1))).offset,
            },
            Some(last) => {
                let what = "bytes that are not zeros lie beyond the end of the log";
                return Err(Damage::new(place.after(last).offset, what));
            }
        };
        Ok(Tail {
            offset: place.offset,
            cut,
        })
    }

    fn footer(&mut self, place: Place, rest: &'a [u8]) -> Result<Step<'a>, Damage> {
        let damaged = |what: String| Damage::new(place.offset, what);
        let size = super::format::frame_size(rest).map_err(|error| damaged(error.to_string()))?;
        let size = whole_sectors(size);
        let bytes = rest.get(..size).filter(|_| size <= FOOTER_BYTES_MAX);
        let bytes = bytes.ok_or_else(|| damaged("the footer is longer than one is".to_owned()))?;
        let after = rest.get(size..).unwrap_or_default();
        if let Some(at) = first_non_zero(after) {
            let at = place.after(size).after(at).offset;
            return Err(Damage::new(
                at,
                "bytes that are not zeros follow the footer",
            ));
        }
        if first_zero_sector(bytes).is_some() {
            return Ok(Step::End(Tail {
                offset: place.offset,
                cut: Cut::Footer {
                    end: place.after(size).offset,
                },
            }));
        }
        let frame = parse_frame(place, bytes).map_err(|error| damaged(error.to_string()))?;
        let padding = bytes.get(frame.size..).unwrap_or_default();
        if !is_zero(padding) {
            return Err(damaged(
                "bytes that are not zeros follow the footer".to_owned(),
            ));
        }
        let footer = Footer::decode(frame.bytes).map_err(|error| damaged(error.to_string()))?;
        self.offset = self.offset.saturating_add(size);
        Ok(Step::Footer {
            place,
            footer,
            bytes,
        })
    }
}

fn zero_sector_within(batch: Place, bytes: &[u8]) -> Damage {
    let at = first_zero_sector(bytes).unwrap_or_default();
    Damage::new(
        batch.after(at).offset,
        "512 bytes within a batch are zeros, and the log goes on after it",
    )
}

/// Finds the footer of a full segment from its end, without reading what is before it.
///
/// `read` gives the bytes at an offset, as many as asked for.
///
/// # Errors
/// `read` fails, or the last bytes that are not zeros are not those of a footer.
pub(super) fn find_footer<E>(
    segment: u32,
    segment_bytes: u64,
    mut read: impl FnMut(u64, usize) -> Result<Vec<u8>, E>,
) -> Result<Result<(Place, Footer), Damage>, E> {
    const CHUNK: u64 = 64 * 1024;
    let mut end = segment_bytes;
    let last = loop {
        let start = end.saturating_sub(CHUNK).max(SECTOR_BYTES);
        if start >= end {
            let what = "the segment has no footer, but another segment follows";
            return Ok(Err(Damage::new(SECTOR_BYTES, what)));
        }
        let chunk = read(start, place_of(end.saturating_sub(start)))?;
        if let Some(last) = last_non_zero(&chunk) {
            break start.saturating_add(offset_of(last));
        }
        end = start;
    };
    // The footer's last sector is known; it has at most as many as fit `FOOTER_BYTES_MAX`.
    let end = (last / SECTOR_BYTES)
        .saturating_add(1)
        .saturating_mul(SECTOR_BYTES);
    let first = end
        .saturating_sub(offset_of(FOOTER_BYTES_MAX))
        .max(SECTOR_BYTES);
    let bytes = read(first, place_of(end.saturating_sub(first)))?;
    for (number, _) in (0u64..).zip(bytes.chunks(SECTOR)) {
        let skip = place_of(number.saturating_mul(SECTOR_BYTES));
        let place = Place {
            segment,
            offset: first,
        };
        let place = place.after(skip);
        let rest = bytes.get(skip..).unwrap_or_default();
        let Ok(frame) = parse_frame(place, rest) else {
            continue;
        };
        let whole = whole_sectors(frame.size) == rest.len();
        let padding = rest.get(frame.size..).unwrap_or_default();
        if frame.kind == Kind::Footer && whole && is_zero(padding) {
            let footer = Footer::decode(frame.bytes);
            let footer = footer.map_err(|error| Damage::new(place.offset, error.to_string()));
            return Ok(footer.map(|footer| (place, footer)));
        }
    }
    let what = "the segment does not end with a footer, but another segment follows";
    Ok(Err(Damage::new(last, what)))
}
