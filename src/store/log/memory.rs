//! The log in memory: the smallest correct implementation, for tests and for trying things out.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use bytes::Bytes;

use crate::domain::TreeHash;
use crate::merkle::{Frontier, MemoryTree, Nodes};

use super::batch::Batch;
use super::contract::{LogReader, LogStore};
use super::fault::LogFault;

#[derive(Debug, Default)]
struct Contents {
    leaves: Vec<Bytes>,
    checkpoints: BTreeMap<u64, String>,
    cosignatures: BTreeMap<u64, String>,
    tree: MemoryTree,
}

/// A log that is gone when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryLog(Arc<RwLock<Contents>>);

/// The readers' side of a [`MemoryLog`].
#[derive(Debug, Clone)]
struct MemoryReader(Arc<RwLock<Contents>>);

impl MemoryLog {
    /// Returns an empty log.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A thread that panicked with the lock has not left half a batch: the lock covers pushes only.
fn read(contents: &RwLock<Contents>) -> RwLockReadGuard<'_, Contents> {
    contents.read().unwrap_or_else(PoisonError::into_inner)
}

impl LogStore for MemoryLog {
    fn size(&self) -> u64 {
        read(&self.0).tree.size()
    }

    fn tree(&self) -> Frontier {
        read(&self.0).tree.frontier().clone()
    }

    fn append(&mut self, batch: &Batch<'_>) -> Result<(), LogFault> {
        let before = read(&self.0).tree.frontier().clone();
        let after = batch
            .check(&before, |_, _, _| {})
            .map_err(LogFault::Batch)?;
        let mut contents = self.0.write().unwrap_or_else(PoisonError::into_inner);
        contents.leaves.extend_from_slice(batch.leaves);
        for hash in batch.hashes {
            contents.tree.push(*hash);
        }
        let note = batch.checkpoint.to_owned();
        contents.checkpoints.insert(after.size(), note);
        Ok(())
    }

    fn cosign(&mut self, size: u64, lines: &str) -> Result<(), LogFault> {
        let mut contents = self.0.write().unwrap_or_else(PoisonError::into_inner);
        contents.has_size(size)?;
        let last = contents.cosignatures.last_key_value();
        if last.is_none_or(|(last, _)| *last < size) {
            contents.cosignatures.insert(size, lines.to_owned());
        }
        Ok(())
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(MemoryReader(Arc::clone(&self.0)))
    }

    fn published(&mut self, _: u64, _: &TreeHash) {}
}

impl Contents {
    fn leaf(&self, index: u64) -> Result<&Bytes, LogFault> {
        let place = usize::try_from(index).ok();
        let size = self.tree.size();
        let leaf = place.and_then(|place| self.leaves.get(place));
        leaf.ok_or(LogFault::IndexBeyondLog { index, size })
    }

    fn has_size(&self, asked: u64) -> Result<(), LogFault> {
        match asked.checked_sub(1) {
            Some(last) => self.leaf(last).map(|_| ()),
            None => Ok(()),
        }
    }
}

impl LogReader for MemoryReader {
    fn size(&self) -> u64 {
        read(&self.0).tree.size()
    }

    fn leaf(&self, index: u64) -> Result<Bytes, LogFault> {
        read(&self.0).leaf(index).cloned()
    }

    fn leaves(&self, first: u64, end: u64, bytes_max: usize) -> Result<Vec<Bytes>, LogFault> {
        let contents = read(&self.0);
        contents.has_size(end)?;
        contents.has_size(first)?;
        let mut leaves = Vec::new();
        let mut bytes = 0usize;
        for index in first..end {
            let leaf = contents.leaf(index)?;
            bytes = bytes.saturating_add(leaf.len());
            if bytes > bytes_max && !leaves.is_empty() {
                break;
            }
            leaves.push(leaf.clone());
        }
        Ok(leaves)
    }

    fn checkpoint(&self, size: u64) -> Result<Option<String>, LogFault> {
        let contents = read(&self.0);
        contents.has_size(size)?;
        Ok(contents.checkpoints.get(&size).cloned())
    }

    fn checkpoints(
        &self,
        after: u64,
        through: u64,
        count_max: usize,
    ) -> Result<Vec<(u64, String)>, LogFault> {
        let contents = read(&self.0);
        contents.has_size(through)?;
        if through <= after {
            return Ok(Vec::new());
        }
        let range = (Bound::Excluded(after), Bound::Included(through));
        let found = contents.checkpoints.range(range).take(count_max);
        Ok(found.map(|(size, note)| (*size, note.clone())).collect())
    }

    fn cosignatures(&self, size: u64) -> Result<Option<String>, LogFault> {
        Ok(read(&self.0).cosignatures.get(&size).cloned())
    }

    fn cosigned(&self) -> Option<(u64, u64)> {
        let contents = read(&self.0);
        let (first, _) = contents.cosignatures.first_key_value()?;
        let (last, _) = contents.cosignatures.last_key_value()?;
        Some((*first, *last))
    }

    fn node(&self, level: u32, index: u64) -> Result<TreeHash, LogFault> {
        let node = read(&self.0).tree.node(level, index);
        node.map_err(|missing| LogFault::NodeIncomplete {
            level: missing.level,
            index: missing.index,
            size: missing.size,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance;
    use super::*;

    #[test]
    fn keeps_the_contract() {
        conformance::check(&mut || Box::new(MemoryLog::new()));
    }
}
