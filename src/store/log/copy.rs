//! Copies a log as it was shown, also while its service runs: for a backup, and back.
//!
//! What was shown is durable and is never written again, so reading it needs no lock. The copy ends
//! with the batch that was shown last; what a writer has put behind it meanwhile is left out.
//! Everything that is copied is walked first: frames, roots, the chain of segments, signatures.

use std::io;

use crate::domain::{LedgerId, TreeHash};

use super::compare::judge_signature;
use super::disk::Disk;
use super::evidence::{Evidence, LogKeys};
use super::fault::LogFault;
use super::format::{
    Damage, Header, Page, PageKind, Place, SECTOR, last_non_zero, offset_of, place_of,
};
use super::guard::{GuardError, Guarding};
use super::scan::{Scan, Step};
use super::segment_log::PAGE;
use super::segments::{Found, read_header};
use super::shared::{SEGMENT_FOLDER, segment_name};
use super::start::read_page;
use super::start_error::StartError;
use super::verify::{Visitor, Walk};

/// Why a log was not copied. What the target held before is still in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The log cannot be read, or the copy not written.
    #[error(transparent)]
    Log(#[from] StartError),
    /// The guard cannot be read.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// Nobody knows how far the log goes.
    #[error(
        "the log was not shown yet: neither a high-water page nor a guard says how far it goes"
    )]
    NotShown,
    /// There is something else.
    #[error("the target has other files than a copy of this log; name an empty folder")]
    Foreign,
    /// The copy that is there goes further.
    #[error(
        "ROLLBACK: the copy has {there} entries, but the log was shown with {size} only; it is the \
         copy that is to be kept"
    )]
    Newer {
        /// The size of the copy that is there.
        there: u64,
        /// The size of the log.
        size: u64,
    },
    /// The copy that is there is of another history.
    #[error("ROLLBACK: {file} of the copy has entries that the log does not have; keep both")]
    Differs {
        /// The file, within the folder.
        file: String,
    },
}

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedLog {
    /// The ledger.
    pub ledger: LedgerId,
    /// The number of entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: TreeHash,
    /// The segments that the copy has.
    pub segments: u32,
    /// Those of them that were written now; the others were there.
    pub written: u32,
}

impl CopiedLog {
    /// Notes in the copy how far it goes, durably; once all is there that its entries name.
    ///
    /// A copy that is cut off before goes as far as the one before it.
    ///
    /// # Errors
    /// The note cannot be written.
    pub fn finish(&self, target: &dyn Disk) -> Result<(), CopyError> {
        let page = Page {
            ledger: self.ledger,
            size: self.size,
            root: self.root,
        };
        let noted = target.open_or_create(PAGE).and_then(|file| {
            file.write_at(&page.encode(PageKind::HighWater), 0)?;
            file.sync()?;
            target.sync_folder("")
        });
        Ok(noted.map_err(|error| failed("write", PAGE, error))?)
    }
}

/// How a copy is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyTo {
    /// To be kept: segments end in zeros that take no room.
    Backup,
    /// To be run: segments have all their room, as a log makes them.
    DataFolder,
}

/// Copies a log up to what was last shown of it into a folder that is empty, or has an older copy;
/// [`CopiedLog::finish`] is to follow.
///
/// # Errors
/// See [`CopyError`].
pub fn copy_log(
    source: &dyn Disk,
    target: &dyn Disk,
    guarding: &Guarding,
    keys: &mut dyn LogKeys,
    to: CopyTo,
) -> Result<CopiedLog, CopyError> {
    let first = header(source, 0)?.ok_or(StartError::Empty)?;
    let ledger = first.ledger;
    let shown = shown(source, guarding, ledger)?;
    check_target(target, ledger, shown.size)?;
    let made = target.create_folder(SEGMENT_FOLDER);
    made.map_err(|error| failed("make", SEGMENT_FOLDER, error))?;
    let (mut walk, mut written, mut number) = (Walk::default(), 0, 0);
    let mut copied = CopyVisitor { keys, wrong: None };
    while walk.tree.size() < shown.size {
        let Some(header) = header(source, number)? else {
            let what = format!("{} entries were shown, but the log ends before", shown.size);
            let damage = Damage::new(0, what);
            return Err(StartError::damaged(segment_name(number), damage).into());
        };
        let bytes = segment(source, header.clone(), shown.size)?;
        let damaged = |damage| StartError::damaged(segment_name(number), damage);
        walk.segment(&header, &bytes, &mut copied)
            .map_err(damaged)?;
        if let Some(damage) = copied.wrong.take() {
            return Err(damaged(damage).into());
        }
        let put = put(target, number, &bytes, to)?;
        written = u32::saturating_add(written, u32::from(put));
        number = number.saturating_add(1);
    }
    let (size, root) = (walk.tree.size(), walk.tree.root());
    if (size, root) != (shown.size, shown.root) {
        let what = format!("root {root} at size {size}");
        return Err(super::compare::rollback(&shown, what).into());
    }
    Ok(CopiedLog {
        ledger,
        size,
        root,
        segments: number,
        written,
    })
}

/// Hears of what is copied, and judges each checkpoint by the keys in force.
struct CopyVisitor<'a> {
    keys: &'a mut dyn LogKeys,
    wrong: Option<Damage>,
}

impl Visitor for CopyVisitor<'_> {
    fn entry(&mut self, index: u64, _: Place, leaf: &[u8]) {
        self.keys.entry(index, leaf);
    }

    fn node(&mut self, _: u32, _: u64, _: TreeHash) {}

    fn checkpoint(&mut self, place: Place, first_index: u64, size: u64, note: &str) {
        if let Err(what) = judge_signature(note, first_index, size, self.keys) {
            self.wrong
                .get_or_insert_with(|| Damage::new(place.offset, what));
        }
    }
}

fn failed(action: &'static str, file: &str, source: io::Error) -> StartError {
    let file = file.to_owned();
    StartError::Disk(LogFault::Write {
        action,
        file,
        source,
    })
}

/// Reads the header of a segment; none where it is not in use or not there.
fn header(disk: &dyn Disk, number: u32) -> Result<Option<Header>, StartError> {
    let name = segment_name(number);
    match disk.open(&name) {
        Ok(file) => read_header(file.as_ref(), number),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("open", &name, error)),
    }
}

/// Returns how far the log was shown: as the page says, and before its first publication as the
/// guard does.
fn shown(disk: &dyn Disk, guarding: &Guarding, ledger: LedgerId) -> Result<Evidence, CopyError> {
    if let Some(page) = read_page(disk, ledger) {
        return Ok(page);
    }
    let guard = guarding.read(ledger)?.map(|(_, seen)| seen);
    guard
        .filter(|seen| seen.size > 0)
        .ok_or(CopyError::NotShown)
}

/// Refuses a target that has anything but an older copy of the ledger's log.
fn check_target(target: &dyn Disk, ledger: LedgerId, size: u64) -> Result<(), CopyError> {
    let names = target.list("").map_err(|error| failed("list", "", error))?;
    let there = header(target, 0)?;
    // A first copy that was cut off has left the folder of segments and nothing of worth.
    if there.is_none() && names.iter().all(|name| name == SEGMENT_FOLDER) {
        return Ok(());
    }
    if there.is_none_or(|there| there.ledger != ledger) {
        return Err(CopyError::Foreign);
    }
    match read_page(target, ledger) {
        Some(page) if page.size > size => Err(CopyError::Newer {
            there: page.size,
            size,
        }),
        _ => Ok(()),
    }
}

/// Reads a segment, without what stands behind the batch that ends at `size`.
fn segment(disk: &dyn Disk, header: Header, size: u64) -> Result<Vec<u8>, StartError> {
    let (number, first_index) = (header.segment, header.first_index);
    let name = segment_name(number);
    let file = disk.open(&name);
    let file = file.map_err(|error| failed("open", &name, error))?;
    let found = Found {
        header,
        file,
        footer: None,
    };
    let mut bytes = Vec::new();
    found.read(&mut bytes)?;
    let (mut scan, mut next, mut end) = (Scan::new(number, first_index, &bytes), first_index, None);
    while end.is_none() {
        match scan.step() {
            Ok(Step::Batch(batch)) => {
                next = next.saturating_add(u64::from(batch.start.entries));
                let after = batch.place.after(batch.start.size()).offset;
                end = (next >= size).then_some(place_of(after));
            }
            Ok(Step::Footer { .. } | Step::End(_)) => end = Some(bytes.len()),
            Err(damage) => return Err(StartError::damaged(name, damage)),
        }
    }
    let unshown = bytes.get_mut(end.unwrap_or_default()..);
    unshown.into_iter().flatten().for_each(|byte| *byte = 0);
    Ok(bytes)
}

/// Writes a segment where the target does not have it yet; says whether it did.
fn put(target: &dyn Disk, number: u32, bytes: &[u8], to: CopyTo) -> Result<bool, CopyError> {
    let name = segment_name(number);
    if let Some(header) = header(target, number)? {
        let file = target.open(&name);
        let found = Found {
            header,
            file: file.map_err(|error| failed("open", &name, error))?,
            footer: None,
        };
        let mut there = Vec::new();
        found.read(&mut there).map_err(StartError::from)?;
        if there == bytes {
            return Ok(false);
        }
        // What an older copy has is the beginning of what the log has.
        let end = used(&there);
        if there.get(..end) != bytes.get(..end) {
            return Err(CopyError::Differs { file: name });
        }
    }
    let written = write(target, &name, bytes, to);
    written.map_err(|error| failed("write", &name, error))?;
    Ok(true)
}

/// Returns how many bytes of a segment there are before the zeros at its end.
fn used(bytes: &[u8]) -> usize {
    last_non_zero(bytes).map_or(0, |last| last.saturating_add(1))
}

fn write(target: &dyn Disk, name: &str, bytes: &[u8], to: CopyTo) -> io::Result<()> {
    let new = format!("{name}.new");
    let file = target.open_or_create(&new)?;
    file.set_size(0)?;
    file.set_size(offset_of(bytes.len()))?;
    let end = match to {
        CopyTo::Backup => used(bytes).next_multiple_of(SECTOR),
        CopyTo::DataFolder => bytes.len(),
    };
    file.write_at(bytes.get(..end).unwrap_or(bytes), 0)?;
    file.sync()?;
    let mut back = vec![0; bytes.len()];
    let read = file.read_at(&mut back, 0)?;
    if read != bytes.len() || back != bytes {
        return Err(io::Error::other("what was written reads otherwise"));
    }
    target.rename(&new, name)?;
    target.sync_folder(SEGMENT_FOLDER)
}
