//! Where the cosignatures of checkpoints stand: a file beside the segments, as those of the tree.
//!
//! It holds nothing that the segments do not, is written without a sync, and is made again where
//! it is missing or damaged: batches say how long they are, so that all segments are passed over in
//! steps, looking at the first bytes of each batch only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::disk::{Disk, DiskFile};
use super::fault::LogFault;
use super::format::{BATCH_START_FRAME_BYTES, BatchStart, Place, SECTOR_BYTES, offset_of};
use super::segments::{Found, read_at};

/// The file with the places of cosignatures.
pub(super) const COSIGNED: &str = "tree/cosigned";
/// The bytes of a record: size of the checkpoint, segment, offset, checksum.
const RECORD_BYTES: usize = 20;

/// The open file.
pub(super) struct Cosigned {
    file: Arc<dyn DiskFile>,
    /// How many records it has.
    count: AtomicU64,
}

fn record_of(number: u64, size: u64, place: Place) -> [u8; RECORD_BYTES] {
    // Segments are smaller than 2^32 bytes.
    let offset = u32::try_from(place.offset).unwrap_or(u32::MAX);
    let mut record = [0; RECORD_BYTES];
    let (first, rest) = record.split_at_mut(8);
    let (second, rest) = rest.split_at_mut(4);
    let (third, fourth) = rest.split_at_mut(4);
    first.copy_from_slice(&size.to_le_bytes());
    second.copy_from_slice(&place.segment.to_le_bytes());
    third.copy_from_slice(&offset.to_le_bytes());
    let sum = crc32c::crc32c(&number.to_le_bytes());
    let sum = crc32c::crc32c_append(sum, first);
    let sum = crc32c::crc32c_append(sum, second);
    let sum = crc32c::crc32c_append(sum, third);
    fourth.copy_from_slice(&sum.to_le_bytes());
    record
}

impl Cosigned {
    /// Opens the file over segments that were verified, and makes it again as far as it is needed.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn open(disk: &dyn Disk, found: &[Found]) -> Result<Self, LogFault> {
        let failed = |source| LogFault::Write {
            action: "open",
            file: COSIGNED.to_owned(),
            source,
        };
        let file = disk.open_or_create(COSIGNED).map_err(failed)?;
        let bytes = file.size().map_err(failed)?;
        let last = found.last().map_or(0, |last| last.header.segment);
        let cosigned = Self {
            file,
            count: AtomicU64::new(bytes / offset_of(RECORD_BYTES)),
        };
        // What the last segment says is read from it: its records may be those of a batch that was
        // cut since, or be missing.
        let whole = bytes > 0 && cosigned.keep_before(last);
        let first = if whole { last } else { 0 };
        if !whole {
            cosigned.count.store(0, Ordering::Release);
        }
        for segment in found.iter().filter(|one| one.header.segment >= first) {
            cosigned.look_through(segment)?;
        }
        let end = cosigned.count().saturating_mul(offset_of(RECORD_BYTES));
        cosigned.file.set_size(end).map_err(failed)?;
        Ok(cosigned)
    }

    fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Forgets the records of a segment and those after it; says whether all before are whole.
    fn keep_before(&self, segment: u32) -> bool {
        let mut kept = 0;
        let mut before = 0;
        for number in 0..self.count() {
            match self.record(number) {
                Some((size, place)) if size > before || number == 0 => {
                    if place.segment >= segment {
                        break;
                    }
                    before = size;
                }
                _ => return false,
            }
            kept = number.saturating_add(1);
        }
        self.count.store(kept, Ordering::Release);
        true
    }

    /// Adds what stands in a segment.
    fn look_through(&self, segment: &Found) -> Result<(), LogFault> {
        let number = segment.header.segment;
        let mut offset = SECTOR_BYTES;
        loop {
            let place = Place {
                segment: number,
                offset,
            };
            let mut head = [0; BATCH_START_FRAME_BYTES + 5 + 8];
            read_at(segment.file.as_ref(), &segment.name(), &mut head, offset)?;
            // A footer, or zeros: the segment ends here.
            let Ok(start) = BatchStart::decode(place, &head) else {
                return Ok(());
            };
            if start.entries == 0
                && let Some(size) = head.last_chunk::<8>()
            {
                let place = place.after(BATCH_START_FRAME_BYTES);
                self.add(u64::from_le_bytes(*size), place)?;
            }
            offset = place.after(start.size()).offset;
        }
    }

    /// Notes where the cosignatures of a checkpoint stand; those of a size come once, ascending.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn add(&self, size: u64, place: Place) -> Result<(), LogFault> {
        if self.last().is_some_and(|last| last >= size) {
            return Ok(());
        }
        let number = self.count();
        let offset = number.saturating_mul(offset_of(RECORD_BYTES));
        let written = self.file.write_at(&record_of(number, size, place), offset);
        written.map_err(|source| LogFault::Write {
            action: "write",
            file: COSIGNED.to_owned(),
            source,
        })?;
        self.count
            .store(number.saturating_add(1), Ordering::Release);
        Ok(())
    }

    fn record(&self, number: u64) -> Option<(u64, Place)> {
        let mut record = [0; RECORD_BYTES];
        let offset = number.checked_mul(offset_of(RECORD_BYTES))?;
        let read = self.file.read_at(&mut record, offset).ok()?;
        let (size, rest) = record.split_first_chunk::<8>()?;
        let (segment, rest) = rest.split_first_chunk::<4>()?;
        let (offset, _) = rest.split_first_chunk::<4>()?;
        let size = u64::from_le_bytes(*size);
        let place = Place {
            segment: u32::from_le_bytes(*segment),
            offset: u64::from(u32::from_le_bytes(*offset)),
        };
        let whole = read == RECORD_BYTES && record_of(number, size, place) == record;
        whole.then_some((size, place))
    }

    /// Returns the smallest size with cosignatures.
    pub(super) fn first(&self) -> Option<u64> {
        Some(self.record(0).filter(|_| self.count() > 0)?.0)
    }

    /// Returns the largest size with cosignatures.
    pub(super) fn last(&self) -> Option<u64> {
        Some(self.record(self.count().checked_sub(1)?)?.0)
    }

    /// Returns where the cosignatures of a checkpoint stand; none where it has none.
    pub(super) fn place(&self, size: u64) -> Option<Place> {
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let middle = low.midpoint(high);
            let (found, place) = self.record(middle)?;
            match found.cmp(&size) {
                std::cmp::Ordering::Equal => return Some(place),
                std::cmp::Ordering::Less => low = middle.saturating_add(1),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}
