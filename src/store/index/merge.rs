//! Merging runs, so that there are few; and which to merge.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::ledger::{Order, ViewFault};

use super::backing::{Backing, BackingError};
use super::block::{BLOCK_BYTES, BlockBuilder};
use super::cursor::{Cursor, foremost};
use super::run::{Fence, Run, RunSet, block_key};

/// So many runs of one level are merged into one of a higher level.
pub(super) const RUNS_PER_LEVEL: usize = 8;
/// Runs up to this size are of the lowest level; each level is [`RUNS_PER_LEVEL`] times larger.
const LOWEST_LEVEL_BYTES: usize = 64 * 1024;
/// A block smaller than this is merged rather than left as it is, or small ones would add up.
const BLOCK_BYTES_KEPT_MIN: usize = BLOCK_BYTES / 2;

/// Why a run could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    /// What is merged does not read.
    #[error(transparent)]
    Read(#[from] ViewFault),
    /// The new blocks could not be stored.
    #[error("writing blocks of the index failed")]
    Write(#[from] BackingError),
}

/// Writes the blocks of a new run; nothing refers to them until the run is made known.
#[derive(Debug)]
pub(super) struct RunWriter {
    builder: BlockBuilder,
    fences: Vec<Fence>,
    next_block: Arc<AtomicU64>,
}

impl RunWriter {
    /// Begins a run whose blocks take their numbers from `next_block`, which all runs share.
    pub fn new(next_block: Arc<AtomicU64>) -> Self {
        Self {
            builder: BlockBuilder::default(),
            fences: Vec::new(),
            next_block,
        }
    }

    /// Adds a row, or that a row is deleted; keys must ascend.
    pub fn add(
        &mut self,
        backing: &dyn Backing,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), BackingError> {
        if self.builder.ends_before(key) {
            self.end_block(backing)?;
        }
        self.builder.add(key, value);
        Ok(())
    }

    /// Takes over a block that is stored already.
    fn keep(&mut self, backing: &dyn Backing, fence: Fence) -> Result<(), BackingError> {
        self.end_block(backing)?;
        self.fences.push(fence);
        Ok(())
    }

    fn end_block(&mut self, backing: &dyn Backing) -> Result<(), BackingError> {
        if self.builder.is_empty() {
            return Ok(());
        }
        let built = self.builder.finish();
        let id = self.next_block.fetch_add(1, Ordering::Relaxed);
        backing.put(&block_key(id), &built.bytes)?;
        self.fences.push(Fence {
            id,
            first: built.first,
            filter: built.filter,
            bytes: built.bytes.len(),
        });
        Ok(())
    }

    /// Ends the run; it gets the number `id`.
    pub fn finish(mut self, backing: &dyn Backing, id: u64) -> Result<Run, BackingError> {
        self.end_block(backing)?;
        Ok(Run::new(id, self.fences))
    }
}

/// A merge that is under way, carried on in steps between which new runs may be made known.
#[derive(Debug)]
pub(super) struct Merge {
    inputs: Vec<Arc<Run>>,
    cursors: Vec<Cursor>,
    writer: RunWriter,
    /// Whether no older run lies below, so that deleted rows need not be kept as such.
    lowest: bool,
    key: Vec<u8>,
}

/// What a merge made.
#[derive(Debug)]
pub(super) struct Merged {
    /// The new run; its directory is not stored yet.
    pub run: Run,
    /// The runs that it replaces.
    pub inputs: Vec<Arc<Run>>,
    /// The blocks of those that it does not have.
    pub dropped: Vec<u64>,
}

impl Merge {
    /// Begins a merge of the newest runs that there are too many of, if there are.
    ///
    /// Its blocks take their numbers from `next_block`.
    pub fn wanted(set: &RunSet, next_block: Arc<AtomicU64>) -> Option<Self> {
        let count = runs_to_merge(set)?;
        let inputs: Vec<_> = set.runs.iter().take(count).cloned().collect();
        Some(Self {
            cursors: inputs.iter().cloned().map(Cursor::at_start).collect(),
            lowest: count == set.runs.len(),
            inputs,
            writer: RunWriter::new(next_block),
            key: Vec::new(),
        })
    }

    /// Merges `rows_max` rows or blocks; says whether the end was reached.
    pub fn step(&mut self, backing: &dyn Backing, rows_max: usize) -> Result<bool, RunError> {
        for _ in 0..rows_max {
            let Some((newest, key)) = foremost(&self.cursors, Order::Ascending) else {
                return Ok(true);
            };
            self.key.clear();
            self.key.extend_from_slice(key);
            if let Some(fence) = self.keeps(newest) {
                self.writer.keep(backing, fence)?;
                if let Some(cursor) = self.cursors.get_mut(newest) {
                    cursor.skip_block();
                }
                continue;
            }
            if let Some(cursor) = self.cursors.get_mut(newest) {
                let value = cursor.value(backing)?;
                if value.is_some() || !self.lowest {
                    self.writer.add(backing, &self.key, value)?;
                }
            }
            for cursor in &mut self.cursors {
                if cursor.key() == Some(&self.key) {
                    cursor.advance(backing)?;
                }
            }
        }
        Ok(false)
    }

    /// Returns the block that the cursor stands before, if no other run has keys within it.
    fn keeps(&self, newest: usize) -> Option<Fence> {
        let (fence, next) = self.cursors.get(newest)?.whole_block()?;
        let apart = self.cursors.iter().enumerate().all(|(place, cursor)| {
            place == newest
                || cursor
                    .key()
                    .is_none_or(|key| next.is_some_and(|next| next <= key))
        });
        (apart && fence.bytes >= BLOCK_BYTES_KEPT_MIN).then(|| fence.clone())
    }

    /// Ends the merge; the new run gets the number `id`.
    pub fn finish(self, backing: &dyn Backing, id: u64) -> Result<Merged, RunError> {
        let run = self.writer.finish(backing, id)?;
        let kept: HashSet<u64> = run.fences().iter().map(|fence| fence.id).collect();
        let dropped = self
            .inputs
            .iter()
            .flat_map(|input| input.fences())
            .map(|fence| fence.id)
            .filter(|id| !kept.contains(id))
            .collect();
        Ok(Merged {
            run,
            inputs: self.inputs,
            dropped,
        })
    }
}

/// Returns how many of the newest runs to merge: all of a level and below, once they are many.
fn runs_to_merge(set: &RunSet) -> Option<usize> {
    let highest = set.runs.iter().map(|run| level(run.bytes())).max()?;
    (0..=highest).find_map(|at_most| {
        let newest = set
            .runs
            .iter()
            .take_while(|run| level(run.bytes()) <= at_most);
        Some(newest.count()).filter(|count| *count >= RUNS_PER_LEVEL)
    })
}

fn level(bytes: usize) -> usize {
    let mut level = 0_usize;
    let mut bytes_max = LOWEST_LEVEL_BYTES;
    while bytes > bytes_max {
        bytes_max = bytes_max.saturating_mul(RUNS_PER_LEVEL);
        level = level.saturating_add(1);
    }
    level
}
