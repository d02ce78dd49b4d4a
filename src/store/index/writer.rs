//! The thread that stores published layers as runs, merges runs and removes what is not needed.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::fault::with_causes;
use super::generation::Generation;
use super::manifest::{Contents, commit, remove_directory, write_directory};
use super::merge::{Merge, RunError, RunWriter};
use super::run::{Run, RunSet, block_key};
use super::shared::{Shared, Wanted};
use super::{Applied, IndexOptions};

/// Rows that are merged before the writer looks whether there is something to store.
const MERGE_ROWS_STEP: usize = 4096;
/// Blocks that are removed before the writer looks whether there is something to store.
const REMOVED_BLOCKS_STEP: usize = 64;
/// How long the writer waits before it looks whether views still hold what is to be removed.
const REMOVE_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How long the writer waits at most before it looks around.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// Blocks that only held views need.
#[derive(Debug)]
struct Garbage {
    /// The last runs that had them; views hold these or earlier ones.
    last_runs: Weak<RunSet>,
    blocks: Vec<u64>,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    options: IndexOptions,
    next_run: u64,
    next_block: Arc<AtomicU64>,
    merge: Option<Merge>,
    /// Oldest first; one for each set of runs that was replaced.
    garbage: VecDeque<Garbage>,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, contents: Contents, options: IndexOptions) -> Self {
        Self {
            shared,
            options,
            next_run: contents.next_run,
            next_block: Arc::new(AtomicU64::new(contents.next_block)),
            merge: None,
            garbage: VecDeque::new(),
        }
    }

    /// Works until it is told to stop, or fails; a failure ends the index.
    pub fn run(&mut self) {
        let ended = catch_unwind(AssertUnwindSafe(|| self.work()));
        match ended {
            Ok(Ok(())) => (),
            Ok(Err(error)) => self.shared.fail(&with_causes(&error)),
            Err(_) => self.shared.fail("its thread panicked"),
        }
    }

    fn work(&mut self) -> Result<(), RunError> {
        loop {
            let at_most = if self.merge.is_some() || self.garbage_is_free() {
                Duration::ZERO
            } else if self.garbage.is_empty() {
                IDLE_MAX
            } else {
                REMOVE_AGAIN_AFTER
            };
            let options = self.options;
            match self
                .shared
                .wanted(options.store_entries, options.store_after, at_most)
            {
                Wanted::Stop => return Ok(()),
                Wanted::Store => self.store()?,
                Wanted::Nothing => {
                    self.remove_garbage()?;
                    self.merge_on()?;
                }
            }
        }
    }

    /// Stores the layers that wait as a new run.
    fn store(&mut self) -> Result<(), RunError> {
        let Some((frozen, applied)) = self.shared.freeze() else {
            return Ok(());
        };
        let runs = Arc::clone(&self.shared.read().runs);
        let mut after = Vec::with_capacity(runs.runs.len().saturating_add(1));
        after.extend(self.run_of(&frozen, runs.runs.is_empty())?);
        after.extend(runs.runs.iter().cloned());
        drop(runs);
        self.replace(RunSet { runs: after }, applied, Vec::new())?;
        self.begin_merge();
        Ok(())
    }

    /// Writes the newest rows of a generation; none where no row is left.
    fn run_of(
        &mut self,
        generation: &Generation,
        lowest: bool,
    ) -> Result<Option<Arc<Run>>, RunError> {
        let backing = Arc::clone(&self.shared.backing);
        let mut writer = RunWriter::new(Arc::clone(&self.next_block));
        generation.each_newest(|key, value| {
            // A row that goes away where nothing lies below was never there.
            if value.is_none() && lowest {
                return Ok(());
            }
            writer.add(backing.as_ref(), key, value)
        })?;
        let run = writer.finish(backing.as_ref(), self.run_number())?;
        self.written(run)
    }

    fn written(&self, run: Run) -> Result<Option<Arc<Run>>, RunError> {
        if run.fences().is_empty() {
            return Ok(None);
        }
        let run = write_directory(self.shared.backing.as_ref(), run)?;
        Ok(Some(Arc::new(run)))
    }

    fn run_number(&mut self) -> u64 {
        let number = self.next_run;
        self.next_run = number.saturating_add(1);
        number
    }

    /// Makes `runs` the stored state, and shows them; `dropped` are blocks that they do not have.
    fn replace(
        &mut self,
        runs: RunSet,
        applied: Applied,
        dropped: Vec<u64>,
    ) -> Result<(), RunError> {
        commit(self.shared.backing.as_ref(), applied, &runs, self.next_run)?;
        let before = self.shared.show_runs(Arc::new(runs), applied);
        self.garbage.push_back(Garbage {
            last_runs: Arc::downgrade(&before),
            blocks: dropped,
        });
        Ok(())
    }

    fn begin_merge(&mut self) {
        if self.merge.is_none() {
            let runs = Arc::clone(&self.shared.read().runs);
            self.merge = Merge::wanted(&runs, Arc::clone(&self.next_block));
        }
    }

    /// Carries the merge on; at its end the new run takes the place of those that were merged.
    fn merge_on(&mut self) -> Result<(), RunError> {
        let backing = Arc::clone(&self.shared.backing);
        let Some(merge) = self.merge.as_mut() else {
            return Ok(());
        };
        if !merge.step(backing.as_ref(), MERGE_ROWS_STEP)? {
            return Ok(());
        }
        let Some(merge) = self.merge.take() else {
            return Ok(());
        };
        let number = self.run_number();
        let merged = merge.finish(backing.as_ref(), number)?;
        let run = self.written(merged.run)?;
        let (runs, stored) = {
            let state = self.shared.read();
            (Arc::clone(&state.runs), state.stored)
        };
        // Runs that were stored meanwhile are newer than all that were merged.
        let is_merged = |run: &Arc<Run>| merged.inputs.iter().any(|other| other.id == run.id);
        let newer = runs.runs.iter().take_while(|run| !is_merged(run)).cloned();
        let older = runs.runs.iter().skip_while(|run| !is_merged(run));
        let older = older.skip_while(|run| is_merged(run)).cloned();
        let after = newer.chain(run).chain(older).collect();
        drop(runs);
        self.replace(RunSet { runs: after }, stored, merged.dropped)?;
        for run in &merged.inputs {
            remove_directory(backing.as_ref(), run)?;
        }
        self.begin_merge();
        Ok(())
    }

    /// Says whether no view holds the oldest garbage.
    fn garbage_is_free(&self) -> bool {
        let oldest = self.garbage.front();
        oldest.is_some_and(|garbage| garbage.last_runs.strong_count() == 0)
    }

    /// Removes some of the blocks that no view holds.
    fn remove_garbage(&mut self) -> Result<(), RunError> {
        while self.garbage_is_free() {
            let Some(garbage) = self.garbage.front_mut() else {
                return Ok(());
            };
            for _ in 0..REMOVED_BLOCKS_STEP {
                match garbage.blocks.pop() {
                    Some(id) => self.shared.backing.remove(&block_key(id))?,
                    None => break,
                }
            }
            if !garbage.blocks.is_empty() {
                return Ok(());
            }
            self.garbage.pop_front();
        }
        Ok(())
    }
}
