//! Reads everything and says what is wrong, without changing a byte.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::domain::{LedgerId, TreeHash};
use crate::merkle::{Frontier, VerifierKey};

use super::compare::judge_signature;
use super::disk::Disk;
use super::evidence::{Evidence, EvidenceSource, FixedKeys, LogKeys};
use super::fault::LogFault;
use super::format::{Damage, Header, Place};
use super::guard::Guarding;
use super::scan::{Cut, find_footer};
use super::segment_log::PAGE;
use super::segments::{Found, number_of, read_at, read_header};
use super::shared::{SEGMENT_FOLDER, segment_name};
use super::start::read_page;
use super::start_error::StartError;
use super::tree_files::{PLACES, TREE_FOLDER, TreeChanges, TreeFiles};
use super::verify::{SegmentEnd, Visitor, Walk};

/// The most findings of one run; what follows the last of them is likely its consequence.
pub const FSCK_FINDINGS_MAX: usize = 1000;
/// What findings about the guard name as their file.
const GUARD: &str = "guard";
/// How much is collected before it is compared with the files of the tree.
const CHANGES_BYTES: usize = 4 * 1024 * 1024;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FsckFinding {
    /// The file, within the data folder.
    pub file: String,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// What is wrong there.
    pub what: String,
    /// Whether the next start or read makes it good without a loss: a write that was cut before
    /// it was answered, or a record that follows from the segments.
    pub mends_itself: bool,
}

impl fmt::Display for FsckFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.file, self.offset, self.what)
    }
}

/// What a check of everything has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FsckReport {
    /// What is wrong, in the order of the files.
    pub findings: Vec<FsckFinding>,
    /// The segments in use.
    pub segments: u32,
    /// The entries that were read.
    pub entries: u64,
    /// The checkpoints whose root and signature were checked.
    pub checkpoints: u64,
    /// The root of the tree over the entries that were read.
    pub root: Option<TreeHash>,
    /// The ledger, as segment 0 says.
    pub ledger: Option<LedgerId>,
}

impl FsckReport {
    /// Tells whether nothing was found that needs somebody.
    pub fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.mends_itself)
    }

    fn push(&mut self, finding: FsckFinding) {
        if self.findings.len() < FSCK_FINDINGS_MAX {
            self.findings.push(finding);
        }
    }

    fn damage(&mut self, file: String, damage: Damage) {
        self.push(FsckFinding {
            file,
            offset: damage.offset,
            what: damage.what,
            mends_itself: false,
        });
    }
}

/// What a caller checks along with the log: signatures of commands, the replay, the blobs.
pub trait FsckCaller: LogKeys {
    /// Checks an entry and returns what is wrong with it, in words; called in the order of the
    /// log, after [`LogKeys::entry`].
    fn check(&mut self, index: u64, leaf: &[u8]) -> Vec<String>;

    /// Checks what lies beside the log, after all entries.
    fn beside(&mut self) -> Vec<FsckFinding>;
}

/// Checks the log alone, with keys that it has never changed.
#[derive(Debug, Clone)]
pub struct LogOnly(pub Vec<VerifierKey>);

impl LogKeys for LogOnly {
    fn entry(&mut self, _: u64, _: &[u8]) {}

    fn keys(&self, first_index: u64, size: u64) -> Vec<VerifierKey> {
        FixedKeys(self.0.clone()).keys(first_index, size)
    }
}

impl FsckCaller for LogOnly {
    fn check(&mut self, _: u64, _: &[u8]) -> Vec<String> {
        Vec::new()
    }

    fn beside(&mut self) -> Vec<FsckFinding> {
        Vec::new()
    }
}

/// Checks every byte of the log's files: headers, frames, leaves, roots, every checkpoint and its
/// signature, the chain of segments, the files of the tree, the high-water page, the guard, and
/// what the caller checks. Nothing is changed.
///
/// After damage in a segment it goes on with the next one, from the footer between them.
///
/// # Errors
/// [`StartError::Empty`] where there is no log; the disk fails.
pub fn fsck(
    disk: Arc<dyn Disk>,
    guarding: &Guarding,
    caller: &mut dyn FsckCaller,
) -> Result<FsckReport, StartError> {
    let names = disk.list(SEGMENT_FOLDER);
    let names = names.map_err(|source| read_fault(SEGMENT_FOLDER.to_owned(), source))?;
    let numbers: Vec<u32> = names.iter().filter_map(|name| number_of(name)).collect();
    let last = numbers.iter().max().ok_or(StartError::Empty)?;
    let files = match disk.list(TREE_FOLDER) {
        // Opening makes the file of places where it is missing, and nothing is to be changed.
        Ok(names) if names.iter().any(|name| PLACES.ends_with(name.as_str())) => {
            TreeFiles::open(Arc::clone(&disk)).ok()
        }
        _ => None,
    };
    let mut check = Check {
        report: FsckReport::default(),
        walk: Walk::default(),
        seen: Vec::new(),
        guarding,
        files: files.as_ref(),
    };
    let mut ended = Ended::Footer;
    for number in 0..=*last {
        ended = check.segment(disk.as_ref(), number, ended, caller)?;
    }
    if check.report.segments == 0 && check.report.findings.is_empty() {
        return Err(StartError::Empty);
    }
    check.compare_seen(disk.as_ref());
    if files.is_none() && check.report.entries > 0 {
        check.report.push(FsckFinding {
            file: TREE_FOLDER.to_owned(),
            offset: 0,
            what: "the files of the tree are missing; the next start makes them".to_owned(),
            mends_itself: true,
        });
    }
    let mut report = check.report;
    report.root = Some(check.walk.tree.root());
    caller
        .beside()
        .into_iter()
        .for_each(|finding| report.push(finding));
    Ok(report)
}

fn read_fault(file: String, source: io::Error) -> StartError {
    StartError::Disk(LogFault::Read {
        file,
        offset: 0,
        source,
    })
}

/// How the segment before ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// With a footer (or there is none before): the tree is known.
    Footer,
    /// Without: the log ends there.
    Open,
    /// It is damaged and so is its footer: what follows cannot be held to a tree.
    Lost,
    /// It was not in use.
    Unused,
}

struct Check<'a> {
    report: FsckReport,
    walk: Walk,
    /// What high-water page and guard have seen, and the log's root at that size.
    seen: Vec<(Evidence, Option<TreeHash>)>,
    guarding: &'a Guarding,
    files: Option<&'a TreeFiles>,
}

impl Check<'_> {
    fn segment(
        &mut self,
        disk: &dyn Disk,
        number: u32,
        before: Ended,
        caller: &mut dyn FsckCaller,
    ) -> Result<Ended, StartError> {
        let name = segment_name(number);
        let found = |report: &mut FsckReport, offset, what: &str| {
            report.damage(segment_name(number), Damage::new(offset, what));
        };
        let file = match disk.open(&name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                found(
                    &mut self.report,
                    0,
                    "the segment is missing, but later ones are there",
                );
                return Ok(Ended::Lost);
            }
            Err(source) => return Err(read_fault(name, source)),
        };
        let header = match read_header(file.as_ref(), number) {
            Ok(Some(header)) => header,
            Ok(None) => return Ok(Ended::Unused),
            Err(StartError::Damaged { offset, what, .. }) => {
                found(&mut self.report, offset, &what);
                return Ok(Ended::Lost);
            }
            Err(other) => return Err(other),
        };
        self.report.segments = self.report.segments.saturating_add(1);
        if *self.report.ledger.get_or_insert(header.ledger) != header.ledger {
            found(
                &mut self.report,
                0,
                "the segment belongs to another ledger than segment 0",
            );
        }
        if number == 0 {
            let page = read_page(disk, header.ledger);
            let guard = self.guard(header.ledger);
            self.seen = page.into_iter().chain(guard).map(|e| (e, None)).collect();
        }
        let segment = Found {
            header,
            file,
            footer: None,
        };
        match before {
            Ended::Footer => self.contents(&segment, caller),
            Ended::Lost => {
                let what = "the segment cannot be held to a tree, for the one before is damaged";
                found(&mut self.report, 0, what);
                Ok(self.skip_to_footer(&segment)?)
            }
            Ended::Open | Ended::Unused => {
                let what = "the segment is in use, but the one before has no footer";
                found(&mut self.report, 0, what);
                Ok(Ended::Lost)
            }
        }
    }

    /// Walks through a segment that follows a tree which is known.
    fn contents(
        &mut self,
        segment: &Found,
        caller: &mut dyn FsckCaller,
    ) -> Result<Ended, StartError> {
        let mut bytes = Vec::new();
        segment.read(&mut bytes)?;
        let mut visitor = FsckVisitor {
            file: segment.name(),
            report: &mut self.report,
            seen: &mut self.seen,
            files: self.files,
            changes: TreeChanges::default(),
            caller,
        };
        visitor.tree(&self.walk.tree);
        let ended = self.walk.segment(&segment.header, &bytes, &mut visitor);
        // Nodes of a batch whose root is wrong are not what the files should hold.
        if ended.is_ok() {
            visitor.compare();
        }
        match ended {
            Ok(SegmentEnd::Footer { .. }) => Ok(Ended::Footer),
            Ok(SegmentEnd::Open(tail)) => {
                if tail.cut != Cut::Nothing {
                    self.report.push(FsckFinding {
                        file: segment.name(),
                        offset: tail.offset,
                        what: "a write was cut here; unless it was shown, the next start takes it \
                               away"
                            .to_owned(),
                        mends_itself: true,
                    });
                }
                Ok(Ended::Open)
            }
            Err(damage) => {
                self.report.damage(segment.name(), damage);
                self.skip_to_footer(segment)
            }
        }
    }

    /// Goes on behind a damaged segment, if its footer says how.
    fn skip_to_footer(&mut self, segment: &Found) -> Result<Ended, StartError> {
        let Header {
            segment: number,
            segment_bytes,
            ..
        } = segment.header;
        let name = segment.name();
        let footer = find_footer(number, segment_bytes, |offset, count| {
            let mut bytes = vec![0; count];
            let read = read_at(segment.file.as_ref(), &name, &mut bytes, offset)?;
            bytes.truncate(read);
            Ok::<_, LogFault>(bytes)
        })?;
        match footer {
            Ok((_, footer)) => {
                self.walk = Walk::after(&footer);
                Ok(Ended::Footer)
            }
            Err(_) => Ok(Ended::Lost),
        }
    }

    /// Reads the guard; what is wrong with it is a finding.
    fn guard(&mut self, ledger: LedgerId) -> Option<Evidence> {
        match self.guarding.read(ledger) {
            Ok(read) => read.map(|(_, seen)| seen),
            Err(error) => {
                let damage = Damage::new(0, error.to_string());
                self.report.damage(GUARD.to_owned(), damage);
                None
            }
        }
    }

    /// Holds the log to what page and guard have seen.
    fn compare_seen(&mut self, disk: &dyn Disk) {
        let read = self.walk.tree.size();
        let mut page = false;
        for (seen, here) in &self.seen {
            page |= seen.source == EvidenceSource::HighWaterPage;
            let file = match seen.source {
                EvidenceSource::Guard => GUARD,
                EvidenceSource::Index | EvidenceSource::HighWaterPage => PAGE,
            };
            let (size, root) = (seen.size, seen.root);
            let what = match here {
                _ if size == 0 => continue,
                Some(here) if *here == root => continue,
                Some(here) => {
                    format!("the root at {size} was shown as {root}, but the log gives {here}")
                }
                None => format!("{size} entries were shown, but {read} can be read"),
            };
            self.report.damage(file.to_owned(), Damage::new(0, what));
        }
        if !page && disk.open(PAGE).is_ok() {
            self.report.push(FsckFinding {
                file: PAGE.to_owned(),
                offset: 0,
                what: "the page cannot be read and counts as none".to_owned(),
                mends_itself: true,
            });
        }
    }
}

struct FsckVisitor<'a> {
    file: String,
    report: &'a mut FsckReport,
    seen: &'a mut Vec<(Evidence, Option<TreeHash>)>,
    files: Option<&'a TreeFiles>,
    changes: TreeChanges,
    caller: &'a mut dyn FsckCaller,
}

impl FsckVisitor<'_> {
    fn compare(&mut self) {
        let different = self.files.map(|files| files.differences(&self.changes));
        for (file, offset) in different.into_iter().flatten() {
            self.report.push(FsckFinding {
                file,
                offset,
                what: "the record is not what the segments give; it is made again when it is read"
                    .to_owned(),
                mends_itself: true,
            });
        }
        self.changes.clear();
    }
}

impl Visitor for FsckVisitor<'_> {
    fn entry(&mut self, index: u64, place: Place, leaf: &[u8]) {
        self.report.entries = self.report.entries.saturating_add(1);
        self.changes.place(index, place);
        self.caller.entry(index, leaf);
        for what in self.caller.check(index, leaf) {
            let what = format!("entry {index}: {what}");
            let damage = Damage::new(place.offset, what);
            self.report.damage(self.file.clone(), damage);
        }
    }

    fn node(&mut self, level: u32, index: u64, hash: TreeHash) {
        self.changes.node(level, index, &hash);
    }

    fn tree(&mut self, tree: &Frontier) {
        for (seen, root) in self.seen.iter_mut() {
            if seen.size == tree.size() {
                *root = Some(tree.root());
            }
        }
    }

    fn checkpoint(&mut self, place: Place, first_index: u64, size: u64, note: &str) {
        self.report.checkpoints = self.report.checkpoints.saturating_add(1);
        if let Err(what) = judge_signature(note, first_index, size, self.caller) {
            self.report
                .damage(self.file.clone(), Damage::new(place.offset, what));
        }
        if self.changes.bytes() >= CHANGES_BYTES {
            self.compare();
        }
    }
}
