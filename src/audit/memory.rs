//! What an auditor remembers from one audit to the next: how far it has checked, and what it needs
//! to go on from there.
//!
//! It is a file of the auditor's own, of the form
//! `"FENRUNAU" ‖ u32 LE version ‖ u32 LE length ‖ head ‖ leaf hashes ‖ rows ‖ BLAKE3 of all before`.
//! The checksum finds damage; it does not protect from somebody who may write the file.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::auditor::Pins;
use super::named_blobs::NamedBlob;
use super::receipts::chain;
use crate::domain::{LedgerId, Origin, PublicKey, TreeHash, UnixMillis, Verifier};
use crate::ledger::{MemoryView, ROWS_FORMAT};
use crate::merkle::{Checkpoint, KeyHistory, VerifierKey, open_checkpoint, root_of};

const MAGIC: &[u8; 8] = b"FENRUNAU";
const VERSION: u32 = 1;
const CHECKSUM_BYTES: usize = 32;

/// Why a file is not what an auditor remembers.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// It is something else.
    #[error("it is not the memory of an auditor")]
    NotOne,
    /// It was written by another version of this program.
    #[error("its form is {0}, this program knows {VERSION}")]
    Version(u32),
    /// Its checksum is wrong.
    #[error("it is damaged: its bytes do not have the checksum that stands at their end")]
    Damaged,
    /// The parts do not fit together though the checksum is good.
    #[error("it is not in order: {0}")]
    Form(String),
    /// It is of another ledger.
    #[error("it is of the ledger {0}")]
    OtherLedger(LedgerId),
    /// Its checkpoint is not signed by a key that is trusted.
    #[error("its checkpoint is not one of this log: {0}")]
    Checkpoint(String),
}

/// What is remembered of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// The ledger.
    pub ledger: LedgerId,
    /// The newest checkpoint that was verified, as a signed note.
    pub checkpoint: String,
    /// The hashes of all leaves under it; none in the memory of a party that sees only its own.
    pub leaves: Vec<TreeHash>,
    /// The bytes that the entries name, in their order, each as often as it is named.
    pub(super) blobs: Vec<NamedBlob>,
    /// The state at the checkpoint; none where all has to be replayed again.
    pub(super) replayed: Option<Replayed>,
}

/// The state of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Replayed {
    /// How many entries were replayed.
    pub size: u64,
    /// When the last one was recorded.
    pub last_time: UnixMillis,
    /// The keys of the log.
    pub keys: KeyHistory,
    /// The rows.
    pub rows: MemoryView,
}

/// The part of the file that is no plain run of hashes or rows.
#[derive(Serialize, Deserialize)]
struct Head {
    ledger: [u8; 32],
    checkpoint: String,
    leaves: u64,
    blobs: Vec<NamedBlob>,
    replayed: Option<ReplayedHead>,
}

#[derive(Serialize, Deserialize)]
struct ReplayedHead {
    size: u64,
    last_time: u64,
    origin: String,
    /// The key that the log was founded with, and each later one with the index of its entry.
    first_key: [u8; 32],
    later_keys: Vec<(u64, [u8; 32])>,
    rows: u64,
    /// The form of the rows; another program may have others.
    rows_format: u32,
}

impl Memory {
    /// Returns the memory of a party that sees only its own: the newest checkpoint.
    pub fn of_checkpoint(ledger: LedgerId, checkpoint: String) -> Self {
        Self {
            ledger,
            checkpoint,
            leaves: Vec::new(),
            blobs: Vec::new(),
            replayed: None,
        }
    }

    /// Returns how many entries need not be replayed again.
    pub fn replayed(&self) -> u64 {
        self.replayed.as_ref().map_or(0, |replayed| replayed.size)
    }

    /// Forgets the state, so that all is replayed again, and keeps what was signed.
    pub fn forget_replay(&mut self) {
        self.replayed = None;
    }

    /// Returns the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let replayed = self.replayed.as_ref();
        let head = Head {
            ledger: self.ledger.0,
            checkpoint: self.checkpoint.clone(),
            leaves: length(self.leaves.len()),
            blobs: self.blobs.clone(),
            replayed: replayed.map(ReplayedHead::of),
        };
        // Writing plain structs to memory has no way to fail; an empty head would not be read.
        let head = postcard::to_allocvec(&head).unwrap_or_default();
        let mut bytes = Vec::new();
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        push(&mut bytes, &head);
        for leaf in &self.leaves {
            bytes.extend_from_slice(&leaf.0);
        }
        if let Some(replayed) = replayed {
            for (key, value) in replayed.rows.rows() {
                push(&mut bytes, key);
                push(&mut bytes, value);
            }
        }
        let checksum = blake3::hash(&bytes);
        bytes.extend_from_slice(checksum.as_bytes());
        bytes
    }

    /// Reads the file, checks that it is whole, of the pinned ledger and under a key of its log,
    /// and returns it with its checkpoint.
    ///
    /// # Errors
    /// See [`MemoryError`]. Rows of another form are left out, which is no error: then all is
    /// replayed again.
    pub fn from_bytes(
        bytes: &[u8],
        pins: &Pins,
        verifier: &dyn Verifier,
    ) -> Result<(Self, Checkpoint), MemoryError> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(MemoryError::NotOne)?;
        let version = take_u32(&mut rest).ok_or(MemoryError::NotOne)?;
        if version != VERSION {
            return Err(MemoryError::Version(version));
        }
        let body = bytes.len().checked_sub(CHECKSUM_BYTES);
        let (body, checksum) = body
            .and_then(|body| bytes.split_at_checked(body))
            .ok_or(MemoryError::Damaged)?;
        if blake3::hash(body).as_bytes() != checksum {
            return Err(MemoryError::Damaged);
        }
        let end = rest.len().saturating_sub(CHECKSUM_BYTES);
        let rest = rest.get(..end).ok_or(MemoryError::Damaged)?;
        let memory = read(rest).map_err(MemoryError::Form)?;
        if memory.ledger != pins.ledger {
            return Err(MemoryError::OtherLedger(memory.ledger));
        }
        let note = memory.checkpoint.as_bytes();
        let checkpoint = open_checkpoint(note, &pins.log_keys, verifier)
            .map_err(|error| MemoryError::Checkpoint(chain(&error)))?;
        memory.check(&checkpoint).map_err(MemoryError::Form)?;
        Ok((memory, checkpoint))
    }

    /// Checks that the parts are of one log.
    fn check(&self, checkpoint: &Checkpoint) -> Result<(), String> {
        if self.leaves.is_empty() && self.replayed.is_none() {
            return Ok(());
        }
        let (size, leaves) = (checkpoint.size, length(self.leaves.len()));
        if leaves != size || root_of(&self.leaves) != checkpoint.root {
            return Err(format!(
                "its {leaves} leaf hashes are not those of its checkpoint of {size}"
            ));
        }
        match &self.replayed {
            Some(replayed) if replayed.size != size => {
                Err(format!("{} entries are replayed, of {size}", replayed.size))
            }
            _ => Ok(()),
        }
    }
}

impl ReplayedHead {
    fn of(replayed: &Replayed) -> Self {
        let keys = &replayed.keys;
        let later = keys.later().map(|(index, key)| (index, key.0)).collect();
        let first = keys.at(0);
        Self {
            size: replayed.size,
            last_time: replayed.last_time.0,
            origin: first.name.to_string(),
            first_key: first.key.0,
            later_keys: later,
            rows: length(replayed.rows.len()),
            rows_format: ROWS_FORMAT,
        }
    }

    fn keys(&self) -> Result<KeyHistory, String> {
        let name: Origin = self
            .origin
            .parse()
            .map_err(|error| format!("its origin: {error}"))?;
        let key = PublicKey(self.first_key);
        let mut keys = KeyHistory::founded(VerifierKey { name, key });
        for (index, key) in &self.later_keys {
            keys.change(*index, PublicKey(*key));
        }
        Ok(keys)
    }
}

/// Reads what stands between version and checksum.
fn read(mut rest: &[u8]) -> Result<Memory, String> {
    let cut = || "it ends too early".to_owned();
    let head = take(&mut rest).ok_or_else(cut)?;
    let head: Head = postcard::from_bytes(head).map_err(|error| format!("its head: {error}"))?;
    let mut leaves = Vec::new();
    for _ in 0..head.leaves {
        let (leaf, behind) = rest.split_first_chunk::<32>().ok_or_else(cut)?;
        leaves.push(TreeHash(*leaf));
        rest = behind;
    }
    let replayed = match &head.replayed {
        Some(of) if of.rows_format == ROWS_FORMAT => {
            let mut rows = Vec::new();
            for _ in 0..of.rows {
                let key = Bytes::copy_from_slice(take(&mut rest).ok_or_else(cut)?);
                let value = Bytes::copy_from_slice(take(&mut rest).ok_or_else(cut)?);
                rows.push((key, value));
            }
            if !rest.is_empty() {
                return Err(format!("{} bytes are left over", rest.len()));
            }
            Some(Replayed {
                size: of.size,
                last_time: UnixMillis(of.last_time),
                keys: of.keys()?,
                rows: rows.into_iter().collect(),
            })
        }
        _ => None,
    };
    Ok(Memory {
        ledger: LedgerId(head.ledger),
        checkpoint: head.checkpoint,
        leaves,
        blobs: head.blobs,
        replayed,
    })
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Writes bytes with their length before them; rows and head are far below 4 GiB.
fn push(to: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    to.extend_from_slice(&length.to_le_bytes());
    to.extend_from_slice(bytes);
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_u32(rest)?).ok()?;
    let (bytes, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(bytes)
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let (bytes, behind) = rest.split_first_chunk::<4>()?;
    *rest = behind;
    Some(u32::from_le_bytes(*bytes))
}
