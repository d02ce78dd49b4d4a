//! Which checkpoints are published: at most one a second, by a rule that the log itself answers.
//!
//! Every batch ends with a checkpoint, hundreds a second under load. Published is the founding's,
//! and of each second in which entries were recorded the last one, once that second is over. So
//! nothing has to be written down to know it: a restarted server, a copy of the log and an auditor
//! find the same history, and the newest entry is covered within a second.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::{Entry, UnixMillis};
use crate::engine::Engine;

use super::fault::WebFault;

/// A checkpoint that is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedCheckpoint {
    /// The number of entries that it covers.
    pub size: u64,
    /// The signed note.
    pub note: Arc<str>,
}

/// Finds the published checkpoints of a running ledger.
#[derive(Clone)]
pub struct Schedule {
    engine: Engine,
    /// The newest one as of the second in which it was looked for.
    newest: Arc<Mutex<Option<(u64, PublishedCheckpoint)>>>,
}

/// Returns the second of a time.
fn second(time: UnixMillis) -> u64 {
    time.0 / 1_000
}

impl Schedule {
    /// Returns the schedule of an engine's log.
    pub fn new(engine: Engine) -> Self {
        Self {
            engine,
            newest: Arc::default(),
        }
    }

    fn now(&self) -> u64 {
        second(self.engine.clock().now())
    }

    /// Returns the newest published checkpoint if it can be said without reading the log.
    pub fn at_hand(&self) -> Option<PublishedCheckpoint> {
        let (state, now) = (self.engine.published(), self.now());
        // The founding's checkpoint is all there is, or the last second with entries is over.
        if state.size == 1 || second(state.recorded_at) < now {
            return Some(PublishedCheckpoint {
                size: state.size,
                note: Arc::clone(&state.checkpoint),
            });
        }
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let known = newest.as_ref().filter(|(as_of, _)| *as_of == now);
        known.map(|(_, checkpoint)| checkpoint.clone())
    }

    /// Returns the newest published checkpoint.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn newest(&self) -> Result<PublishedCheckpoint, WebFault> {
        if let Some(known) = self.at_hand() {
            return Ok(known);
        }
        let now = self.now();
        let found = self.last_before(now)?;
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = Some((now, found.clone()));
        Ok(found)
    }

    /// Returns the published checkpoint of a size; none where there is none.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn at(&self, size: u64) -> Result<Option<PublishedCheckpoint>, WebFault> {
        if size == 0 || size > self.engine.log().size() {
            return Ok(None);
        }
        let before = self.list(size.saturating_sub(1), 1)?;
        Ok(before.into_iter().find(|found| found.size == size))
    }

    /// Returns the published checkpoints with a size above `after`, ascending, at most `limit`.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn list(&self, after: u64, limit: usize) -> Result<Vec<PublishedCheckpoint>, WebFault> {
        let log = self.engine.log();
        let (size, now) = (log.size(), self.now());
        let mut found: Vec<PublishedCheckpoint> = Vec::new();
        let mut after = after;
        while found.len() < limit && after < size {
            let next = if after == 0 {
                log.checkpoints(0, size, 1)?
            } else {
                let ends = log.checkpoints(after, size, 1)?;
                let Some((end, _)) = ends.first() else { break };
                let of = self.second_of(end.saturating_sub(1))?;
                if of >= now {
                    break;
                }
                let last = self.last_before(of.saturating_add(1))?;
                vec![(last.size, last.note.to_string())]
            };
            let Some((size, note)) = next.into_iter().next() else {
                break;
            };
            after = size;
            let note = note.into();
            found.push(PublishedCheckpoint { size, note });
        }
        Ok(found)
    }

    /// Returns the second in which an entry was recorded.
    fn second_of(&self, index: u64) -> Result<u64, WebFault> {
        let leaf = self.engine.log().leaf(index)?;
        let entry = Entry::from_leaf(&leaf);
        let entry = entry.map_err(|source| WebFault::NotAnEntry { index, source })?;
        Ok(second(entry.recorded_at))
    }

    /// Returns the checkpoint of the last batch whose last entry was recorded before a second; the
    /// founding's where there is none.
    fn last_before(&self, limit: u64) -> Result<PublishedCheckpoint, WebFault> {
        let log = self.engine.log();
        // Recorded times never go backwards: the entries before the limit are the first ones.
        let (mut low, mut high) = (0, log.size());
        while low < high {
            let middle = low.midpoint(high);
            if self.second_of(middle)? < limit {
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        // The batch of the last of them may go on into the next second.
        for size in (1..=low).rev() {
            if let Some(note) = log.checkpoint(size)? {
                let note = note.into();
                return Ok(PublishedCheckpoint { size, note });
            }
        }
        let first = log.checkpoints(0, log.size(), 1)?.into_iter().next();
        let (size, note) = first.ok_or(WebFault::NotFounded)?;
        let note = note.into();
        Ok(PublishedCheckpoint { size, note })
    }
}
