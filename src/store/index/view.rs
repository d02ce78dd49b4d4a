//! The rows as of one size.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;

use crate::domain::TreeHash;
use crate::ledger::{KeyRange, Layered, MemoryView, Order, View, ViewFault, Visit};

use super::Applied;
use super::generation::Generation;

/// The first part of a scan takes this many rows of the overlay, each next one twice as many:
/// a scan that ends early costs little, a long one locks seldom.
const PART_ROWS_FIRST: usize = 32;
const PART_ROWS_MAX: usize = 1024;

/// The rows as of one published size, whatever is published after it; cheap to clone.
///
/// Views are for single queries. One that is held keeps the rows that it shows in memory.
#[derive(Debug, Clone)]
pub struct IndexView {
    shown: Applied,
    filling: Arc<Generation>,
    base: MemoryView,
}

impl IndexView {
    pub(super) fn new(shown: Applied, filling: Arc<Generation>) -> Self {
        Self {
            shown,
            filling,
            base: MemoryView::new(),
        }
    }

    /// Returns the number of entries whose changes the view shows.
    pub fn size(&self) -> u64 {
        self.shown.size
    }

    /// Returns the root of the log at that size.
    pub fn root(&self) -> TreeHash {
        self.shown.root
    }
}

impl View for IndexView {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ViewFault> {
        match self.filling.get(key, self.shown.size) {
            Some(value) => Ok(value),
            None => self.base.get(key),
        }
    }

    fn scan(
        &self,
        range: KeyRange<'_>,
        order: Order,
        visit: &mut Visit<'_>,
    ) -> Result<(), ViewFault> {
        let mut from = Bytes::copy_from_slice(range.from);
        let mut to = range.to.map(Bytes::copy_from_slice);
        let mut rows_max = PART_ROWS_FIRST;
        let mut flow = ControlFlow::Continue(());
        loop {
            let rest = KeyRange {
                from: &from,
                to: to.as_deref(),
            };
            let part = self.filling.part(rest, order, self.shown.size, rows_max);
            let layered = Layered {
                base: &self.base,
                changes: &part.changes,
            };
            // Where the part ends, and the rest of the range begins or ends.
            let end = part.beyond.map(|beyond| match order {
                Order::Ascending => beyond,
                Order::Descending => successor(&beyond),
            });
            let covered = match (&end, order) {
                (None, _) => rest,
                (Some(end), Order::Ascending) => KeyRange::between(&from, end),
                (Some(end), Order::Descending) => KeyRange {
                    from: end,
                    to: to.as_deref(),
                },
            };
            layered.scan(covered, order, &mut |key, value| {
                flow = visit(key, value);
                flow
            })?;
            let Some(end) = end else { return Ok(()) };
            if flow.is_break() {
                return Ok(());
            }
            match order {
                Order::Ascending => from = end,
                Order::Descending => to = Some(end),
            }
            rows_max = rows_max.saturating_mul(2).min(PART_ROWS_MAX);
        }
    }
}

/// Returns the smallest key above `key`.
fn successor(key: &[u8]) -> Bytes {
    let mut next = key.to_vec();
    next.push(0);
    Bytes::from(next)
}
