//! A run: blocks in the order of their keys, and the directory that finds the one for a key.
//!
//! Runs never change. A new one holds what a generation of layers changed, or what several older
//! runs hold together; the rows of a newer run win over those of an older.

use std::sync::Arc;

use bytes::Bytes;

use crate::ledger::ViewFault;

use super::backing::Backing;
use super::block::{self, NotABlock, read_number, take, write_number};

/// What is known of a block without reading it.
#[derive(Debug, Clone)]
pub(super) struct Fence {
    /// The number under which the block is stored.
    pub id: u64,
    /// Its first key.
    pub first: Bytes,
    /// The filter over its keys.
    pub filter: Bytes,
    /// Its size.
    pub bytes: usize,
}

/// A run of blocks.
#[derive(Debug)]
pub(super) struct Run {
    /// The number under which its directory is stored.
    pub id: u64,
    /// In how many parts its directory is stored.
    pub parts: u32,
    fences: Vec<Fence>,
    /// The first bytes of each fence's key: a search compares these, which lie side by side.
    heads: Vec<u64>,
    bytes: usize,
}

/// The runs that make a state, newest first.
#[derive(Debug, Default)]
pub(super) struct RunSet {
    pub runs: Vec<Arc<Run>>,
}

impl Run {
    pub fn new(id: u64, fences: Vec<Fence>) -> Self {
        let heads = fences.iter().map(|fence| head(&fence.first)).collect();
        let bytes = fences
            .iter()
            .map(|fence| fence.bytes)
            .fold(0, usize::saturating_add);
        Self {
            id,
            parts: 0,
            fences,
            heads,
            bytes,
        }
    }

    /// Returns the blocks in the order of their keys.
    pub fn fences(&self) -> &[Fence] {
        &self.fences
    }

    /// Returns the bytes of all its blocks.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the number of blocks whose first key is `key` or below it.
    pub fn blocks_through(&self, key: &[u8]) -> usize {
        let wanted = head(key);
        let from = self.heads.partition_point(|head| *head < wanted);
        let to = self.heads.partition_point(|head| *head <= wanted);
        let alike = self.fences.get(from..to).unwrap_or_default();
        from.saturating_add(alike.partition_point(|fence| fence.first.as_ref() <= key))
    }

    /// Returns the block that holds `key` if any does.
    fn block_for(&self, key: &[u8]) -> Option<&Fence> {
        self.fences.get(self.blocks_through(key).checked_sub(1)?)
    }

    /// Returns the directory as it is stored; the run's number is not part of it.
    pub fn directory(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for fence in &self.fences {
            bytes.extend_from_slice(&fence.id.to_le_bytes());
            write_number(&mut bytes, fence.bytes);
            write_number(&mut bytes, fence.first.len());
            bytes.extend_from_slice(&fence.first);
            write_number(&mut bytes, fence.filter.len());
            bytes.extend_from_slice(&fence.filter);
        }
        bytes
    }

    /// Reads what [`Self::directory`] wrote.
    pub fn from_directory(id: u64, directory: &[u8]) -> Result<Self, NotABlock> {
        let mut rest = directory;
        let mut fences = Vec::new();
        while let Some((block_id, after)) = rest.split_first_chunk::<8>() {
            rest = after;
            let bytes = read_number(&mut rest)?;
            let length = read_number(&mut rest)?;
            let first = Bytes::copy_from_slice(take(&mut rest, length)?);
            let length = read_number(&mut rest)?;
            let filter = Bytes::copy_from_slice(take(&mut rest, length)?);
            fences.push(Fence {
                id: u64::from_le_bytes(*block_id),
                first,
                filter,
                bytes,
            });
        }
        if !rest.is_empty() {
            return Err(NotABlock);
        }
        Ok(Self::new(id, fences))
    }
}

impl RunSet {
    /// Returns the value under `key`, whose hash is `hash`, from the newest run that knows of it.
    pub fn get(
        &self,
        backing: &dyn Backing,
        key: &[u8],
        hash: u64,
    ) -> Result<Option<Bytes>, ViewFault> {
        for run in &self.runs {
            let Some(fence) = run.block_for(key) else {
                continue;
            };
            if !block::may_hold(&fence.filter, hash) {
                continue;
            }
            let bytes = read_block(backing, fence.id)?;
            let found = block::find(&bytes, key).map_err(|NotABlock| damaged(fence.id))?;
            if let Some(value) = found {
                return Ok(value);
            }
        }
        Ok(None)
    }
}

/// Returns the block `id`, which must be there.
pub(super) fn read_block(backing: &dyn Backing, id: u64) -> Result<Bytes, ViewFault> {
    let block = backing
        .get(&block_key(id))
        .map_err(|error| ViewFault::because(format!("reading block {id} of the index"), error))?;
    block.ok_or_else(|| ViewFault::new(format!("block {id} of the index is missing")))
}

/// Says that a block does not read.
pub(super) fn damaged(id: u64) -> ViewFault {
    ViewFault::new(format!("block {id} of the index is damaged"))
}

/// Returns the key under which a block is stored.
pub(super) fn block_key(id: u64) -> [u8; 9] {
    let [a, b, c, d, e, f, g, h] = id.to_be_bytes();
    [b'B', a, b, c, d, e, f, g, h]
}

/// Returns the first eight bytes of a key as a number that orders as they do.
fn head(key: &[u8]) -> u64 {
    let mut bytes = [0_u8; 8];
    for (to, from) in bytes.iter_mut().zip(key) {
        *to = *from;
    }
    u64::from_be_bytes(bytes)
}
