//! Opens a log: verifies it, refuses what is damaged or older than what was shown, and makes the
//! last batch durable before anybody is answered.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::domain::{LedgerId, TreeHash};
use crate::keys::StrictVerifier;
use crate::merkle::{Frontier, open_checkpoint};

use super::disk::{Disk, DiskFile};
use super::evidence::{Evidence, EvidenceSource, LogKeys};
use super::fault::LogFault;
use super::format::{
    Damage, Footer, Header, HeaderError, Kind, Page, PageKind, Place, SECTOR, SECTOR_BYTES,
    first_non_zero, is_segment_size, parse_frame, place_of,
};
use super::mend::mend;
use super::scan::{Cut, find_footer};
use super::segment_log::{Active, LogOptions, PAGE, SegmentLog, prepare_segment, write_and_sync};
use super::shared::{SEGMENT_FOLDER, Shared, segment_name};
use super::tree_files::{TreeChanges, TreeFiles};
use super::verify::{SegmentEnd, Visitor, Walk};

/// Why a log was not opened. Nothing in its segments was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no log yet.
    #[error("there is no log here; found a ledger with `fenrun init`, or name another folder")]
    Empty,
    /// There is a log already.
    #[error("there is a log here, with {size} entries; choose an empty folder")]
    NotEmpty {
        /// The number of its entries.
        size: u64,
    },
    /// Bytes of the log are not what they were.
    #[error(
        "LOG_DAMAGED: {file} at {offset}: {what}; nothing was changed; look with `fenrun fsck` and \
         restore the file from a copy"
    )]
    Damaged {
        /// The file, within the data folder.
        file: String,
        /// Where, in bytes.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// The log is older than what was shown, or another.
    #[error(
        "ROLLBACK: {source_name} has seen {size} entries with root {root}, but the log has {found}; \
         bring the missing segments back, nothing else clears this"
    )]
    Rollback {
        /// Who has seen more, or something else.
        source_name: EvidenceSource,
        /// The size that it has seen.
        size: u64,
        /// The root that it has seen.
        root: TreeHash,
        /// What the log has, in words.
        found: String,
    },
    /// An option is out of range.
    #[error("a segment has {found} bytes by the options; it takes whole sectors, 4 KiB to 1 GiB")]
    SegmentBytes {
        /// The bytes as given.
        found: u64,
    },
    /// The disk failed.
    #[error("the log could not be opened")]
    Disk(#[source] LogFault),
}

impl StartError {
    pub(super) fn damaged(file: String, damage: Damage) -> Self {
        Self::Damaged {
            file,
            offset: damage.offset,
            what: damage.what,
        }
    }
}

impl From<LogFault> for StartError {
    fn from(fault: LogFault) -> Self {
        match fault {
            LogFault::Damaged { file, offset, what } => Self::Damaged { file, offset, what },
            other => Self::Disk(other),
        }
    }
}

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

/// What a start looks for while it walks.
struct StartVisitor<'a> {
    files: &'a TreeFiles,
    changes: TreeChanges,
    fault: Option<LogFault>,
    keys: &'a mut dyn LogKeys,
    evidence: &'a [Evidence],
    contradicted: Option<(Evidence, TreeHash)>,
}

/// How much is collected for the files of the tree before it is written.
const CHANGES_BYTES: usize = 4 * 1024 * 1024;

impl StartVisitor<'_> {
    fn flush(&mut self) {
        if let Err(fault) = self.files.write(&self.changes) {
            self.fault = Some(fault);
        }
        self.changes.clear();
    }
}

impl Visitor for StartVisitor<'_> {
    fn entry(&mut self, index: u64, place: Place, leaf: &[u8]) {
        self.changes.place(index, place);
        self.keys.entry(index, leaf);
    }

    fn node(&mut self, level: u32, index: u64, hash: TreeHash) {
        self.changes.node(level, index, &hash);
    }

    fn tree(&mut self, tree: &Frontier) {
        // Size 0 has one root only, whatever somebody with nothing to say puts there.
        let here = self.evidence.iter().filter(|e| e.size > 0);
        let here = here.filter(|e| e.size == tree.size());
        for evidence in here {
            let root = tree.root();
            if root != evidence.root {
                self.contradicted = Some((evidence.clone(), root));
            }
        }
    }

    fn checkpoint(&mut self, _: Place, _: u64, _: &str) {
        if self.changes.bytes() >= CHANGES_BYTES {
            self.flush();
        }
    }
}

/// Returns which of the segments holds an entry.
fn holder(found: &[Found], index: u64) -> usize {
    let after = found.partition_point(|segment| segment.header.first_index <= index);
    after.saturating_sub(1)
}

impl SegmentLog {
    /// Makes a log without entries.
    ///
    /// What an earlier founding has left behind that did not get as far as its first entry is
    /// replaced.
    ///
    /// # Errors
    /// There is a log with entries, or one that cannot be opened; an option is out of range; the
    /// disk fails.
    pub fn create(
        disk: Arc<dyn Disk>,
        options: LogOptions,
        ledger: LedgerId,
    ) -> Result<Self, StartError> {
        check_options(options)?;
        let nobody = &mut super::evidence::FixedKeys(Vec::new());
        let begun = find_segments(disk.as_ref())?;
        if !begun.is_empty() {
            drop(begun);
            let log = Self::open(Arc::clone(&disk), options, &[], nobody)?;
            let size = log.tree.size();
            if size > 0 {
                return Err(StartError::NotEmpty { size });
            }
        }
        let failed = |action, source| {
            let file = SEGMENT_FOLDER.to_owned();
            StartError::Disk(LogFault::Write {
                action,
                file,
                source,
            })
        };
        let made = disk.create_folder(SEGMENT_FOLDER);
        made.map_err(|source| failed("make", source))?;
        let left = disk.list(SEGMENT_FOLDER);
        for name in left.map_err(|source| failed("list", source))? {
            let removed = disk.remove(&format!("{SEGMENT_FOLDER}/{name}"));
            removed.map_err(|source| failed("empty", source))?;
        }
        let file = prepare_segment(disk.as_ref(), 0, options.segment_bytes)?;
        let header = Header {
            segment: 0,
            segment_bytes: options.segment_bytes,
            ledger,
            first_index: 0,
            previous: [0; 32],
        };
        write_and_sync(file.as_ref(), 0, &header.encode(), 0)?;
        Self::open(disk, options, &[], nobody)
    }

    /// Opens a log after verifying it, and makes its end durable.
    ///
    /// Verified are all headers and footers; in full, the last segment and everything that the
    /// index has not applied; the last checkpoint's signature; and that no evidence (the
    /// high-water page is read here) has seen more, or something else. An entry of `evidence` from
    /// the index says how far the index was applied; without one everything is read.
    ///
    /// # Errors
    /// See [`StartError`]; nothing in the segments is changed before all has been verified.
    pub fn open(
        disk: Arc<dyn Disk>,
        options: LogOptions,
        evidence: &[Evidence],
        keys: &mut dyn LogKeys,
    ) -> Result<Self, StartError> {
        check_options(options)?;
        let found = find_segments(disk.as_ref())?;
        let Some(last) = found.last() else {
            return Err(StartError::Empty);
        };
        let page = read_page(disk.as_ref(), last.header.ledger);
        let evidence: Vec<Evidence> = evidence.iter().cloned().chain(page).collect();
        let files = TreeFiles::open(Arc::clone(&disk))?;
        let (walk, end) = verify(&found, &files, &evidence, keys)?;
        check_signature(&walk, keys)?;
        let size = walk.tree.size();
        files.cut(size)?;
        let cut_at = mend(disk.as_ref(), &found, &walk, &end)?;
        let active = Active {
            number: last.header.segment,
            file: Arc::clone(&last.file),
            bytes: last.header.segment_bytes,
            end: cut_at,
            sealed: matches!(end, SegmentEnd::Footer { .. }),
        };
        let shared = Shared::new(disk, files);
        for segment in &found {
            shared.push_segment(segment.header.first_index, Arc::clone(&segment.file));
        }
        shared.show(size);
        let mut log = Self {
            shared: Arc::new(shared),
            options,
            ledger: last.header.ledger,
            active,
            tree: walk.tree,
            last_note: walk.last_note_hash,
            ahead: None,
            page: None,
            buffer: Vec::new(),
            changes: TreeChanges::default(),
            poisoned: false,
        };
        log.prepare_ahead();
        Ok(log)
    }
}

fn check_options(options: LogOptions) -> Result<(), StartError> {
    let found = options.segment_bytes;
    match is_segment_size(found) {
        true => Ok(()),
        false => Err(StartError::SegmentBytes { found }),
    }
}

/// Reads the high-water page; one that cannot be read counts as none.
pub(super) fn read_page(disk: &dyn Disk, ledger: LedgerId) -> Option<Evidence> {
    let file = disk.open(PAGE).ok()?;
    let mut bytes = vec![0; SECTOR];
    let read = file.read_at(&mut bytes, 0).ok()?;
    let page = Page::decode(PageKind::HighWater, bytes.get(..read)?)?;
    (page.ledger == ledger).then_some(Evidence {
        source: EvidenceSource::HighWaterPage,
        size: page.size,
        root: page.root,
    })
}

/// Walks what a start reads in full, and compares with the evidence.
fn verify(
    found: &[Found],
    files: &TreeFiles,
    evidence: &[Evidence],
    keys: &mut dyn LogKeys,
) -> Result<(Walk, SegmentEnd), StartError> {
    let last = found.len().saturating_sub(1);
    let last_first = found.last().map_or(0, |last| last.header.first_index);
    let applied = evidence
        .iter()
        .filter(|e| e.source == EvidenceSource::Index);
    let applied = applied.map(|e| e.size).max().unwrap_or_default();
    let covered = files.covered(last_first)?;
    let first = last.min(holder(found, applied)).min(holder(found, covered));
    let (first, walk, end) = match walk_from(found, first, files, evidence, keys)? {
        // The last segment has no whole batch yet, so the last batch stands in an earlier one.
        (walk, _) if walk.last_note.is_none() && first > 0 => {
            let first = holder(found, last_first.saturating_sub(1));
            let (walk, end) = walk_from(found, first, files, evidence, keys)?;
            (first, walk, end)
        }
        (walk, end) => (first, walk, end),
    };
    compare_older(found, first, evidence)?;
    let last = found.last().map(Found::name).unwrap_or_default();
    compare_newer(&last, walk.tree.size(), &end, evidence)?;
    Ok((walk, end))
}

/// Walks all segments from one on.
fn walk_from(
    found: &[Found],
    first: usize,
    files: &TreeFiles,
    evidence: &[Evidence],
    keys: &mut dyn LogKeys,
) -> Result<(Walk, SegmentEnd), StartError> {
    let (before, walked) = found.split_at_checked(first).unwrap_or((found, &[]));
    let mut walk = walk_after(before);
    let mut visitor = StartVisitor {
        files,
        changes: TreeChanges::default(),
        fault: None,
        keys,
        evidence,
        contradicted: None,
    };
    visitor.tree(&walk.tree);
    let mut end = None;
    let mut bytes = Vec::new();
    for segment in walked {
        segment.read(&mut bytes)?;
        let damaged = |damage| StartError::damaged(segment.name(), damage);
        let ended = walk.segment(&segment.header, &bytes, &mut visitor);
        let ended = ended.map_err(damaged)?;
        if segment.footer.is_some()
            && let SegmentEnd::Open(tail) = &ended
        {
            let what = "the log goes on in the next segment, but this one has no footer here";
            return Err(damaged(Damage::new(tail.offset, what)));
        }
        end = Some(ended);
    }
    visitor.flush();
    if let Some((evidence, root)) = visitor.contradicted {
        return Err(rollback(&evidence, format!("the root {root} there")));
    }
    match visitor.fault {
        Some(fault) => Err(fault.into()),
        None => Ok((walk, end.ok_or(StartError::Empty)?)),
    }
}

/// Returns a walk that stands behind these segments.
fn walk_after(before: &[Found]) -> Walk {
    let footer = before.last().and_then(|segment| segment.footer.as_ref());
    footer.map_or_else(Walk::default, Walk::after)
}

fn rollback(evidence: &Evidence, found: String) -> StartError {
    StartError::Rollback {
        source_name: evidence.source,
        size: evidence.size,
        root: evidence.root,
        found,
    }
}

/// Compares evidence of sizes before the walk: each in its own segment.
fn compare_older(
    found: &[Found],
    walked_from: usize,
    evidence: &[Evidence],
) -> Result<(), StartError> {
    struct At<'a>(&'a Evidence, Option<TreeHash>);
    impl Visitor for At<'_> {
        fn entry(&mut self, _: u64, _: Place, _: &[u8]) {}
        fn node(&mut self, _: u32, _: u64, _: TreeHash) {}
        fn tree(&mut self, tree: &Frontier) {
            if tree.size() == self.0.size {
                self.1 = Some(tree.root());
            }
        }
    }
    let start = found.get(walked_from);
    let start = start.map_or(0, |segment| segment.header.first_index);
    for evidence in evidence.iter().filter(|e| e.size > 0 && e.size < start) {
        let holder = holder(found, evidence.size.saturating_sub(1));
        let (before, rest) = found.split_at_checked(holder).unwrap_or_default();
        let Some(segment) = rest.first() else {
            continue;
        };
        let mut walk = walk_after(before);
        let (mut bytes, mut at) = (Vec::new(), At(evidence, None));
        segment.read(&mut bytes)?;
        walk.segment(&segment.header, &bytes, &mut at)
            .map_err(|damage| StartError::damaged(segment.name(), damage))?;
        match at.1 {
            Some(root) if root == evidence.root => {}
            Some(root) => return Err(rollback(evidence, format!("the root {root} there"))),
            None => return Err(rollback(evidence, "no such size".to_owned())),
        }
    }
    Ok(())
}

/// Refuses a log that is shorter than some evidence.
fn compare_newer(
    last: &str,
    size: u64,
    end: &SegmentEnd,
    evidence: &[Evidence],
) -> Result<(), StartError> {
    let Some(newest) = evidence.iter().max_by_key(|e| e.size) else {
        return Ok(());
    };
    if newest.size <= size {
        return Ok(());
    }
    match end {
        // What was shown was durable, so no cut write explains these bytes.
        SegmentEnd::Open(tail) if matches!(tail.cut, Cut::Batch { .. }) => {
            let what = format!(
                "sectors of the batch after entry {size} are zeros, but {} has seen {} entries",
                newest.source, newest.size
            );
            let damage = Damage::new(tail.offset, what);
            Err(StartError::damaged(last.to_owned(), damage))
        }
        _ => Err(rollback(newest, format!("only {size} entries"))),
    }
}

/// Checks that a key of the log has signed its last checkpoint.
fn check_signature(walk: &Walk, keys: &dyn LogKeys) -> Result<(), StartError> {
    let Some(last) = &walk.last_note else {
        return Ok(());
    };
    match judge_signature(&last.note, walk.tree.size(), keys) {
        Ok(()) => Ok(()),
        Err(what) => {
            let damage = Damage::new(last.place.offset, what);
            let file = segment_name(last.place.segment);
            Err(StartError::damaged(file, damage))
        }
    }
}

/// Checks that a key of the log has signed a checkpoint; says what is wrong.
pub(super) fn judge_signature(note: &str, size: u64, keys: &dyn LogKeys) -> Result<(), String> {
    let known = keys.keys(size);
    let opened = open_checkpoint(note.as_bytes(), &known, &StrictVerifier);
    opened.map(|_| ()).map_err(|error| {
        let source = std::error::Error::source(&error);
        let because = source.map_or(String::new(), |source| format!(": {source}"));
        format!("the checkpoint at {size} is not the log's: {error}{because}")
    })
}
