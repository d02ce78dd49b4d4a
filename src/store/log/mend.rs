//! Makes the end of a verified log durable: what can be read after a crash or a failed sync need
//! not be on the disk, so it is written once more, byte for byte, and synced.

use super::batch::BATCH_BYTES_MAX;
use super::disk::Disk;
use super::fault::LogFault;
use super::format::{Damage, Place, SECTOR_BYTES, offset_of, place_of};
use super::scan::Cut;
use super::segment_log::{encode_footer, write_and_sync};
use super::segments::{Found, read_at};
use super::shared::SEGMENT_FOLDER;
use super::start_error::StartError;
use super::verify::{SegmentEnd, Walk};

/// Rewrites everything from the last batch on, in the order in which it was first written;
/// returns where the next batch goes.
///
/// Only the last batch, the footer behind it and headers without a batch can be unsynced, for each
/// write waits for the sync before it. What a cut write has left is overwritten with zeros, and so
/// is as much as a batch can take, for zeros that were written at an earlier start may be as
/// little durable as the rest.
///
/// # Errors
/// A cut footer holds other bytes than a footer here would; the disk fails.
pub(super) fn mend(
    disk: &dyn Disk,
    found: &[Found],
    walk: &Walk,
    end: &SegmentEnd,
) -> Result<u64, StartError> {
    check_cut_footer(found, walk, end)?;
    let from = walk
        .last_batch
        .as_ref()
        .map_or(0, |last| last.place.segment);
    let mut tail = SECTOR_BYTES;
    let last = found.len().saturating_sub(1);
    for (at, segment) in found.iter().enumerate() {
        let number = segment.header.segment;
        if number < from {
            continue;
        }
        let name = segment.name();
        let file = segment.file.as_ref();
        let batch = walk.last_batch.as_ref();
        match batch.filter(|batch| batch.place.segment == number) {
            Some(batch) => {
                let bytes = read_back(segment, batch.place.offset, batch.bytes)?;
                write_and_sync(file, number, &bytes, batch.place.offset)?;
                tail = batch.place.after(batch.bytes).offset;
            }
            None => {
                write_and_sync(file, number, &segment.header.encode(), 0)?;
                tail = SECTOR_BYTES;
            }
        }
        let sealed = at != last || matches!(end, SegmentEnd::Footer { .. });
        let place = Place {
            segment: number,
            offset: tail,
        };
        if sealed {
            let footer = encode_footer(place, &walk.expected_footer());
            let there = read_back(segment, tail, footer.len())?;
            if there != footer {
                let damage = Damage::new(tail, "the footer changed while it was read");
                return Err(StartError::damaged(name, damage));
            }
            write_and_sync(file, number, &footer, tail)?;
        } else {
            let left = segment.header.segment_bytes.saturating_sub(tail);
            let zeros = vec![0; BATCH_BYTES_MAX.min(place_of(left))];
            write_and_sync(file, number, &zeros, tail)?;
        }
    }
    disk.sync_folder(SEGMENT_FOLDER).map_err(|source| {
        StartError::Disk(LogFault::Write {
            action: "sync",
            file: SEGMENT_FOLDER.to_owned(),
            source,
        })
    })?;
    Ok(tail)
}

/// Checks that what is there of a footer is what a footer here would say.
///
/// A footer follows from the entries before it, so unlike a batch it can be checked when cut.
fn check_cut_footer(found: &[Found], walk: &Walk, end: &SegmentEnd) -> Result<(), StartError> {
    let (SegmentEnd::Open(tail), Some(segment)) = (end, found.last()) else {
        return Ok(());
    };
    let Cut::Footer { end } = tail.cut else {
        return Ok(());
    };
    let place = Place {
        segment: segment.header.segment,
        offset: tail.offset,
    };
    let footer = encode_footer(place, &walk.expected_footer());
    let there = read_back(
        segment,
        place.offset,
        place_of(end.saturating_sub(place.offset)),
    )?;
    let sector = place_of(SECTOR_BYTES);
    let mut pairs = there.chunks(sector).zip(footer.chunks(sector));
    let same = pairs.all(|(there, footer)| super::format::is_zero(there) || there == footer);
    if there.len() == footer.len() && same {
        return Ok(());
    }
    let what = "what is left of a footer is not that of one which could stand here";
    let damage = Damage::new(place.offset, what);
    Err(StartError::damaged(segment.name(), damage))
}

fn read_back(segment: &Found, offset: u64, bytes: usize) -> Result<Vec<u8>, StartError> {
    let mut there = vec![0; bytes];
    let name = segment.name();
    let read = read_at(segment.file.as_ref(), &name, &mut there, offset)?;
    if read == bytes {
        return Ok(there);
    }
    let at = offset.saturating_add(offset_of(read));
    let damage = Damage::new(at, "the file became shorter while it was read");
    Err(StartError::damaged(name, damage))
}
