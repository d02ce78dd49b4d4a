//! Reads the log from its segments while the writer goes on.

use std::sync::Arc;

use bytes::Bytes;

use crate::domain::TreeHash;
use crate::merkle::{leaf_hash, node_hash};

use super::contract::LogReader;
use super::fault::LogFault;
use super::format::{Kind, Place};
use super::frames::{Frames, batch_start_before, damaged};
use super::shared::Shared;
use super::tree_files::TreeChanges;

/// Bytes read at once for a single entry: most fit.
const SINGLE: usize = 1024;
/// The most bytes read at once for several entries.
const SEVERAL: usize = 256 * 1024;

/// The readers' side of a log in segments.
pub(super) struct SegmentReader(pub(super) Arc<Shared>);

impl SegmentReader {
    /// Returns where an entry stands.
    fn place(&self, index: u64) -> Result<Place, LogFault> {
        match self.0.tree.place(index) {
            Some(place) => Ok(place),
            None => self.find_place(index),
        }
    }

    /// Finds an entry in its segment, because its record is missing or damaged, and makes the
    /// segment's records up to it again.
    fn find_place(&self, index: u64) -> Result<Place, LogFault> {
        let (start, first) = self.0.segment_of(index);
        let mut frames = Frames::new(&self.0, start, SEVERAL)?;
        let mut changes = TreeChanges::default();
        let mut at = first;
        loop {
            let (place, _) = frames.next_entry()?;
            changes.place(at, place);
            if at == index {
                // Reading worked; if this does not, it is to be done again.
                let _ = self.0.tree.write(&changes);
                return Ok(place);
            }
            at = at.saturating_add(1);
        }
    }

    fn has(&self, asked: u64) -> Result<(), LogFault> {
        let size = self.0.size();
        match asked.checked_sub(1) {
            Some(index) if index >= size => Err(LogFault::IndexBeyondLog { index, size }),
            _ => Ok(()),
        }
    }

    /// Returns the note that follows the entry before `size`; none if another entry does.
    fn note_after_entry(&self, size: u64) -> Result<Option<String>, LogFault> {
        let Some(last) = size.checked_sub(1) else {
            return Ok(None);
        };
        let mut frames = Frames::new(&self.0, self.place(last)?, SINGLE)?;
        let _ = frames.next_entry()?;
        let place = frames.place();
        let frame = frames.next()?;
        if frame.kind != Kind::Checkpoint {
            return Ok(None);
        }
        let note = str::from_utf8(frame.bytes).map(str::to_owned);
        let note = note.map_err(|_| damaged(place, "the checkpoint is not text".to_owned()))?;
        Ok(Some(note))
    }

    /// Returns the size of the log after the batch that holds an entry, and its note.
    fn batch_end(&self, index: u64) -> Result<(u64, String), LogFault> {
        let place = self.place(index)?;
        if let Some(start) = batch_start_before(&self.0, place)
            && start.first_index == index
        {
            let end = index.saturating_add(u64::from(start.entries));
            if let Some(note) = self.note_after_entry(end)? {
                return Ok((end, note));
            }
        }
        let mut frames = Frames::new(&self.0, place, SEVERAL)?;
        let mut size = index;
        loop {
            let place = frames.place();
            let frame = frames.next()?;
            match frame.kind {
                Kind::Entry => size = size.saturating_add(1),
                Kind::Checkpoint => {
                    let note = str::from_utf8(frame.bytes).map(str::to_owned);
                    let note =
                        note.map_err(|_| damaged(place, "the checkpoint is not text".to_owned()))?;
                    return Ok((size, note));
                }
                kind => return Err(damaged(place, format!("{kind:?} within a batch"))),
            }
        }
    }
}

impl LogReader for SegmentReader {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn leaf(&self, index: u64) -> Result<Bytes, LogFault> {
        self.has(index.saturating_add(1))?;
        let mut frames = Frames::new(&self.0, self.place(index)?, SINGLE)?;
        let place = frames.place();
        let frame = frames.next()?;
        match frame.kind {
            Kind::Entry => Ok(Bytes::copy_from_slice(frame.bytes)),
            kind => Err(damaged(
                place,
                format!("{kind:?} where an entry was expected"),
            )),
        }
    }

    fn leaves(&self, first: u64, end: u64, bytes_max: usize) -> Result<Vec<Bytes>, LogFault> {
        self.has(end)?;
        self.has(first)?;
        if first >= end {
            return Ok(Vec::new());
        }
        let chunk = bytes_max.clamp(SINGLE, SEVERAL);
        let mut frames = Frames::new(&self.0, self.place(first)?, chunk)?;
        let mut leaves = Vec::new();
        let mut bytes = 0usize;
        for _ in first..end {
            let (_, leaf) = frames.next_entry()?;
            bytes = bytes.saturating_add(leaf.len());
            if bytes > bytes_max && !leaves.is_empty() {
                break;
            }
            leaves.push(Bytes::copy_from_slice(leaf));
        }
        Ok(leaves)
    }

    fn checkpoint(&self, size: u64) -> Result<Option<String>, LogFault> {
        self.has(size)?;
        self.note_after_entry(size)
    }

    fn checkpoints(
        &self,
        after: u64,
        through: u64,
        count_max: usize,
    ) -> Result<Vec<(u64, String)>, LogFault> {
        self.has(through)?;
        let mut found = Vec::new();
        let mut at = after;
        while at < through && found.len() < count_max {
            let (size, note) = self.batch_end(at)?;
            if size > through {
                break;
            }
            at = size;
            found.push((size, note));
        }
        Ok(found)
    }

    fn cosignatures(&self, size: u64) -> Result<Option<String>, LogFault> {
        let Some(place) = self.0.cosigned.place(size) else {
            return Ok(None);
        };
        let mut frames = Frames::new(&self.0, place, SINGLE)?;
        let frame = frames.next()?;
        let held = frame.bytes.split_first_chunk::<8>();
        let lines = held
            .filter(|(of, _)| frame.kind == Kind::Cosignatures && u64::from_le_bytes(**of) == size);
        let lines = lines.and_then(|(_, lines)| str::from_utf8(lines).ok());
        match lines {
            Some(lines) => Ok(Some(lines.to_owned())),
            None => Err(damaged(place, format!("no cosignatures of size {size}"))),
        }
    }

    fn cosigned(&self) -> Option<(u64, u64)> {
        Some((self.0.cosigned.first()?, self.0.cosigned.last()?))
    }

    fn nodes(&self, level: u32, first: u64, end: u64) -> Result<Vec<TreeHash>, LogFault> {
        let size = self.0.size();
        let complete = size.checked_shr(level).unwrap_or(0);
        if end <= complete
            && let Some(hashes) = self.0.tree.nodes(level, first, end)
        {
            return Ok(hashes);
        }
        // What is missing or damaged is made again one by one.
        (first..end).map(|index| self.node(level, index)).collect()
    }

    fn node(&self, level: u32, index: u64) -> Result<TreeHash, LogFault> {
        let size = self.0.size();
        let complete = size.checked_shr(level).unwrap_or(0);
        if index >= complete {
            return Err(LogFault::NodeIncomplete { level, index, size });
        }
        if let Some(hash) = self.0.tree.node(level, index) {
            return Ok(hash);
        }
        // The record is missing or damaged: it is made again from what lies below it.
        let hash = match level.checked_sub(1) {
            None => leaf_hash(&self.leaf(index)?),
            Some(below) => {
                let left = index.saturating_mul(2);
                let left_hash = self.node(below, left)?;
                node_hash(&left_hash, &self.node(below, left.saturating_add(1))?)
            }
        };
        let mut changes = TreeChanges::default();
        changes.node(level, index, &hash);
        // Reading worked; if this does not, it is to be done again.
        let _ = self.0.tree.write(&changes);
        Ok(hash)
    }
}
