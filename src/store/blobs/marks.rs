//! Marks: which party itself uploaded every byte of which blob, durable before it is answered.
//!
//! They lie in the file `uploads` of the data folder, a record of 128 bytes each: `u8 1 ‖ u8
//! length of the name ‖ name, padded with zeros to 40 bytes ‖ hash ‖ u64 LE size ‖ zeros ‖ u32 LE
//! CRC-32C of the 124 bytes before`. A mark of the ledger itself has the empty name. Each record
//! is synced before the next is written, so a crash can tear the last one only. Every start writes
//! all marks into a new file, syncs it and puts it in place: what the last process wrote and did
//! not sync may read and still be lost.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;

use crate::domain::{ContentHash, PartyName};
use crate::store::log::{Disk, DiskFile};

use super::fault::BlobFault;

const FILE: &str = "uploads";
const NEW_FILE: &str = "uploads.new";
const RECORD_BYTES: usize = 128;
const NAME_BYTES: usize = 40;
const FORM: u8 = 1;
/// Records are read and written anew in pieces of so many bytes.
const PIECE_BYTES: usize = RECORD_BYTES * 4096;

/// The number of the ledger itself among the parties.
const LEDGER: u32 = 0;

/// The file of marks.
pub(super) struct MarkFile {
    file: Arc<dyn DiskFile>,
    /// Where the next record goes.
    end: u64,
    /// A record may have been written or not.
    failed: bool,
}

/// All marks, in memory.
#[derive(Default)]
pub(super) struct Marks {
    sizes: BTreeMap<(ContentHash, u32), u64>,
    parties: HashMap<PartyName, u32>,
    /// By the number of a party.
    used: Vec<u64>,
    /// What uploads under way will count, by the number of a party.
    reserved: Vec<u64>,
}

impl std::fmt::Debug for MarkFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MarkFile")
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Marks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let marks = self.sizes.len();
        f.debug_struct("Marks")
            .field("marks", &marks)
            .finish_non_exhaustive()
    }
}

/// That a blob was uploaded.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    pub hash: ContentHash,
    pub size: u64,
    /// By whom; none where the ledger itself made it.
    pub party: Option<PartyName>,
}

impl MarkFile {
    /// Reads the marks and writes them anew; none where there is no file of them.
    pub fn open(disk: &dyn Disk) -> Result<Option<(Self, Marks)>, BlobFault> {
        let old = match disk.open(FILE) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(BlobFault::Marks(error)),
        };
        let found = read_all(old.as_ref())?;
        Self::write_anew(disk, found).map(Some)
    }

    /// Begins without marks.
    pub fn create(disk: &dyn Disk) -> Result<(Self, Marks), BlobFault> {
        Self::write_anew(disk, Vec::new())
    }

    /// Reads the marks of a folder that another process may have; none where there are none.
    pub fn read(disk: &dyn Disk) -> Result<Vec<Mark>, BlobFault> {
        match disk.open(FILE) {
            Ok(file) => read_all(file.as_ref()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(BlobFault::Marks(error)),
        }
    }

    /// Puts marks in place durably, over those that are there.
    pub fn put(disk: &dyn Disk, marks: Vec<Mark>) -> Result<(), BlobFault> {
        Self::write_anew(disk, marks).map(drop)
    }

    fn write_anew(disk: &dyn Disk, found: Vec<Mark>) -> Result<(Self, Marks), BlobFault> {
        let file = disk.open_or_create(NEW_FILE).map_err(BlobFault::Marks)?;
        file.set_size(0).map_err(BlobFault::Marks)?;
        let mut new = Self {
            file: Arc::clone(&file),
            end: 0,
            failed: false,
        };
        let mut marks = Marks::default();
        let mut piece = Vec::new();
        for mark in found {
            if !marks.note(&mark) {
                continue;
            }
            piece.extend_from_slice(&record(&mark));
            if piece.len() >= PIECE_BYTES {
                new.append(&piece).map_err(BlobFault::Marks)?;
                piece.clear();
            }
        }
        let written = new
            .append(&piece)
            .and_then(|()| file.sync())
            .and_then(|()| disk.rename(NEW_FILE, FILE))
            .and_then(|()| disk.sync_folder(""));
        written.map_err(BlobFault::Marks)?;
        Ok((new, marks))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(bytes, self.end)?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.end = self.end.saturating_add(length);
        Ok(())
    }

    /// Writes a mark, durably.
    ///
    /// # Errors
    /// The mark may or may not have been written; no more are taken.
    pub fn write(&mut self, mark: &Mark) -> Result<(), BlobFault> {
        if self.failed {
            return Err(BlobFault::MarksFailed);
        }
        self.failed = true;
        let written = self.append(&record(mark)).and_then(|()| self.file.sync());
        written.map_err(BlobFault::Marks)?;
        self.failed = false;
        Ok(())
    }
}

impl Marks {
    /// Says whether a party uploaded a blob.
    pub fn has(&self, hash: &ContentHash, party: &PartyName) -> bool {
        let number = self.parties.get(party);
        number.is_some_and(|number| self.sizes.contains_key(&(*hash, *number)))
    }

    /// Returns the size of a blob that anybody uploaded.
    pub fn size(&self, hash: &ContentHash) -> Option<u64> {
        let mut marks = self.sizes.range((*hash, 0)..=(*hash, u32::MAX));
        marks.next().map(|(_, size)| *size)
    }

    /// Returns all blobs and their sizes, in the order of their hashes.
    pub fn blobs(&self) -> BTreeMap<ContentHash, u64> {
        let marks = self.sizes.iter();
        marks.map(|((hash, _), size)| (*hash, *size)).collect()
    }

    /// Returns the bytes of all blobs that a party uploaded.
    pub fn used(&self, party: &PartyName) -> u64 {
        let number = self.parties.get(party).copied();
        number.map_or(0, |number| *at(&self.used, number))
    }

    /// Returns the number of a party, which it keeps while the process lives.
    pub fn number(&mut self, party: Option<&PartyName>) -> u32 {
        if self.used.is_empty() {
            self.used.push(0);
            self.reserved.push(0);
        }
        let Some(party) = party else { return LEDGER };
        if let Some(number) = self.parties.get(party) {
            return *number;
        }
        let number = u32::try_from(self.used.len()).unwrap_or(u32::MAX);
        self.parties.insert(party.clone(), number);
        self.used.push(0);
        self.reserved.push(0);
        number
    }

    /// Sets bytes of a party's quota aside and returns how many.
    ///
    /// # Errors
    /// How many bytes are left, where that is less.
    pub fn reserve(
        &mut self,
        party: u32,
        hash: &ContentHash,
        size: u64,
        quota: u64,
    ) -> Result<u64, u64> {
        if self.sizes.contains_key(&(*hash, party)) {
            return Ok(0);
        }
        let taken = at(&self.used, party).saturating_add(*at(&self.reserved, party));
        let left = quota.saturating_sub(taken);
        if size > left {
            return Err(left);
        }
        if let Some(reserved) = at_mut(&mut self.reserved, party) {
            *reserved = reserved.saturating_add(size);
        }
        Ok(size)
    }

    /// Gives back what was set aside.
    pub fn release(&mut self, party: u32, bytes: u64) {
        if let Some(reserved) = at_mut(&mut self.reserved, party) {
            *reserved = reserved.saturating_sub(bytes);
        }
    }

    /// Notes a mark; says whether it is new.
    pub fn note(&mut self, mark: &Mark) -> bool {
        let number = self.number(mark.party.as_ref());
        if self.sizes.insert((mark.hash, number), mark.size).is_some() {
            return false;
        }
        if let Some(used) = at_mut(&mut self.used, number) {
            *used = used.saturating_add(mark.size);
        }
        true
    }

    /// Says whether a mark is noted.
    pub fn has_mark(&self, mark: &Mark) -> bool {
        match &mark.party {
            Some(party) => self.has(&mark.hash, party),
            None => self.sizes.contains_key(&(mark.hash, LEDGER)),
        }
    }
}

fn at(values: &[u64], number: u32) -> &u64 {
    let place = usize::try_from(number).unwrap_or(usize::MAX);
    values.get(place).unwrap_or(&0)
}

fn at_mut(values: &mut [u64], number: u32) -> Option<&mut u64> {
    values.get_mut(usize::try_from(number).ok()?)
}

fn record(mark: &Mark) -> [u8; RECORD_BYTES] {
    let name = mark.party.as_ref().map_or("", PartyName::as_str).as_bytes();
    let mut bytes = Vec::with_capacity(RECORD_BYTES);
    bytes.push(FORM);
    // A name is at most 39 bytes long.
    bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(name);
    bytes.resize(2 + NAME_BYTES, 0);
    bytes.extend_from_slice(mark.hash.as_bytes());
    bytes.extend_from_slice(&mark.size.to_le_bytes());
    bytes.resize(RECORD_BYTES - 4, 0);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    bytes.try_into().unwrap_or([0; RECORD_BYTES])
}

fn parse(record: &[u8]) -> Option<Mark> {
    let (bytes, crc) = record.split_last_chunk::<4>()?;
    if record.len() != RECORD_BYTES || u32::from_le_bytes(*crc) != crc32c::crc32c(bytes) {
        return None;
    }
    let (head, rest) = bytes.split_at_checked(2 + NAME_BYTES)?;
    let ([form, length], name) = head.split_first_chunk::<2>()?;
    if *form != FORM {
        return None;
    }
    let name = std::str::from_utf8(name.get(..usize::from(*length))?).ok()?;
    let (hash, rest) = rest.split_first_chunk::<32>()?;
    let (size, _) = rest.split_first_chunk::<8>()?;
    Some(Mark {
        hash: ContentHash(*hash),
        size: u64::from_le_bytes(*size),
        party: match name {
            "" => None,
            name => Some(name.parse().ok()?),
        },
    })
}

/// Reads all marks; the last record may be torn, any other is damage.
fn read_all(file: &dyn DiskFile) -> Result<Vec<Mark>, BlobFault> {
    let mut marks = Vec::new();
    let mut torn_at = None;
    let (mut piece, mut offset) = (vec![0; PIECE_BYTES], 0_u64);
    loop {
        let read = file.read_at(&mut piece, offset).map_err(BlobFault::Marks)?;
        let bytes = piece.get(..read).unwrap_or_default();
        for record in bytes.chunks(RECORD_BYTES) {
            match (parse(record), torn_at) {
                (Some(mark), None) => marks.push(mark),
                (None, None) => torn_at = Some(offset),
                (_, Some(offset)) => return Err(BlobFault::MarksDamaged { offset }),
            }
            let length = u64::try_from(record.len()).unwrap_or(u64::MAX);
            offset = offset.saturating_add(length);
        }
        if read < PIECE_BYTES {
            return Ok(marks);
        }
    }
}
