//! The rows as of one size: two generations of the overlay over the runs.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;

use crate::domain::TreeHash;
use crate::ledger::{Changes, KeyRange, Layered, Order, View, ViewFault, Visit};

use super::Applied;
use super::block;
use super::fault::with_causes;
use super::generation::Generation;
use super::run::RunSet;
use super::shared::Shared;

/// The first part of a scan takes this many rows of the overlay, each next one twice as many:
/// a scan that ends early costs little, a long one locks seldom.
const PART_ROWS_FIRST: usize = 32;
const PART_ROWS_MAX: usize = 1024;

/// The rows as of one published size, whatever is published after it; cheap to clone.
///
/// One that is held keeps the overlay that it shows in memory, and on disk the blocks.
#[derive(Debug, Clone)]
pub struct IndexView {
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    shown: Applied,
    filling: Arc<Generation>,
    frozen: Option<Arc<Generation>>,
    runs: Arc<RunSet>,
    shared: Arc<Shared>,
}

/// What lies below the overlay.
struct Stored<'a>(&'a Held);

impl IndexView {
    pub(super) fn of(shared: &Arc<Shared>) -> Self {
        let state = shared.read();
        Self {
            held: Arc::new(Held {
                shown: state.shown,
                filling: Arc::clone(&state.filling),
                frozen: state.frozen.clone(),
                runs: Arc::clone(&state.runs),
                shared: Arc::clone(shared),
            }),
        }
    }

    /// Returns the number of entries whose changes the view shows.
    pub fn size(&self) -> u64 {
        self.held.shown.size
    }

    /// Returns the root of the log at that size.
    pub fn root(&self) -> TreeHash {
        self.held.shown.root
    }
}

impl View for IndexView {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ViewFault> {
        let held = self.held.as_ref();
        let (size, hash) = (held.shown.size, block::hash(key));
        if let Some(value) = held.filling.get(key, hash, size) {
            return Ok(value);
        }
        if let Some(value) = held
            .frozen
            .as_ref()
            .and_then(|frozen| frozen.get(key, hash, size))
        {
            return Ok(value);
        }
        Stored(held).find(key, hash)
    }

    fn scan(
        &self,
        range: KeyRange<'_>,
        order: Order,
        visit: &mut Visit<'_>,
    ) -> Result<(), ViewFault> {
        let held = self.held.as_ref();
        let mut rest = Rest {
            from: Bytes::copy_from_slice(range.from),
            to: range.to.map(Bytes::copy_from_slice),
            order,
        };
        let mut rows_max = PART_ROWS_FIRST;
        let mut flow = ControlFlow::Continue(());
        loop {
            let (part, covered) = rest.next_part(held, rows_max);
            let stored = Stored(held);
            let below = Layered {
                base: &stored,
                changes: &part.frozen,
            };
            let layered = Layered {
                base: &below,
                changes: &part.filling,
            };
            layered.scan(covered.range(), order, &mut |key, value| {
                flow = visit(key, value);
                flow
            })?;
            if flow.is_break() || part.is_last {
                return Ok(());
            }
            rows_max = rows_max.saturating_mul(2).min(PART_ROWS_MAX);
        }
    }
}

impl Stored<'_> {
    /// Returns the value under `key`, whose hash is `hash`.
    fn find(&self, key: &[u8], hash: u64) -> Result<Option<Bytes>, ViewFault> {
        let shared = &self.0.shared;
        let value = self.0.runs.get(shared.backing.as_ref(), key, hash);
        value.inspect_err(|fault| shared.fail(&with_causes(fault)))
    }
}

impl View for Stored<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ViewFault> {
        self.find(key, block::hash(key))
    }

    fn scan(
        &self,
        range: KeyRange<'_>,
        order: Order,
        visit: &mut Visit<'_>,
    ) -> Result<(), ViewFault> {
        let shared = &self.0.shared;
        let scanned = self
            .0
            .runs
            .scan(shared.backing.as_ref(), range, order, visit);
        scanned.inspect_err(|fault| shared.fail(&with_causes(fault)))
    }
}

/// What of a range has not been scanned yet.
struct Rest {
    from: Bytes,
    to: Option<Bytes>,
    order: Order,
}

/// What the overlay has in a part of a range, or beyond it.
struct OverlayPart {
    frozen: Changes,
    filling: Changes,
    is_last: bool,
}

impl Rest {
    fn range(&self) -> KeyRange<'_> {
        KeyRange {
            from: &self.from,
            to: self.to.as_deref(),
        }
    }

    /// Takes off the part in which each generation has at most `rows_max` rows.
    fn next_part(&mut self, held: &Held, rows_max: usize) -> (OverlayPart, Self) {
        let size = held.shown.size;
        let part = |generation: &Generation| {
            let part = generation.part(self.range(), self.order, size, rows_max);
            (part.changes, part.beyond)
        };
        let (filling, beyond_filling) = part(&held.filling);
        let (frozen, beyond_frozen) = held.frozen.as_deref().map(part).unwrap_or_default();
        let beyond = match self.order {
            Order::Ascending => beyond_filling.into_iter().chain(beyond_frozen).min(),
            Order::Descending => beyond_filling.into_iter().chain(beyond_frozen).max(),
        };
        let is_last = beyond.is_none();
        let mut covered = Self {
            from: self.from.clone(),
            to: self.to.clone(),
            order: self.order,
        };
        match (beyond, self.order) {
            (None, _) => (),
            (Some(key), Order::Ascending) => {
                self.from = key.clone();
                covered.to = Some(key);
            }
            (Some(key), Order::Descending) => {
                let above = successor(&key);
                self.to = Some(above.clone());
                covered.from = above;
            }
        }
        let part = OverlayPart {
            frozen,
            filling,
            is_last,
        };
        (part, covered)
    }
}

/// Returns the smallest key above `key`.
fn successor(key: &[u8]) -> Bytes {
    let mut next = key.to_vec();
    next.push(0);
    Bytes::from(next)
}
