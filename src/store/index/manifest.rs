//! The manifest: which runs make the state, and up to which entry it was applied.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::TreeHash;

use super::Applied;
use super::backing::{Backing, BackingError};
use super::block::{BLOCK_BYTES, NotABlock};
use super::run::{Run, RunSet, block_key};

/// The form of everything in the tree; an index of another form is rebuilt.
const FORMAT: u32 = 1;
/// The key of the manifest.
const MANIFEST_KEY: &[u8] = b"M";

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    size: u64,
    root: TreeHash,
    /// The next run's number.
    next_run: u64,
    /// Newest first: a run's number, and in how many parts its directory is stored.
    runs: Vec<(u64, u32)>,
}

/// What a tree holds.
#[derive(Debug)]
pub(super) struct Contents {
    pub applied: Applied,
    pub runs: Arc<RunSet>,
    pub next_run: u64,
    pub next_block: u64,
}

impl Default for Contents {
    fn default() -> Self {
        Self {
            applied: Applied::nothing(),
            runs: Arc::default(),
            next_run: 0,
            next_block: 0,
        }
    }
}

/// Why a tree's contents cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ContentsError {
    #[error(transparent)]
    Backing(#[from] BackingError),
    #[error("its manifest does not read")]
    Manifest(#[source] postcard::Error),
    #[error("its form is {0}, this program knows {FORMAT}")]
    Form(u32),
    #[error("the directory of run {0} is missing or damaged")]
    Directory(u64),
    #[error("block {0} is missing")]
    Block(u64),
}

impl Contents {
    /// Reads the manifest and the directories, and removes blocks that no run has.
    pub fn read(backing: &dyn Backing) -> Result<Self, ContentsError> {
        let mut contents = Self::default();
        if let Some(bytes) = backing.get(MANIFEST_KEY)? {
            let manifest: Manifest =
                postcard::from_bytes(&bytes).map_err(ContentsError::Manifest)?;
            if manifest.format != FORMAT {
                return Err(ContentsError::Form(manifest.format));
            }
            let mut runs = Vec::with_capacity(manifest.runs.len());
            for (id, parts) in manifest.runs {
                runs.push(Arc::new(read_directory(backing, id, parts)?));
            }
            contents.runs = Arc::new(RunSet { runs });
            contents.next_run = manifest.next_run;
            contents.applied = Applied {
                size: manifest.size,
                root: manifest.root,
            };
        }
        contents.next_block = remove_strays(backing, &contents.runs)?;
        Ok(contents)
    }
}

/// Makes `runs` the state of `applied`: the commit point of the index.
///
/// Blocks and directories of the runs have left the process before the manifest names them; a
/// crash right before it leaves strays, right after it what is no longer needed.
pub(super) fn commit(
    backing: &dyn Backing,
    applied: Applied,
    runs: &RunSet,
    next_run: u64,
) -> Result<(), BackingError> {
    let manifest = Manifest {
        format: FORMAT,
        size: applied.size,
        root: applied.root,
        next_run,
        runs: runs.runs.iter().map(|run| (run.id, run.parts)).collect(),
    };
    backing.flush()?;
    // Writing plain structs to memory has no way to fail; an empty manifest would not read.
    let bytes = postcard::to_allocvec(&manifest).unwrap_or_default();
    backing.put(MANIFEST_KEY, &bytes)
}

/// Stores the directory of a run, and returns the run with the number of its parts.
pub(super) fn write_directory(backing: &dyn Backing, mut run: Run) -> Result<Run, BackingError> {
    run.parts = 0;
    for part in run.directory().chunks(BLOCK_BYTES) {
        backing.put(&directory_key(run.id, run.parts), part)?;
        run.parts = run.parts.saturating_add(1);
    }
    Ok(run)
}

/// Removes the directory of a run that no manifest names any more.
pub(super) fn remove_directory(backing: &dyn Backing, run: &Run) -> Result<(), BackingError> {
    (0..run.parts).try_for_each(|part| backing.remove(&directory_key(run.id, part)))
}

fn read_directory(backing: &dyn Backing, id: u64, parts: u32) -> Result<Run, ContentsError> {
    let mut directory = Vec::new();
    for part in 0..parts {
        let bytes = backing.get(&directory_key(id, part))?;
        directory.extend_from_slice(&bytes.ok_or(ContentsError::Directory(id))?);
    }
    let mut run =
        Run::from_directory(id, &directory).map_err(|NotABlock| ContentsError::Directory(id))?;
    run.parts = parts;
    Ok(run)
}

fn directory_key(run: u64, part: u32) -> Vec<u8> {
    [&b"D"[..], &run.to_be_bytes(), &part.to_be_bytes()].concat()
}

/// Removes blocks and directories that no run has, as a crash leaves them; returns the next
/// block's number.
///
/// Of the blocks only the gaps between those of runs are looked at, which are few.
fn remove_strays(backing: &dyn Backing, runs: &RunSet) -> Result<u64, ContentsError> {
    let run_ids: BTreeSet<u64> = runs.runs.iter().map(|run| run.id).collect();
    let mut from = directory_key(0, 0);
    while let Some(key) = backing.key_from(&from)? {
        let Some(id) = directory_of(&key) else { break };
        if run_ids.contains(&id) {
            from = directory_key(id, u32::MAX);
        } else {
            backing.remove(&key)?;
        }
    }
    let ids: BTreeSet<u64> = runs
        .runs
        .iter()
        .flat_map(|run| run.fences())
        .map(|fence| fence.id)
        .collect();
    let mut next = 0;
    for id in ids {
        if next < id {
            remove_between(backing, next, Some(id))?;
        }
        next = id.saturating_add(1);
    }
    remove_between(backing, next, None)?;
    Ok(next)
}

/// Removes the blocks numbered from `from` on, up to and without `to`, which must be there.
fn remove_between(backing: &dyn Backing, from: u64, to: Option<u64>) -> Result<(), ContentsError> {
    loop {
        let found = backing.key_from(&block_key(from))?;
        let id = found.as_deref().and_then(block_of);
        match (id, to) {
            (Some(id), to) if to.is_none_or(|to| id < to) => backing.remove(&block_key(id))?,
            (found, Some(to)) if found != Some(to) => return Err(ContentsError::Block(to)),
            _ => return Ok(()),
        }
    }
}

/// Returns the number of the block that is stored under `key`, if one is.
fn block_of(key: &[u8]) -> Option<u64> {
    let id = key.strip_prefix(b"B")?.first_chunk::<8>()?;
    Some(u64::from_be_bytes(*id))
}

/// Returns the number of the run of which a part of the directory is stored under `key`.
fn directory_of(key: &[u8]) -> Option<u64> {
    let id = key.strip_prefix(b"D")?.first_chunk::<8>()?;
    Some(u64::from_be_bytes(*id))
}
