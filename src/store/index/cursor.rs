//! Going through runs in the order of their keys.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use bytes::Bytes;

use crate::ledger::{KeyRange, Order, ViewFault, Visit};

use super::backing::Backing;
use super::block::{BlockReader, NotABlock};
use super::run::{Fence, Run, RunSet, damaged, read_block};

/// A block that was read, and where its rows lie in it.
#[derive(Debug)]
struct OpenBlock {
    bytes: Bytes,
    /// All keys, one after the other.
    keys: Vec<u8>,
    rows: Vec<OpenRow>,
}

#[derive(Debug)]
struct OpenRow {
    key: Range<usize>,
    value: Option<Range<usize>>,
}

impl OpenBlock {
    fn read(backing: &dyn Backing, id: u64) -> Result<Self, ViewFault> {
        let bytes = read_block(backing, id)?;
        let mut keys = Vec::with_capacity(bytes.len());
        let mut rows = Vec::new();
        let mut reader = BlockReader::new(&bytes);
        while let Some((key, value)) = reader.next().map_err(|NotABlock| damaged(id))? {
            let from = keys.len();
            keys.extend_from_slice(key);
            rows.push(OpenRow {
                key: from..keys.len(),
                value,
            });
        }
        Ok(Self { bytes, keys, rows })
    }

    fn key(&self, row: usize) -> Option<&[u8]> {
        self.keys.get(self.rows.get(row)?.key.clone())
    }

    fn value(&self, row: usize) -> Option<&[u8]> {
        self.bytes.get(self.rows.get(row)?.value.clone()?)
    }
}

/// A place in a run: before a block that is not read yet, or at a row of one that is.
#[derive(Debug)]
pub(super) struct Cursor {
    run: Arc<Run>,
    order: Order,
    /// The block that it is at.
    block: usize,
    open: Option<OpenBlock>,
    /// The row of the open block that it is at.
    row: usize,
    /// Whether it has gone past its run.
    ended: bool,
}

impl Cursor {
    /// Stands before the first row of a run, and reads nothing yet.
    pub fn at_start(run: Arc<Run>) -> Self {
        Self {
            ended: run.fences().is_empty(),
            run,
            order: Order::Ascending,
            block: 0,
            open: None,
            row: 0,
        }
    }

    /// Stands at the first row of a range, or past the run where the run has none that could be.
    fn at(
        backing: &dyn Backing,
        run: Arc<Run>,
        range: KeyRange<'_>,
        order: Order,
    ) -> Result<Self, ViewFault> {
        let mut cursor = Self::at_start(run);
        cursor.order = order;
        match order {
            Order::Ascending => {
                let through = cursor.run.blocks_through(range.from);
                if let Some(block) = through.checked_sub(1) {
                    cursor.block = block;
                    cursor.open(backing)?;
                    while cursor.key().is_some_and(|key| key < range.from) {
                        cursor.advance(backing)?;
                    }
                }
            }
            Order::Descending => {
                let through = match range.to {
                    None => cursor.run.fences().len(),
                    Some(to) => cursor.run.blocks_through(to),
                };
                match through.checked_sub(1) {
                    None => cursor.ended = true,
                    Some(block) => {
                        cursor.block = block;
                        cursor.open(backing)?;
                        let past = |key: &[u8]| range.to.is_some_and(|to| key >= to);
                        while cursor.key().is_some_and(past) {
                            cursor.advance(backing)?;
                        }
                    }
                }
            }
        }
        Ok(cursor)
    }

    /// Returns the key that it stands at; none past the run.
    pub fn key(&self) -> Option<&[u8]> {
        if self.ended {
            return None;
        }
        match &self.open {
            Some(open) => open.key(self.row),
            None => Some(&self.run.fences().get(self.block)?.first),
        }
    }

    /// Returns the value that it stands at; none where the row is deleted.
    pub fn value(&mut self, backing: &dyn Backing) -> Result<Option<&[u8]>, ViewFault> {
        if self.open.is_none() {
            self.open(backing)?;
        }
        Ok(self.open.as_ref().and_then(|open| open.value(self.row)))
    }

    /// Returns the block that it stands before, as long as none of its rows was looked at, and
    /// the first key of the block after it.
    pub fn whole_block(&self) -> Option<(&Fence, Option<&[u8]>)> {
        if self.ended || self.open.is_some() {
            return None;
        }
        let fences = self.run.fences();
        let next = fences.get(self.block.checked_add(1)?);
        Some((
            fences.get(self.block)?,
            next.map(|next| next.first.as_ref()),
        ))
    }

    /// Goes past the block that it stands before.
    pub fn skip_block(&mut self) {
        self.open = None;
        self.row = 0;
        self.block = self.block.saturating_add(1);
        self.ended = self.block >= self.run.fences().len();
    }

    /// Goes to the next row.
    pub fn advance(&mut self, backing: &dyn Backing) -> Result<(), ViewFault> {
        if self.open.is_none() {
            self.open(backing)?;
        }
        let rows = self.open.as_ref().map_or(0, |open| open.rows.len());
        match self.order {
            Order::Ascending => {
                self.row = self.row.saturating_add(1);
                if self.row >= rows {
                    self.skip_block();
                }
            }
            Order::Descending => match (self.row.checked_sub(1), self.block.checked_sub(1)) {
                (Some(row), _) => self.row = row,
                (None, None) => self.ended = true,
                (None, Some(block)) => {
                    self.block = block;
                    self.open(backing)?;
                }
            },
        }
        Ok(())
    }

    /// Reads the block and stands at its first row in the cursor's order.
    fn open(&mut self, backing: &dyn Backing) -> Result<(), ViewFault> {
        let Some(fence) = self.run.fences().get(self.block) else {
            self.ended = true;
            return Ok(());
        };
        let open = OpenBlock::read(backing, fence.id)?;
        let Some(last) = open.rows.len().checked_sub(1) else {
            return Err(damaged(fence.id));
        };
        self.row = match self.order {
            Order::Ascending => 0,
            Order::Descending => last,
        };
        self.open = Some(open);
        Ok(())
    }
}

/// Returns the cursor whose key comes first; of several at one key, the first, and so the newest.
pub(super) fn foremost(cursors: &[Cursor], order: Order) -> Option<(usize, &[u8])> {
    let mut best: Option<(usize, &[u8])> = None;
    for (place, cursor) in cursors.iter().enumerate() {
        let Some(key) = cursor.key() else { continue };
        let comes_first = best.is_none_or(|(_, best)| match order {
            Order::Ascending => key < best,
            Order::Descending => key > best,
        });
        if comes_first {
            best = Some((place, key));
        }
    }
    best
}

impl RunSet {
    /// Hands the rows of a range to `visit`, in `order`, until it breaks.
    pub fn scan(
        &self,
        backing: &dyn Backing,
        range: KeyRange<'_>,
        order: Order,
        visit: &mut Visit<'_>,
    ) -> Result<(), ViewFault> {
        if range.is_empty() {
            return Ok(());
        }
        let mut cursors = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            let cursor = Cursor::at(backing, Arc::clone(run), range, order)?;
            if cursor.key().is_some_and(|key| range.contains(key)) {
                cursors.push(cursor);
            }
        }
        let mut key = Vec::with_capacity(64);
        while let Some((newest, found)) = foremost(&cursors, order) {
            if !range.contains(found) {
                break;
            }
            key.clear();
            key.extend_from_slice(found);
            if let Some(cursor) = cursors.get_mut(newest)
                && let Some(value) = cursor.value(backing)?
                && let ControlFlow::Break(()) = visit(&key, value)
            {
                break;
            }
            for cursor in &mut cursors {
                if cursor.key() == Some(&key) {
                    cursor.advance(backing)?;
                }
            }
        }
        Ok(())
    }
}
