//! The files beside the segments that answer quickly: a file for each level of the Merkle tree,
//! and one with the place of each entry.
//!
//! They hold nothing that the segments do not, and are written without a sync. Each record carries
//! a checksum over its position and value, so a record that was lost or damaged is noticed when it
//! is read, and made again from the records below it, or from the segments. What lies beyond the
//! end of the log is cut off at each start.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::TreeHash;

use super::disk::{Disk, DiskFile};
use super::fault::LogFault;
use super::format::{Place, offset_of};

/// The folder of the files.
pub(super) const TREE_FOLDER: &str = "tree";
/// The file with the places of entries.
pub(super) const PLACES: &str = "tree/places";
/// The bytes of a place: segment, offset, checksum.
const PLACE_BYTES: usize = 12;
/// The bytes of a node: hash, checksum.
const NODE_BYTES: usize = 36;
/// The levels that a tree of 2^63 leaves has.
const LEVELS_MAX: u32 = 64;

/// Returns the name of a level's file.
pub(super) fn level_name(level: u32) -> String {
    format!("tree/level-{level:02}")
}

/// Returns how many entries the files beside the segments know of, as they are and unverified: for
/// showing how far the reading of a log has come. 0 where there are none.
pub fn entries_there(disk: &dyn Disk) -> u64 {
    let bytes = disk.open(PLACES).and_then(|file| file.size());
    bytes.map_or(0, |bytes| bytes / offset_of(PLACE_BYTES))
}

/// Records that are about to be written, one run for each file.
#[derive(Debug, Default)]
pub(super) struct TreeChanges {
    places: Run,
    levels: Vec<Run>,
}

/// Records that stand one after the other in a file.
#[derive(Debug, Default)]
struct Run {
    first: u64,
    bytes: Vec<u8>,
}

impl Run {
    fn push(&mut self, index: u64, record: &[u8]) {
        if self.bytes.is_empty() {
            self.first = index;
        }
        self.bytes.extend_from_slice(record);
    }
}

impl TreeChanges {
    /// Adds a node; the nodes of a level come in the order of their numbers.
    pub(super) fn node(&mut self, level: u32, index: u64, hash: &TreeHash) {
        let at = super::format::place_of(u64::from(level));
        if self.levels.len() <= at {
            self.levels.resize_with(at.saturating_add(1), Run::default);
        }
        if let Some(run) = self.levels.get_mut(at) {
            run.push(index, &node_record(level, index, hash));
        }
    }

    /// Adds the place of an entry; they come in the order of their indexes.
    pub(super) fn place(&mut self, index: u64, place: Place) {
        self.places.push(index, &place_record(index, place));
    }

    /// Returns how many bytes wait to be written.
    pub(super) fn bytes(&self) -> usize {
        let levels = self.levels.iter().map(|run| run.bytes.len()).sum::<usize>();
        levels.saturating_add(self.places.bytes.len())
    }

    /// Forgets everything and keeps the memory for the next batch.
    pub(super) fn clear(&mut self) {
        self.places.bytes.clear();
        self.levels.iter_mut().for_each(|run| run.bytes.clear());
    }
}

fn place_record(index: u64, place: Place) -> [u8; PLACE_BYTES] {
    // Segments are smaller than 2^32 bytes.
    let offset = u32::try_from(place.offset).unwrap_or(u32::MAX);
    let (segment, offset) = (place.segment.to_le_bytes(), offset.to_le_bytes());
    let sum = crc32c::crc32c(&index.to_le_bytes());
    let sum = crc32c::crc32c_append(sum, &segment);
    let sum = crc32c::crc32c_append(sum, &offset).to_le_bytes();
    let mut record = [0; PLACE_BYTES];
    let (first, rest) = record.split_at_mut(segment.len());
    let (second, third) = rest.split_at_mut(offset.len());
    first.copy_from_slice(&segment);
    second.copy_from_slice(&offset);
    third.copy_from_slice(&sum);
    record
}

fn node_record(level: u32, index: u64, hash: &TreeHash) -> [u8; NODE_BYTES] {
    let sum = crc32c::crc32c(&level.to_le_bytes());
    let sum = crc32c::crc32c_append(sum, &index.to_le_bytes());
    let sum = crc32c::crc32c_append(sum, &hash.0).to_le_bytes();
    let mut record = [0; NODE_BYTES];
    let (first, second) = record.split_at_mut(TreeHash::SIZE);
    first.copy_from_slice(&hash.0);
    second.copy_from_slice(&sum);
    record
}

/// Returns the hash of a record; none if it is not the record of this node.
fn checked_node(level: u32, index: u64, record: &[u8; NODE_BYTES]) -> Option<TreeHash> {
    let (hash, _) = record.split_first_chunk::<32>()?;
    let hash = TreeHash(*hash);
    (node_record(level, index, &hash) == *record).then_some(hash)
}

/// The open files.
pub(super) struct TreeFiles {
    disk: Arc<dyn Disk>,
    places: Arc<dyn DiskFile>,
    levels: RwLock<Vec<Arc<dyn DiskFile>>>,
}

impl TreeFiles {
    /// Opens the files, and makes folder and files that are missing.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn open(disk: Arc<dyn Disk>) -> Result<Self, LogFault> {
        let failed = |action, file: &str, source| LogFault::Write {
            action,
            file: file.to_owned(),
            source,
        };
        disk.create_folder(TREE_FOLDER)
            .map_err(|source| failed("make", TREE_FOLDER, source))?;
        let places = disk
            .open_or_create(PLACES)
            .map_err(|source| failed("open", PLACES, source))?;
        let files = Self {
            disk,
            places,
            levels: RwLock::default(),
        };
        for level in 0..LEVELS_MAX {
            match files.disk.open(&level_name(level)) {
                Ok(file) => files.push_level(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error) => return Err(failed("open", &level_name(level), error)),
            }
        }
        Ok(files)
    }

    fn push_level(&self, file: Arc<dyn DiskFile>) {
        let levels = self.levels.write();
        levels.unwrap_or_else(PoisonError::into_inner).push(file);
    }

    fn level(&self, level: usize) -> Option<Arc<dyn DiskFile>> {
        let levels = self.levels.read().unwrap_or_else(PoisonError::into_inner);
        levels.get(level).cloned()
    }

    /// Writes records, without a sync.
    ///
    /// # Errors
    /// [`LogFault::NoSpace`] or [`LogFault::Write`].
    pub(super) fn write(&self, changes: &TreeChanges) -> Result<(), LogFault> {
        for (level, run) in changes.levels.iter().enumerate() {
            let number = u32::try_from(level).unwrap_or(u32::MAX);
            let file = match self.level(level) {
                Some(file) => file,
                None => {
                    let name = level_name(number);
                    let file = self.disk.open_or_create(&name);
                    let file = file.map_err(|source| write_fault("make", name, source))?;
                    self.push_level(Arc::clone(&file));
                    file
                }
            };
            let written = write_run(file.as_ref(), run, NODE_BYTES);
            written.map_err(|source| write_fault("write", level_name(number), source))?;
        }
        let written = write_run(self.places.as_ref(), &changes.places, PLACE_BYTES);
        written.map_err(|source| write_fault("write", PLACES.to_owned(), source))
    }

    /// Returns name and offset of the records that are not those of `changes`, the first of each
    /// file.
    pub(super) fn differences(&self, changes: &TreeChanges) -> Vec<(String, u64)> {
        let mut different = Vec::new();
        for (level, run) in changes.levels.iter().enumerate() {
            let file = self.level(level);
            let at = first_difference(file.as_deref(), run, NODE_BYTES);
            let name = level_name(u32::try_from(level).unwrap_or(u32::MAX));
            different.extend(at.map(|at| (name, at)));
        }
        let at = first_difference(Some(self.places.as_ref()), &changes.places, PLACE_BYTES);
        different.extend(at.map(|at| (PLACES.to_owned(), at)));
        different
    }

    /// Returns the place of an entry; none if the record is missing or damaged.
    pub(super) fn place(&self, index: u64) -> Option<Place> {
        let record: [u8; PLACE_BYTES] = read_record(self.places.as_ref(), index)?;
        let (segment, rest) = record.split_first_chunk::<4>()?;
        let (offset, _) = rest.split_first_chunk::<4>()?;
        let place = Place {
            segment: u32::from_le_bytes(*segment),
            offset: u64::from(u32::from_le_bytes(*offset)),
        };
        (place_record(index, place) == record).then_some(place)
    }

    /// Returns the hash of a node; none if the record is missing or damaged.
    pub(super) fn node(&self, level: u32, index: u64) -> Option<TreeHash> {
        let file = self.level(usize::try_from(level).ok()?)?;
        let record: [u8; NODE_BYTES] = read_record(file.as_ref(), index)?;
        checked_node(level, index, &record)
    }

    /// Returns the hashes of the nodes from `first` up to, without, `end`, by one read; none if
    /// any record of theirs is missing or damaged.
    pub(super) fn nodes(&self, level: u32, first: u64, end: u64) -> Option<Vec<TreeHash>> {
        let file = self.level(usize::try_from(level).ok()?)?;
        let count = usize::try_from(end.saturating_sub(first)).ok()?;
        let mut records = vec![0; count.checked_mul(NODE_BYTES)?];
        let offset = first.checked_mul(offset_of(NODE_BYTES))?;
        let read = file.read_at(&mut records, offset).ok()?;
        let whole = (read == records.len()).then_some(&records)?;
        let records = whole.as_chunks::<NODE_BYTES>().0.iter();
        let records = (first..end).zip(records);
        records
            .map(|(index, record)| checked_node(level, index, record))
            .collect()
    }

    /// Returns for how many entries, from the first, all files are long enough; at most `size`.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn covered(&self, size: u64) -> Result<u64, LogFault> {
        let length = |file: &dyn DiskFile, name: &str, record: usize| {
            let bytes = file.size().map_err(|source| LogFault::Read {
                file: name.to_owned(),
                offset: 0,
                source,
            })?;
            Ok(bytes / offset_of(record))
        };
        let mut covered = size.min(length(self.places.as_ref(), PLACES, PLACE_BYTES)?);
        for level in 0..LEVELS_MAX {
            if size.checked_shr(level).unwrap_or(0) == 0 {
                break;
            }
            let at = super::format::place_of(u64::from(level));
            let nodes = match self.level(at) {
                Some(file) => length(file.as_ref(), &level_name(level), NODE_BYTES)?,
                None => 0,
            };
            // The first node that is missing is complete with its last leaf.
            let needs = nodes.saturating_add(1).checked_shl(level);
            let shifted = needs.filter(|needs| needs >> level == nodes.saturating_add(1));
            let last = shifted.unwrap_or(u64::MAX).saturating_sub(1);
            covered = covered.min(last);
        }
        Ok(covered)
    }

    /// Cuts off what lies beyond a log of `size` entries, durably.
    ///
    /// # Errors
    /// The disk's.
    pub(super) fn cut(&self, size: u64) -> Result<(), LogFault> {
        cut_file(self.places.as_ref(), PLACES, size, PLACE_BYTES)?;
        let levels = self.levels.read().unwrap_or_else(PoisonError::into_inner);
        for (level, file) in (0..).zip(levels.iter()) {
            let nodes = size.checked_shr(level).unwrap_or(0);
            cut_file(file.as_ref(), &level_name(level), nodes, NODE_BYTES)?;
        }
        Ok(())
    }
}

fn write_fault(action: &'static str, file: String, source: io::Error) -> LogFault {
    if super::disk::is_no_space(&source) {
        return LogFault::NoSpace { file, source };
    }
    LogFault::Write {
        action,
        file,
        source,
    }
}

fn write_run(file: &dyn DiskFile, run: &Run, record: usize) -> io::Result<()> {
    if run.bytes.is_empty() {
        return Ok(());
    }
    let offset = run.first.saturating_mul(offset_of(record));
    file.write_at(&run.bytes, offset)
}

/// Returns the offset of the first record that is not the expected one.
fn first_difference(file: Option<&dyn DiskFile>, run: &Run, record: usize) -> Option<u64> {
    let offset = run.first.saturating_mul(offset_of(record));
    let mut there = vec![0; run.bytes.len()];
    let read = file.map_or(0, |file| {
        file.read_at(&mut there, offset).unwrap_or_default()
    });
    there.truncate(read);
    let mut pairs = run.bytes.chunks(record).zip((0..).step_by(record));
    let (_, at) = pairs.find(|(expected, at)| there.get(*at..at + record) != Some(*expected))?;
    Some(offset.saturating_add(offset_of(at)))
}

fn read_record<const N: usize>(file: &dyn DiskFile, index: u64) -> Option<[u8; N]> {
    let mut record = [0; N];
    let offset = index.checked_mul(offset_of(N))?;
    // An error means the same as damage: the segments have the answer.
    let read = file.read_at(&mut record, offset).ok()?;
    (read == N).then_some(record)
}

fn cut_file(file: &dyn DiskFile, name: &str, records: u64, bytes: usize) -> Result<(), LogFault> {
    let end = records.saturating_mul(offset_of(bytes));
    let failed = |source| write_fault("cut", name.to_owned(), source);
    if file.size().map_err(failed)? > end {
        file.set_size(end).map_err(failed)?;
        file.sync().map_err(failed)?;
    }
    Ok(())
}
