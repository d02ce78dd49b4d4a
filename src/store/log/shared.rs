//! What the writer and the readers of the segments share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::cosigned::Cosigned;
use super::disk::{Disk, DiskFile};
use super::fault::LogFault;
use super::format::Place;
use super::tree_files::TreeFiles;

/// The folder of the segments.
pub(super) const SEGMENT_FOLDER: &str = "segments";
/// How many of the newest segments stay open; older ones are opened for each read.
const OPEN_SEGMENTS: usize = 64;

/// Returns the name of a segment's file.
pub(super) fn segment_name(segment: u32) -> String {
    format!("{SEGMENT_FOLDER}/{segment:010}.seg")
}

/// Segments, derived files, and the size that readers are shown.
pub(super) struct Shared {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) tree: TreeFiles,
    pub(super) cosigned: Cosigned,
    size: AtomicU64,
    segments: RwLock<Vec<Segment>>,
}

/// A segment that has a header.
struct Segment {
    first_index: u64,
    file: Option<Arc<dyn DiskFile>>,
}

impl Shared {
    /// Returns a log of no entries and no segments.
    pub(super) fn new(disk: Arc<dyn Disk>, tree: TreeFiles, cosigned: Cosigned) -> Self {
        Self {
            disk,
            tree,
            cosigned,
            size: AtomicU64::new(0),
            segments: RwLock::default(),
        }
    }

    /// Returns the number of entries that readers are shown.
    pub(super) fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// Shows readers the log of this size: everything below it can be read.
    pub(super) fn show(&self, size: u64) {
        self.size.store(size, Ordering::Release);
    }

    /// Adds the next segment.
    pub(super) fn push_segment(&self, first_index: u64, file: Arc<dyn DiskFile>) {
        let mut segments = self
            .segments
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let file = Some(file);
        segments.push(Segment { first_index, file });
        let closed = segments.len().checked_sub(OPEN_SEGMENTS.saturating_add(1));
        if let Some(segment) = closed.and_then(|closed| segments.get_mut(closed)) {
            segment.file = None;
        }
    }

    /// Returns the file of a segment.
    ///
    /// # Errors
    /// There is no such segment, or it cannot be opened.
    pub(super) fn segment(&self, number: u32) -> Result<Arc<dyn DiskFile>, LogFault> {
        let name = segment_name(number);
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let segment = usize::try_from(number).ok();
        let Some(segment) = segment.and_then(|number| segments.get(number)) else {
            return Err(LogFault::Damaged {
                file: name,
                offset: 0,
                what: "there is no such segment, but an entry should be in it".to_owned(),
            });
        };
        if let Some(file) = &segment.file {
            return Ok(Arc::clone(file));
        }
        drop(segments);
        self.disk.open(&name).map_err(|source| LogFault::Read {
            file: name,
            offset: 0,
            source,
        })
    }

    /// Returns the place behind the header of the segment that holds an entry, and the segment's
    /// first index.
    pub(super) fn segment_of(&self, index: u64) -> (Place, u64) {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let after = segments.partition_point(|segment| segment.first_index <= index);
        let number = after.saturating_sub(1);
        let first = segments
            .get(number)
            .map_or(0, |segment| segment.first_index);
        let place = Place {
            segment: u32::try_from(number).unwrap_or(u32::MAX),
            offset: super::format::SECTOR_BYTES,
        };
        (place, first)
    }
}
