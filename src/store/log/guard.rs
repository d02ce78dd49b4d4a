//! The guard: how far the log has been signed, in a place that does not go back with the log.
//!
//! Everything in a data folder can be put back to an older copy as a whole, and then agrees with
//! itself: segments, index and high-water page. The guard lies outside of it, on another disk if
//! the operator likes. It is synced after each batch's commit point and before anybody is shown
//! the batch, so it is never more than one batch behind the log, and never before it.
//!
//! Its file has two pages, written by turns, and they lie 4,096 bytes apart: a disk that loses its
//! power may spoil the physical sector that it was writing, and not the other one, which is then a
//! batch older. So a cut write never leaves a guard that cannot be read, and one that cannot was
//! changed by somebody or something else: that is refused and never mended here.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::{LedgerId, TreeHash};
use crate::merkle::empty_root;

use super::disk::{Disk, DiskFile};
use super::evidence::{Evidence, EvidenceSource};
use super::fault::LogFault;
use super::format::{Page, PageKind, SECTOR};
use super::real_disk::RealDisk;
use super::start_error::StartError;

/// Where the first page lies.
const FIRST: u64 = 0;
/// Where the second page lies: physical sectors have up to so many bytes.
const SECOND: u64 = 4_096;
/// The bytes of the file.
const GUARD_BYTES: usize = 8_192;

/// Why a guard does not let a log start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuardError {
    /// There is none.
    #[error(
        "there is no guard {path}; bring its disk or its file back. Only where there never was one, \
         make it from the log as it is: `fenrun serve --new-guard`"
    )]
    Missing {
        /// Its file.
        path: PathBuf,
    },
    /// It cannot be read, so that nobody knows what it has seen.
    #[error("the guard {path} cannot be read: {what}; bring it back as it was last written")]
    Unreadable {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// It guards another log.
    #[error("the guard {path} is that of ledger {found}, not of {expected}; name the right one")]
    OfAnother {
        /// Its file.
        path: PathBuf,
        /// The ledger of the log.
        expected: LedgerId,
        /// The ledger of the guard.
        found: LedgerId,
    },
    /// A new one was asked for where there is one already.
    #[error("there is a file {path} already; leave out `--new-guard`, or name another file")]
    Exists {
        /// Its file.
        path: PathBuf,
    },
    /// Another process writes it.
    #[error(
        "the guard {path} is in use by another process: each ledger has a guard of its own, and \
         of two copies of one ledger only one may run"
    )]
    InUse {
        /// Its file.
        path: PathBuf,
    },
    /// It has missed more than the one batch that a crash explains.
    #[error(
        "ROLLBACK: the guard {path} has seen {size} entries, but the log has {found}, which is \
         more than one batch more: it is an older guard than the log's; bring the newest one back"
    )]
    Behind {
        /// Its file.
        path: PathBuf,
        /// The size that it has seen.
        size: u64,
        /// The size of the log.
        found: u64,
    },
}

/// Where a guard lies.
#[derive(Clone)]
pub struct GuardPlace {
    disk: Arc<dyn Disk>,
    name: String,
    shown: PathBuf,
}

/// The newer page of a guard, and where it lies in its file.
struct Newest {
    file: Arc<dyn DiskFile>,
    place: u64,
    page: Page,
}

impl fmt::Debug for GuardPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GuardPlace({})", self.shown.display())
    }
}

impl GuardPlace {
    /// Returns the place of a file on a real disk; none where the path does not end with a name.
    pub fn at(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_owned();
        let folder = path.parent().filter(|parent| *parent != Path::new(""));
        let folder = folder.unwrap_or(Path::new("."));
        Some(Self {
            disk: Arc::new(RealDisk::new(folder)),
            name,
            shown: path.to_owned(),
        })
    }

    #[cfg(test)]
    pub(super) fn on(disk: Arc<dyn Disk>, name: &str) -> Self {
        Self {
            disk,
            name: name.to_owned(),
            shown: name.into(),
        }
    }

    fn fault(&self, action: &'static str, source: io::Error) -> LogFault {
        LogFault::Write {
            action,
            file: self.shown.display().to_string(),
            source,
        }
    }

    fn unreadable(&self, what: impl Into<String>) -> GuardError {
        let (path, what) = (self.shown.clone(), what.into());
        GuardError::Unreadable { path, what }
    }

    /// Opens the file; none where there is none.
    fn open(&self) -> Result<Option<Arc<dyn DiskFile>>, GuardError> {
        match self.disk.open(&self.name) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unreadable(error.to_string())),
        }
    }

    /// Takes the file for this process alone.
    fn lock(&self, file: &dyn DiskFile) -> Result<(), GuardError> {
        let path = self.shown.clone();
        match file.lock() {
            Ok(true) => Ok(()),
            Ok(false) => Err(GuardError::InUse { path }),
            Err(error) => Err(self.unreadable(error.to_string())),
        }
    }

    /// Reads the newer page.
    fn newer_page(&self, file: Arc<dyn DiskFile>) -> Result<Newest, GuardError> {
        let read = |place: u64| {
            let mut bytes = vec![0; SECTOR];
            let read = file.read_at(&mut bytes, place);
            let read = read.map_err(|error| self.unreadable(error.to_string()))?;
            let bytes = bytes.get(..read).unwrap_or_default();
            Ok(Page::decode(PageKind::Guard, bytes))
        };
        let (place, page) = match (read(FIRST)?, read(SECOND)?) {
            (Some(first), Some(second)) if first.ledger != second.ledger => {
                return Err(self.unreadable("its two pages are of two ledgers"));
            }
            (Some(first), Some(second)) if first.size == second.size && first != second => {
                return Err(self.unreadable("its two pages contradict each other"));
            }
            (Some(first), Some(second)) if second.size > first.size => (SECOND, second),
            (Some(first), _) => (FIRST, first),
            (None, Some(second)) => (SECOND, second),
            (None, None) => return Err(self.unreadable("neither of its two pages is whole")),
        };
        Ok(Newest { file, place, page })
    }

    /// Returns what the guard has seen of a ledger, whichever it is; none where there is no guard.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn seen(&self) -> Result<Option<Evidence>, GuardError> {
        let Some(file) = self.open()? else {
            return Ok(None);
        };
        Ok(Some(evidence(&self.newer_page(file)?.page)))
    }
}

/// Returns where the other page lies.
fn other(place: u64) -> u64 {
    if place == FIRST { SECOND } else { FIRST }
}

fn evidence(page: &Page) -> Evidence {
    Evidence {
        source: EvidenceSource::Guard,
        size: page.size,
        root: page.root,
    }
}

/// Whether and how a log is guarded.
#[derive(Debug, Clone, Default)]
pub enum Guarding {
    /// Nothing outside of its folder remembers the log.
    #[default]
    Off,
    /// By a guard that is there.
    Kept(GuardPlace),
    /// By one that is made from the log as it is; there must be none.
    New(GuardPlace),
}

impl Guarding {
    /// Returns the guard that is there, and what it has seen; none where the log is not guarded
    /// yet.
    pub(super) fn read(&self, ledger: LedgerId) -> Result<Option<(Guard, Evidence)>, GuardError> {
        let place = match self {
            Self::Off => return Ok(None),
            Self::New(place) => {
                let path = place.shown.clone();
                let there = place.open()?.is_some();
                return if there {
                    Err(GuardError::Exists { path })
                } else {
                    Ok(None)
                };
            }
            Self::Kept(place) => place,
        };
        let path = || place.shown.clone();
        let Some(file) = place.open()? else {
            return Err(GuardError::Missing { path: path() });
        };
        place.lock(file.as_ref())?;
        let newest = place.newer_page(file)?;
        if newest.page.ledger != ledger {
            let (path, expected, found) = (path(), ledger, newest.page.ledger);
            return Err(GuardError::OfAnother {
                path,
                expected,
                found,
            });
        }
        let guard = Guard {
            place: place.clone(),
            file: newest.file,
            ledger,
            next: other(newest.place),
        };
        Ok(Some((guard, evidence(&newest.page))))
    }

    /// Brings the guard to a log that was verified and made durable; makes it where it is new.
    pub(super) fn begin(
        &self,
        there: Option<Guard>,
        ledger: LedgerId,
        size: u64,
        root: TreeHash,
    ) -> Result<Option<Guard>, StartError> {
        match (self, there) {
            (_, Some(mut guard)) => {
                guard.write(size, root)?;
                Ok(Some(guard))
            }
            (Self::New(place), None) => Ok(Some(Guard::make(place, ledger, size, root)?)),
            (Self::Off | Self::Kept(_), None) => Ok(None),
        }
    }

    /// Returns what the guard has seen, where it is not known yet which ledger's it should be.
    pub(super) fn seen(&self) -> Result<Option<Evidence>, GuardError> {
        match self {
            Self::Off => Ok(None),
            Self::Kept(place) | Self::New(place) => place.seen(),
        }
    }
}

/// A guard that is open.
pub(super) struct Guard {
    place: GuardPlace,
    file: Arc<dyn DiskFile>,
    ledger: LedgerId,
    /// Where the older page lies, which is written next.
    next: u64,
}

impl Guard {
    /// Makes the guard of a ledger that is being founded, over what a founding that did not get
    /// as far as its first entry has left.
    ///
    /// # Errors
    /// There is a file that is none, or one that has seen entries; the disk fails.
    pub(super) fn found(place: &GuardPlace, ledger: LedgerId) -> Result<Self, StartError> {
        let seen = place.seen()?;
        if seen.is_some_and(|seen| seen.size > 0) {
            let path = place.shown.clone();
            return Err(GuardError::Exists { path }.into());
        }
        Self::make(place, ledger, 0, empty_root())
    }

    /// Makes the file beside its place and gives it its name durably.
    fn make(
        place: &GuardPlace,
        ledger: LedgerId,
        size: u64,
        root: TreeHash,
    ) -> Result<Self, StartError> {
        let page = Page { ledger, size, root }.encode(PageKind::Guard);
        let mut bytes = vec![0; GUARD_BYTES];
        for at in [FIRST, SECOND] {
            let slot = bytes.get_mut(super::format::place_of(at)..);
            slot.into_iter()
                .flatten()
                .zip(&page)
                .for_each(|(to, from)| *to = *from);
        }
        let new = format!("{}.new", place.name);
        let made = || -> io::Result<Arc<dyn DiskFile>> {
            let file = place.disk.open_or_create(&new)?;
            file.set_size(0)?;
            file.write_at(&bytes, 0)?;
            file.sync()?;
            place.disk.rename(&new, &place.name)?;
            place.disk.sync_folder("")?;
            Ok(file)
        };
        let file = made().map_err(|source| place.fault("make", source))?;
        place.lock(file.as_ref())?;
        Ok(Self {
            place: place.clone(),
            file,
            ledger,
            next: FIRST,
        })
    }

    /// Writes durably how far the log goes, over the older page.
    ///
    /// # Errors
    /// The disk fails; what the guard says then is the last size or this one.
    pub(super) fn write(&mut self, size: u64, root: TreeHash) -> Result<(), LogFault> {
        let ledger = self.ledger;
        let page = Page { ledger, size, root }.encode(PageKind::Guard);
        let written = self.file.write_at(&page, self.next);
        written.map_err(|source| self.place.fault("write", source))?;
        let synced = self.file.sync();
        synced.map_err(|source| self.place.fault("sync", source))?;
        self.next = other(self.next);
        Ok(())
    }

    /// Refuses a log that is further ahead than a crash explains.
    ///
    /// `before` is the size of the log before its last batch.
    pub(super) fn refuse_behind(
        &self,
        seen: &Evidence,
        before: u64,
        found: u64,
    ) -> Result<(), GuardError> {
        if seen.size >= before {
            return Ok(());
        }
        let (path, size) = (self.place.shown.clone(), seen.size);
        Err(GuardError::Behind { path, size, found })
    }
}
