//! Opens a log: verifies it, refuses what is damaged or older than what was shown, and makes the
//! last batch durable before anybody is answered.

use std::sync::Arc;

use crate::domain::LedgerId;

use super::compare::{check_signature, rollback, verify};
use super::cosigned::Cosigned;
use super::disk::Disk;
use super::evidence::{Evidence, EvidenceSource, LogKeys};
use super::fault::LogFault;
use super::format::{Header, Page, PageKind, SECTOR, is_segment_size};
use super::guard::{Guard, GuardPlace, Guarding};
use super::mend::mend;
use super::segment_log::{Active, LogOptions, PAGE, SegmentLog, prepare_segment, write_and_sync};
use super::segments::find_segments;
use super::shared::{SEGMENT_FOLDER, Shared};
use super::start_error::StartError;
use super::tree_files::{TreeChanges, TreeFiles};
use super::verify::SegmentEnd;

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
        if begun.is_empty() {
            refuse_if_shown(disk.as_ref(), &[])?;
        } else {
            // Whose log it is does not matter: with entries it is none to found a ledger on.
            let files = TreeFiles::open(Arc::clone(&disk))?;
            let (walk, _) = verify(&begun, &files, &[], nobody)?;
            let size = walk.tree.size();
            if size > 0 {
                return Err(StartError::NotEmpty { size });
            }
            drop(Self::open(Arc::clone(&disk), options, &[], nobody)?);
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

    /// Makes a log without entries, and its guard.
    ///
    /// # Errors
    /// As [`create`](Self::create); and there is a guard that has seen entries, or another file.
    pub fn create_guarded(
        disk: Arc<dyn Disk>,
        options: LogOptions,
        ledger: LedgerId,
        place: &GuardPlace,
    ) -> Result<Self, StartError> {
        // Before the segment: what a founding leaves that is cut here is a guard of no entries.
        let guard = Guard::found(place, ledger)?;
        let mut log = Self::create(disk, options, ledger)?;
        log.guard = Some(guard);
        Ok(log)
    }

    /// Opens a log that is not guarded; see [`open_guarded`](Self::open_guarded).
    ///
    /// # Errors
    /// As [`open_guarded`](Self::open_guarded).
    pub fn open(
        disk: Arc<dyn Disk>,
        options: LogOptions,
        evidence: &[Evidence],
        keys: &mut dyn LogKeys,
    ) -> Result<Self, StartError> {
        Self::open_guarded(disk, options, evidence, keys, &Guarding::Off)
    }

    /// Opens a log after verifying it, and makes its end durable.
    ///
    /// Verified are all headers and footers; in full, the last segment and everything that the
    /// index has not applied; the last checkpoint's signature; and that no evidence (the
    /// high-water page and the guard are read here) has seen more, or something else, and that
    /// the guard has missed at most the last batch. The guard then says what the log has. An entry
    /// of `evidence` from the index says how far the index was applied; without one everything is
    /// read.
    ///
    /// # Errors
    /// See [`StartError`]; nothing in the segments is changed before all has been verified.
    pub fn open_guarded(
        disk: Arc<dyn Disk>,
        options: LogOptions,
        evidence: &[Evidence],
        keys: &mut dyn LogKeys,
        guarding: &Guarding,
    ) -> Result<Self, StartError> {
        check_options(options)?;
        let found = find_segments(disk.as_ref())?;
        let Some(last) = found.last() else {
            let seen: Vec<_> = evidence.iter().cloned().chain(guarding.seen()?).collect();
            refuse_if_shown(disk.as_ref(), &seen)?;
            return Err(StartError::Empty);
        };
        let ledger = last.header.ledger;
        let guard = guarding.read(ledger)?;
        let page = read_page(disk.as_ref(), ledger);
        let guarded = guard.as_ref().map(|(_, seen)| seen.clone());
        let outside = page.into_iter().chain(guarded);
        let evidence: Vec<Evidence> = evidence.iter().cloned().chain(outside).collect();
        let files = TreeFiles::open(Arc::clone(&disk))?;
        let (walk, end) = verify(&found, &files, &evidence, keys)?;
        let (size, root) = (walk.tree.size(), walk.tree.root());
        if let Some((guard, seen)) = &guard {
            let before = walk.last_note.as_ref().map_or(0, |last| last.first_index);
            guard.refuse_behind(seen, before, size)?;
        }
        check_signature(&walk, keys)?;
        files.cut(size)?;
        let cut_at = mend(disk.as_ref(), &found, &walk, &end)?;
        // Before anything is answered, the guard knows of all that could be.
        let guard = guarding.begin(guard.map(|(guard, _)| guard), ledger, size, root)?;
        let active = Active {
            number: last.header.segment,
            file: Arc::clone(&last.file),
            bytes: last.header.segment_bytes,
            end: cut_at,
            sealed: matches!(end, SegmentEnd::Footer { .. }),
        };
        let cosigned = Cosigned::open(disk.as_ref(), &found)?;
        let shared = Shared::new(disk, files, cosigned);
        for segment in &found {
            shared.push_segment(segment.header.first_index, Arc::clone(&segment.file));
        }
        shared.show(size);
        let mut log = Self {
            shared: Arc::new(shared),
            options,
            ledger,
            active,
            tree: walk.tree,
            last_note: walk.last_note_hash,
            ahead: None,
            page: None,
            guard,
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

/// Reads the high-water page; one that cannot be read, or is another ledger's, counts as none.
pub(super) fn read_page(disk: &dyn Disk, ledger: LedgerId) -> Option<Evidence> {
    let page = read_any_page(disk)?;
    (page.ledger == ledger).then_some(Evidence {
        source: EvidenceSource::HighWaterPage,
        size: page.size,
        root: page.root,
    })
}

fn read_any_page(disk: &dyn Disk) -> Option<Page> {
    let file = disk.open(PAGE).ok()?;
    let mut bytes = vec![0; SECTOR];
    let read = file.read_at(&mut bytes, 0).ok()?;
    Page::decode(PageKind::HighWater, bytes.get(..read)?)
}

/// Refuses a folder without segments whose log was shown.
fn refuse_if_shown(disk: &dyn Disk, evidence: &[Evidence]) -> Result<(), StartError> {
    let page = read_any_page(disk).map(|page| Evidence {
        source: EvidenceSource::HighWaterPage,
        size: page.size,
        root: page.root,
    });
    match evidence.iter().cloned().chain(page).find(|e| e.size > 0) {
        Some(seen) => Err(rollback(&seen, "no segments".to_owned())),
        None => Ok(()),
    }
}
