//! Which checkpoints are published: at most one a second, by a rule that the log itself answers.
//!
//! Every batch ends with a checkpoint, hundreds a second under load. Published is the founding's,
//! and of each second in which entries were recorded the last one, once that second is over. So
//! nothing has to be written down to know it: a restarted server, a copy of the log and an auditor
//! find the same history, and the newest entry is covered within a second.
//!
//! Where a quorum of witnesses is required, only those are published that the log has cosignatures
//! of, from the first such one on. Cosignatures stand in the note wherever the log has some.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

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
    /// The newest one as of the second in which it was looked for, without cosignatures.
    newest: Arc<Mutex<Option<(u64, PublishedCheckpoint)>>>,
    /// Whether only checkpoints with cosignatures are published.
    quorum: bool,
    /// The newest one with cosignatures, once it was looked for.
    cosigned: Arc<RwLock<Option<PublishedCheckpoint>>>,
}

/// Returns the second of a time.
fn second(time: UnixMillis) -> u64 {
    time.0 / 1_000
}

impl Schedule {
    /// Returns the schedule of an engine's log; with `quorum`, of those checkpoints only that
    /// witnesses have cosigned.
    pub fn new(engine: Engine, quorum: bool) -> Self {
        let schedule = Self {
            engine,
            newest: Arc::default(),
            quorum,
            cosigned: Arc::default(),
        };
        if let Some((_, last)) = schedule.engine.log().cosigned()
            && let Err(error) = schedule.learn(last)
        {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, last, "the last cosignatures cannot be read");
        }
        schedule
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    fn now(&self) -> u64 {
        second(self.engine.clock().now())
    }

    /// Returns the newest published checkpoint if it can be said without reading the log.
    pub fn at_hand(&self) -> Option<PublishedCheckpoint> {
        let cosigned = self.cosigned.read().unwrap_or_else(PoisonError::into_inner);
        if self.quorum {
            return cosigned.clone();
        }
        let due = self.due_at_hand()?;
        let its = cosigned.as_ref().filter(|its| its.size == due.size);
        Some(its.cloned().unwrap_or(due))
    }

    /// Returns the newest published checkpoint; none before the first one has its quorum.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn newest(&self) -> Result<Option<PublishedCheckpoint>, WebFault> {
        if let Some(known) = self.at_hand() {
            return Ok(Some(known));
        }
        if self.quorum {
            let last = self.engine.log().cosigned();
            return match last {
                Some((_, last)) => self.learn(last),
                None => Ok(None),
            };
        }
        let due = self.due()?;
        Ok(self.learn(due.size)?.or(Some(due)))
    }

    /// Notes that the log has cosignatures of a checkpoint, and returns it with them; none where
    /// it has none.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn learn(&self, size: u64) -> Result<Option<PublishedCheckpoint>, WebFault> {
        let log = self.engine.log();
        let (Some(note), Some(lines)) = (log.checkpoint(size)?, log.cosignatures(size)?) else {
            return Ok(None);
        };
        let note = format!("{note}{lines}").into();
        let found = PublishedCheckpoint { size, note };
        let mut newest = self
            .cosigned
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if newest.as_ref().is_none_or(|newest| newest.size < size) {
            *newest = Some(found.clone());
        }
        Ok(Some(found))
    }

    fn due_at_hand(&self) -> Option<PublishedCheckpoint> {
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

    /// Returns the newest checkpoint that is to be published, without cosignatures.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn due(&self) -> Result<PublishedCheckpoint, WebFault> {
        if let Some(known) = self.due_at_hand() {
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
        let next = self.due_after(size.saturating_sub(1))?;
        match next.filter(|next| next.size == size) {
            Some(next) => self.published(next),
            None => Ok(None),
        }
    }

    /// Returns the published checkpoints with a size above `after`, ascending, at most `limit`.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn list(&self, after: u64, limit: usize) -> Result<Vec<PublishedCheckpoint>, WebFault> {
        let mut found: Vec<PublishedCheckpoint> = Vec::new();
        let mut after = after;
        while found.len() < limit
            && let Some(next) = self.due_after(after)?
        {
            after = next.size;
            found.extend(self.published(next)?);
        }
        Ok(found)
    }

    /// Returns a checkpoint that was to be published, with its cosignatures; none where it lacks
    /// those that it needs.
    fn published(&self, due: PublishedCheckpoint) -> Result<Option<PublishedCheckpoint>, WebFault> {
        let log = self.engine.log();
        match log.cosignatures(due.size)? {
            Some(lines) => Ok(Some(PublishedCheckpoint {
                note: format!("{}{lines}", due.note).into(),
                ..due
            })),
            None => {
                let first = log.cosigned().map(|(first, _)| first);
                let before = first.is_some_and(|first| due.size < first);
                Ok((before || !self.quorum).then_some(due))
            }
        }
    }

    /// Returns the first checkpoint above a size that was to be published.
    fn due_after(&self, after: u64) -> Result<Option<PublishedCheckpoint>, WebFault> {
        let log = self.engine.log();
        let size = log.size();
        if after >= size {
            return Ok(None);
        }
        let mut ends = log.checkpoints(after, size, 1)?.into_iter();
        let Some((end, note)) = ends.next() else {
            return Ok(None);
        };
        if after == 0 {
            let note = note.into();
            return Ok(Some(PublishedCheckpoint { size: end, note }));
        }
        let of = self.second_of(end.saturating_sub(1))?;
        if of >= self.now() {
            return Ok(None);
        }
        self.last_before(of.saturating_add(1)).map(Some)
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
