//! Reads frames one after the other from segments that are in use.

use std::sync::Arc;

use super::disk::DiskFile;
use super::fault::LogFault;
use super::format::{
    BatchStart, Damage, Frame, FrameError, Kind, Place, SECTOR_BYTES, frame_size, offset_of,
    parse_frame, place_of,
};
use super::shared::{Shared, segment_name};

/// A place that moves through the log, with the bytes around it.
///
/// It reads only what it is told to; the caller stops before the end that readers are shown, so
/// it never depends on bytes that are just being written.
pub(super) struct Frames<'a> {
    shared: &'a Shared,
    file: Arc<dyn DiskFile>,
    place: Place,
    buffer: Vec<u8>,
    buffer_offset: u64,
    chunk: usize,
}

impl<'a> Frames<'a> {
    /// Begins at a place; at least `chunk` bytes are read at a time.
    pub(super) fn new(shared: &'a Shared, place: Place, chunk: usize) -> Result<Self, LogFault> {
        Ok(Self {
            shared,
            file: shared.segment(place.segment)?,
            place,
            buffer: Vec::new(),
            buffer_offset: place.offset,
            chunk,
        })
    }

    /// Returns where the next frame stands.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Reads the next frame and moves behind it.
    ///
    /// # Errors
    /// The frame is not whole, or cannot be read.
    pub(super) fn next(&mut self) -> Result<Frame<'_>, LogFault> {
        self.hold(5)?;
        let size = match frame_size(self.held()) {
            Ok(size) => size,
            Err(error) => return Err(damaged(self.place, error.to_string())),
        };
        self.hold(size)?;
        let place = self.place;
        self.place = place.after(size);
        let from = place_of(place.offset.saturating_sub(self.buffer_offset));
        let held = self.buffer.get(from..).unwrap_or_default();
        let frame = parse_frame(place, held);
        frame.map_err(|error: FrameError| damaged(place, error.to_string()))
    }

    /// Reads frames up to the next entry and returns its place and bytes.
    ///
    /// # Errors
    /// A frame is not whole, or cannot be read.
    pub(super) fn next_entry(&mut self) -> Result<(Place, &[u8]), LogFault> {
        loop {
            let place = self.place;
            let kind = self.next()?.kind;
            match kind {
                Kind::Entry => {
                    // The frame was checked and stands in the buffer.
                    let end = place_of(self.place.offset.saturating_sub(self.buffer_offset));
                    let from = place_of(place.offset.saturating_sub(self.buffer_offset));
                    let (from, end) = (from.saturating_add(5), end.saturating_sub(4));
                    return Ok((place, self.buffer.get(from..end).unwrap_or_default()));
                }
                Kind::BatchStart => {}
                Kind::Checkpoint | Kind::Cosignatures => self.skip_to_sector(),
                Kind::Footer => self.skip_to_segment()?,
            }
        }
    }

    fn skip_to_sector(&mut self) {
        let sectors = self.place.offset.div_ceil(SECTOR_BYTES);
        self.place.offset = sectors.saturating_mul(SECTOR_BYTES);
    }

    fn skip_to_segment(&mut self) -> Result<(), LogFault> {
        let place = Place {
            segment: self.place.segment.saturating_add(1),
            offset: SECTOR_BYTES,
        };
        *self = Self::new(self.shared, place, self.chunk)?;
        Ok(())
    }

    /// Returns the bytes from the place on, as far as they are held.
    fn held(&self) -> &[u8] {
        let from = place_of(self.place.offset.saturating_sub(self.buffer_offset));
        self.buffer.get(from..).unwrap_or_default()
    }

    /// Sees to it that so many bytes from the place on are held, if the file has them.
    fn hold(&mut self, bytes: usize) -> Result<(), LogFault> {
        if self.held().len() >= bytes {
            return Ok(());
        }
        self.buffer = vec![0; bytes.max(self.chunk)];
        self.buffer_offset = self.place.offset;
        let read = self.file.read_at(&mut self.buffer, self.buffer_offset);
        let read = read.map_err(|source| LogFault::Read {
            file: segment_name(self.place.segment),
            offset: self.place.offset,
            source,
        })?;
        self.buffer.truncate(read);
        Ok(())
    }
}

/// Reads the start of the batch whose first entry stands at a place; none if it is not the first.
pub(super) fn batch_start_before(shared: &Shared, first: Place) -> Option<BatchStart> {
    let bytes = super::format::BATCH_START_FRAME_BYTES;
    let offset = first.offset.checked_sub(offset_of(bytes))?;
    let place = Place { offset, ..first };
    let mut frame = vec![0; bytes];
    let file = shared.segment(first.segment).ok()?;
    file.read_at(&mut frame, offset).ok()?;
    BatchStart::decode(place, &frame).ok()
}

/// Returns the fault for a frame that is not whole.
pub(super) fn damaged(place: Place, what: String) -> LogFault {
    damaged_file(segment_name(place.segment), Damage::new(place.offset, what))
}

/// Returns the fault for something that is not as it was written.
pub(super) fn damaged_file(file: String, damage: Damage) -> LogFault {
    LogFault::Damaged {
        file,
        offset: damage.offset,
        what: damage.what,
    }
}
