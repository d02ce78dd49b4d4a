//! Appends batches to segments: one write and one sync for each, the commit point.

use std::sync::Arc;
use std::thread::JoinHandle;

use crate::domain::{LedgerId, TreeHash};
use crate::merkle::Frontier;

use super::batch::{Batch, BatchError};
use super::contract::{LogReader, LogStore};
use super::disk::{Disk, DiskFile, is_no_space};
use super::fault::LogFault;
use super::format::{
    FOOTER_BYTES_MAX, Footer, Header, Kind, NoteHash, Page, PageKind, Place, SECTOR, SECTOR_BYTES,
    batch_bytes, cosignatures_bytes, encode_batch, encode_cosignatures, note_hash, offset_of,
    whole_sectors,
};
use super::guard::Guard;
use super::reader::SegmentReader;
use super::shared::{SEGMENT_FOLDER, Shared, segment_name};
use super::tree_files::TreeChanges;

/// The file of the high-water page.
pub(super) const PAGE: &str = "high-water";
/// The bytes of a segment unless an option says otherwise: about 120,000 small entries.
pub const SEGMENT_BYTES_DEFAULT: u64 = 64 * 1024 * 1024;
/// The most bytes of the cosignatures of one checkpoint.
const COSIGNATURES_BYTES_MAX: usize = 65_535 - 8;
/// How much of a new segment is written at once.
const PREPARE_CHUNK: usize = 1024 * 1024;

/// How a log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOptions {
    /// The bytes of segments that are made from now on, a multiple of 512.
    pub segment_bytes: u64,
    /// Whether the next segment is made by a thread of its own while this one fills.
    pub prepare_ahead: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            prepare_ahead: true,
        }
    }
}

/// The segment that is being written.
pub(super) struct Active {
    pub(super) number: u32,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) bytes: u64,
    /// Where the next batch goes.
    pub(super) end: u64,
    /// Whether the footer is written, so that the next batch needs the next segment.
    pub(super) sealed: bool,
}

/// A log in segment files.
pub struct SegmentLog {
    pub(super) shared: Arc<Shared>,
    pub(super) options: LogOptions,
    pub(super) ledger: LedgerId,
    pub(super) active: Active,
    pub(super) tree: Frontier,
    pub(super) last_note: NoteHash,
    pub(super) ahead: Option<JoinHandle<Result<(), LogFault>>>,
    pub(super) page: Option<Arc<dyn DiskFile>>,
    pub(super) guard: Option<Guard>,
    pub(super) buffer: Vec<u8>,
    pub(super) changes: TreeChanges,
    pub(super) poisoned: bool,
}

impl SegmentLog {
    /// Returns the ledger that the log belongs to.
    pub fn ledger(&self) -> LedgerId {
        self.ledger
    }

    fn append_unpoisoned(&mut self, batch: &Batch<'_>) -> Result<(), LogFault> {
        self.changes.clear();
        let changes = &mut self.changes;
        let finished = |level, index, hash: TreeHash| changes.node(level, index, &hash);
        let tree = batch.check(&self.tree, finished).map_err(LogFault::Batch)?;
        self.make_room(batch_bytes(batch.leaves, batch.checkpoint))?;
        let place = Place {
            segment: self.active.number,
            offset: self.active.end,
        };
        let (leaves, note) = (batch.leaves, batch.checkpoint);
        let places = encode_batch(&mut self.buffer, place, batch.first_index, leaves, note);
        let places = places.map_err(LogFault::Batch)?;
        for (index, place) in (batch.first_index..).zip(&places) {
            self.changes.place(index, *place);
        }
        // What can be made again is written first: if there is no room for it, the batch is
        // refused as a whole.
        self.shared.tree.write(&self.changes)?;
        let file = self.active.file.as_ref();
        write_and_sync(file, place.segment, &self.buffer, place.offset)?;
        // COMMIT POINT: the batch is part of the log. Before anybody sees it, the guard has it.
        if let Some(guard) = &mut self.guard {
            guard.write(tree.size(), tree.root())?;
        }
        self.active.end = place.after(self.buffer.len()).offset;
        self.tree = tree;
        self.last_note = note_hash(note.as_bytes());
        self.shared.show(self.tree.size());
        Ok(())
    }

    fn cosign_unpoisoned(&mut self, size: u64, lines: &str) -> Result<(), LogFault> {
        let kept = self.shared.cosigned.last();
        if size > self.tree.size() || kept.is_some_and(|kept| kept >= size) || lines.is_empty() {
            return Ok(());
        }
        self.make_room(cosignatures_bytes(lines))?;
        let place = Place {
            segment: self.active.number,
            offset: self.active.end,
        };
        let next = self.tree.size();
        let frame = encode_cosignatures(&mut self.buffer, place, next, size, lines);
        let (limit, found) = (COSIGNATURES_BYTES_MAX, lines.len());
        let too_large = |_| LogFault::Batch(BatchError::TooLarge { limit, found });
        let frame = frame.map_err(too_large)?;
        let file = self.active.file.as_ref();
        write_and_sync(file, place.segment, &self.buffer, place.offset)?;
        self.active.end = place.after(self.buffer.len()).offset;
        self.shared.cosigned.add(size, frame)
    }

    /// Sees to it that a batch of so many bytes fits the active segment.
    fn make_room(&mut self, bytes: usize) -> Result<(), LogFault> {
        let reserved = SECTOR.saturating_add(FOOTER_BYTES_MAX);
        let limit = super::format::place_of(self.options.segment_bytes).saturating_sub(reserved);
        if bytes > limit {
            let found = bytes;
            return Err(LogFault::Batch(BatchError::TooLarge { limit, found }));
        }
        let needed = bytes.saturating_add(FOOTER_BYTES_MAX);
        let end = self.active.end.saturating_add(offset_of(needed));
        if !self.active.sealed && end <= self.active.bytes {
            return Ok(());
        }
        self.next_segment()
    }

    /// Ends the active segment and begins the next one.
    ///
    /// The next file is there, zeros and all, before the footer says that it is needed; the footer
    /// is durable before the next header, and the header before its first batch.
    fn next_segment(&mut self) -> Result<(), LogFault> {
        let number = self.active.number.saturating_add(1);
        let file = self.prepared(number)?;
        if !self.active.sealed {
            let footer = encode_footer(
                Place {
                    segment: self.active.number,
                    offset: self.active.end,
                },
                &Footer {
                    tree: self.tree.clone(),
                    last_note: self.last_note,
                },
            );
            let active = &self.active;
            write_and_sync(active.file.as_ref(), active.number, &footer, active.end)?;
            self.active.sealed = true;
        }
        let bytes = file.size().map_err(|source| LogFault::Read {
            file: segment_name(number),
            offset: 0,
            source,
        })?;
        let header = Header {
            segment: number,
            segment_bytes: bytes,
            ledger: self.ledger,
            first_index: self.tree.size(),
            previous: self.last_note,
        };
        write_and_sync(file.as_ref(), number, &header.encode(), 0)?;
        self.shared
            .push_segment(header.first_index, Arc::clone(&file));
        self.active = Active {
            number,
            file,
            bytes,
            end: SECTOR_BYTES,
            sealed: false,
        };
        self.prepare_ahead();
        Ok(())
    }

    /// Returns the file of a segment that has been made, or makes it.
    fn prepared(&mut self, number: u32) -> Result<Arc<dyn DiskFile>, LogFault> {
        match self.ahead.take().map(JoinHandle::join) {
            // There may be room by now. After another failure its name may not be durable.
            Some(Ok(Err(LogFault::NoSpace { .. }))) => {}
            Some(Ok(Err(fault))) => return Err(fault),
            Some(Ok(Ok(())) | Err(_)) | None => {}
        }
        let name = segment_name(number);
        match self.shared.disk.open(&name) {
            Ok(file) => Ok(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let disk = self.shared.disk.as_ref();
                prepare_segment(disk, number, self.options.segment_bytes)
            }
            Err(source) => Err(LogFault::Write {
                action: "open",
                file: name,
                source,
            }),
        }
    }

    /// Begins to make the next segment in a thread of its own, if the options say so.
    pub(super) fn prepare_ahead(&mut self) {
        if !self.options.prepare_ahead || self.ahead.is_some() {
            return;
        }
        let number = self.active.number.saturating_add(1);
        let (disk, bytes) = (Arc::clone(&self.shared.disk), self.options.segment_bytes);
        let make = move || match disk.open(&segment_name(number)) {
            Ok(_) => Ok(()),
            Err(_) => prepare_segment(disk.as_ref(), number, bytes).map(|_| ()),
        };
        let named = std::thread::Builder::new().name("log-segment".to_owned());
        // Without a thread the segment is made when it is needed.
        self.ahead = named.spawn(make).ok();
    }
}

impl LogStore for SegmentLog {
    fn size(&self) -> u64 {
        self.tree.size()
    }

    fn tree(&self) -> Frontier {
        self.tree.clone()
    }

    fn append(&mut self, batch: &Batch<'_>) -> Result<(), LogFault> {
        if self.poisoned {
            return Err(LogFault::Poisoned);
        }
        let appended = self.append_unpoisoned(batch);
        if let Err(fault) = &appended {
            self.poisoned = !fault.leaves_log_usable();
        }
        appended
    }

    fn cosign(&mut self, size: u64, lines: &str) -> Result<(), LogFault> {
        if self.poisoned {
            return Err(LogFault::Poisoned);
        }
        let kept = self.cosign_unpoisoned(size, lines);
        if let Err(fault) = &kept {
            self.poisoned = !fault.leaves_log_usable();
        }
        kept
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(SegmentReader(Arc::clone(&self.shared)))
    }

    fn published(&mut self, size: u64, root: &TreeHash) {
        let page = Page {
            ledger: self.ledger,
            size,
            root: *root,
        };
        if self.page.is_none() {
            self.page = self.shared.disk.open_or_create(PAGE).ok();
        }
        let page = page.encode(PageKind::HighWater);
        let file = self.page.as_ref();
        if let Some(Err(error)) = file.map(|file| file.write_at(&page, 0)) {
            tracing::warn!(%error, "the high-water page was not written; the log goes on");
        }
    }
}

impl Drop for SegmentLog {
    fn drop(&mut self) {
        // The thread holds the folder, which the next who opens it wants.
        if let Some(ahead) = self.ahead.take() {
            let _ = ahead.join();
        }
    }
}

/// Returns a footer as it stands in its segment, in whole sectors.
pub(super) fn encode_footer(place: Place, footer: &Footer) -> Vec<u8> {
    let mut out = Vec::with_capacity(FOOTER_BYTES_MAX);
    // A footer has at most 2,089 bytes, which a frame holds.
    let _ = place.write(&mut out, Kind::Footer, &footer.encode());
    out.resize(whole_sectors(out.len()), 0);
    out
}

/// Writes bytes of a segment and syncs it.
pub(super) fn write_and_sync(
    file: &dyn DiskFile,
    segment: u32,
    bytes: &[u8],
    offset: u64,
) -> Result<(), LogFault> {
    let failed = |action, source| LogFault::Write {
        action,
        file: segment_name(segment),
        source,
    };
    let written = file.write_at(bytes, offset);
    written.map_err(|source| failed("write", source))?;
    file.sync().map_err(|source| failed("sync", source))
}

/// Makes a segment of zeros under another name, syncs it, and gives it its name durably.
pub(super) fn prepare_segment(
    disk: &dyn Disk,
    number: u32,
    bytes: u64,
) -> Result<Arc<dyn DiskFile>, LogFault> {
    let name = segment_name(number);
    let new = format!("{name}.new");
    let failed = |source| LogFault::Write {
        action: "make",
        file: name.clone(),
        source,
    };
    let file = match write_zeros(disk, &new, bytes) {
        Ok(file) => file,
        Err(source) if is_no_space(&source) => {
            // The room that was taken is given back; a failure leaves it for the next start.
            let _ = disk.remove(&new);
            let file = name;
            return Err(LogFault::NoSpace { file, source });
        }
        Err(source) => return Err(failed(source)),
    };
    disk.rename(&new, &name).map_err(failed)?;
    disk.sync_folder(SEGMENT_FOLDER).map_err(failed)?;
    Ok(file)
}

fn write_zeros(disk: &dyn Disk, name: &str, bytes: u64) -> std::io::Result<Arc<dyn DiskFile>> {
    let file = disk.open_or_create(name)?;
    file.set_size(0)?;
    let zeros = vec![0; PREPARE_CHUNK.min(super::format::place_of(bytes))];
    let mut offset = 0;
    while offset < bytes {
        let left = super::format::place_of(bytes.saturating_sub(offset));
        let chunk = zeros.get(..left).unwrap_or(&zeros);
        file.write_at(chunk, offset)?;
        offset = offset.saturating_add(offset_of(chunk.len()));
    }
    file.sync()?;
    Ok(file)
}
