//! Finds the segments of a folder and checks that their headers and footers chain.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::domain::LedgerId;

use super::disk::{Disk, DiskFile};
use super::fault::LogFault;
use super::format::{
    Damage, Footer, Header, HeaderError, Kind, Place, SECTOR, SECTOR_BYTES, first_non_zero,
    parse_frame, place_of,
};
use super::scan::find_footer;
use super::shared::{SEGMENT_FOLDER, segment_name};
use super::start_error::StartError;
use super::verify::Walk;

/// A segment with a header, as it was found.
pub(super) struct Found {
    pub(super) header: Header,
    pub(super) file: Arc<dyn DiskFile>,
    /// Its footer, where another segment follows.
    pub(super) footer: Option<Footer>,
}

impl Found {
    pub(super) fn name(&self) -> String {
        segment_name(self.header.segment)
    }

    /// Reads the whole segment into `bytes`.
    pub(super) fn read(&self, bytes: &mut Vec<u8>) -> Result<(), LogFault> {
        let size = place_of(self.header.segment_bytes);
        if bytes.len() != size {
            *bytes = vec![0; size];
        }
        let read = read_at(self.file.as_ref(), &self.name(), bytes, 0)?;
        if read == bytes.len() {
            return Ok(());
        }
        let damage = Damage::new(super::format::offset_of(read), "the file ends too early");
        Err(super::frames::damaged_file(self.name(), damage))
    }
}

pub(super) fn read_at(
    file: &dyn DiskFile,
    name: &str,
    bytes: &mut [u8],
    offset: u64,
) -> Result<usize, LogFault> {
    let read = file.read_at(bytes, offset);
    read.map_err(|source| LogFault::Read {
        file: name.to_owned(),
        offset,
        source,
    })
}

/// Reads the ledger id and the leaf of entry 0, before anything is verified.
///
/// A start needs the keys of the log, and a log that has never changed them has them here.
///
/// # Errors
/// [`StartError::Empty`] where there is no log or no entry; damage in the first frames.
pub fn read_founding(disk: &dyn Disk) -> Result<(LedgerId, Bytes), StartError> {
    let name = segment_name(0);
    let file = match disk.open(&name) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(StartError::Empty),
        Err(source) => {
            let (file, offset) = (name, 0);
            return Err(StartError::Disk(LogFault::Read {
                file,
                offset,
                source,
            }));
        }
    };
    let mut bytes = vec![0; 2 * SECTOR + super::batch::FRAME_BYTES_OVERHEAD + 65_535];
    let read = read_at(file.as_ref(), &name, &mut bytes, 0)?;
    bytes.truncate(read);
    let header = match Header::decode(&bytes) {
        Ok(header) => header,
        Err(HeaderError::Unused) => return Err(StartError::Empty),
        Err(error) => return Err(StartError::damaged(name, Damage::new(0, error.to_string()))),
    };
    let first = bytes.get(SECTOR..).unwrap_or_default();
    if first_non_zero(first.get(..SECTOR).unwrap_or(first)).is_none() {
        return Err(StartError::Empty);
    }
    let place = Place {
        segment: 0,
        offset: SECTOR_BYTES,
    };
    let place = place.after(super::format::BATCH_START_FRAME_BYTES);
    let rest = bytes.get(place_of(place.offset)..).unwrap_or_default();
    match parse_frame(place, rest) {
        Ok(frame) if frame.kind == Kind::Entry => {
            Ok((header.ledger, Bytes::copy_from_slice(frame.bytes)))
        }
        Ok(_) => {
            let damage = Damage::new(place.offset, "entry 0 does not stand here");
            Err(StartError::damaged(name, damage))
        }
        Err(error) => {
            let damage = Damage::new(place.offset, error.to_string());
            Err(StartError::damaged(name, damage))
        }
    }
}

/// Finds the segments in use, in order, and checks that they chain.
pub(super) fn find_segments(disk: &dyn Disk) -> Result<Vec<Found>, StartError> {
    let names = disk.list(SEGMENT_FOLDER).map_err(|source| {
        StartError::Disk(LogFault::Read {
            file: SEGMENT_FOLDER.to_owned(),
            offset: 0,
            source,
        })
    })?;
    let mut numbers: Vec<u32> = names.iter().filter_map(|name| number_of(name)).collect();
    numbers.sort_unstable();
    let mut found: Vec<Found> = Vec::new();
    let mut unused: Option<u32> = None;
    for (expected, number) in (0..).zip(numbers) {
        if number != expected {
            let what = format!("the segment is missing, but segment {number} is there");
            let damage = Damage::new(0, what);
            return Err(StartError::damaged(segment_name(expected), damage));
        }
        let name = segment_name(number);
        let file = disk.open(&name).map_err(|source| {
            let (file, offset) = (name.clone(), 0);
            StartError::Disk(LogFault::Read {
                file,
                offset,
                source,
            })
        })?;
        match read_header(file.as_ref(), number)? {
            None => unused = Some(unused.unwrap_or(number)),
            Some(header) => {
                if let Some(before) = unused {
                    let what = "the segment is not in use, but a later one is";
                    let damage = Damage::new(0, what);
                    return Err(StartError::damaged(segment_name(before), damage));
                }
                found.push(Found {
                    header,
                    file,
                    footer: None,
                });
            }
        }
    }
    chain(&mut found)?;
    Ok(found)
}

/// Returns the number in the name of a segment's file.
pub(super) fn number_of(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".seg")?;
    let number: u32 = digits.parse().ok()?;
    segment_name(number).ends_with(name).then_some(number)
}

/// Reads the header of a segment; none if the segment is all zeros.
pub(super) fn read_header(file: &dyn DiskFile, number: u32) -> Result<Option<Header>, StartError> {
    let name = segment_name(number);
    let damaged =
        |offset, what: String| StartError::damaged(segment_name(number), Damage::new(offset, what));
    let mut sector = vec![0; SECTOR];
    let read = read_at(file, &name, &mut sector, 0)?;
    sector.truncate(read);
    let size = file.size().map_err(|source| {
        let (file, offset) = (name.clone(), 0);
        StartError::Disk(LogFault::Read {
            file,
            offset,
            source,
        })
    })?;
    let header = match Header::decode(&sector) {
        Ok(header) => header,
        Err(HeaderError::Unused) => {
            return match find_non_zero(file, &name, size)? {
                None => Ok(None),
                Some(at) => Err(damaged(
                    at,
                    "the segment has no header, but other bytes than zeros".to_owned(),
                )),
            };
        }
        Err(error) => return Err(damaged(0, error.to_string())),
    };
    if header.segment != number {
        let what = format!("the header is that of segment {}", header.segment);
        return Err(damaged(0, what));
    }
    if header.segment_bytes != size {
        let expected = header.segment_bytes;
        let what = format!("the file has {size} bytes, but its header says {expected}");
        return Err(damaged(size.min(expected), what));
    }
    Ok(Some(header))
}

fn find_non_zero(file: &dyn DiskFile, name: &str, size: u64) -> Result<Option<u64>, LogFault> {
    let mut chunk = vec![0; 1024 * 1024];
    let mut offset = 0u64;
    while offset < size {
        let read = read_at(file, name, &mut chunk, offset)?;
        let bytes = chunk.get(..read).unwrap_or_default();
        if let Some(at) = first_non_zero(bytes) {
            return Ok(Some(offset.saturating_add(super::format::offset_of(at))));
        }
        if read == 0 {
            break;
        }
        offset = offset.saturating_add(super::format::offset_of(read));
    }
    Ok(None)
}

/// Checks headers and footers against each other.
fn chain(found: &mut [Found]) -> Result<(), StartError> {
    let Some(first) = found.first() else {
        return Ok(());
    };
    let ledger = first.header.ledger;
    let mut walk = Walk::default();
    let last = found.len().saturating_sub(1);
    for (at, segment) in found.iter_mut().enumerate() {
        let damaged = |damage| StartError::damaged(segment_name(segment.header.segment), damage);
        if segment.header.ledger != ledger {
            let what = "the segment belongs to another ledger than segment 0";
            return Err(damaged(Damage::new(0, what)));
        }
        walk.enter(&segment.header).map_err(damaged)?;
        if at == last {
            break;
        }
        let (number, bytes) = (segment.header.segment, segment.header.segment_bytes);
        let (file, name) = (Arc::clone(&segment.file), segment.name());
        let footer = find_footer(number, bytes, |offset, count| {
            let mut bytes = vec![0; count];
            let read = read_at(file.as_ref(), &name, &mut bytes, offset)?;
            bytes.truncate(read);
            Ok::<_, LogFault>(bytes)
        })?;
        let (_, footer) = footer.map_err(damaged)?;
        walk = Walk::after(&footer);
        segment.footer = Some(footer);
    }
    Ok(())
}
