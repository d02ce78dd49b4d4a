//! Makes proofs for any size of a tree whose complete subtrees can be read.
//!
//! In a tree of some size only the last node of a level can be ragged, that is, lack leaves on
//! its right. A [`Prover`] computes these once, and every proof is then a walk along siblings.

use crate::domain::TreeHash;

use super::frontier::Frontier;
use super::hashing::{empty_root, node_hash};

/// Gives the hashes of complete subtrees.
pub trait Nodes {
    /// Why a node cannot be had.
    type Error;

    /// Returns the root hash of complete subtree number `index` among those of 2^`level` leaves.
    ///
    /// # Errors
    /// The subtree is not complete, or it cannot be read.
    fn node(&self, level: u32, index: u64) -> Result<TreeHash, Self::Error>;
}

/// Why a proof cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// There is no such leaf at this size.
    #[error("entry {index} is not in a tree of {size} entries; ask with a larger size")]
    IndexBeyondTree {
        /// The index asked for, from 0.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The older size is the larger one.
    #[error("the old size {old} is larger than the new size {new}; exchange them")]
    SizesReversed {
        /// The size called old.
        old: u64,
        /// The size called new.
        new: u64,
    },
    /// The older tree is empty, and every tree extends that.
    #[error("nothing can be proved from size 0; ask with size 1 or more")]
    OldTreeEmpty,
    /// A node could not be read.
    #[error("cannot read a node of the tree")]
    Nodes(#[source] E),
}

/// Makes proofs against the tree of one size.
///
/// It remembers the last node read of each level, so proofs for leaves in ascending order cost
/// about two reads each, however large the tree is.
#[derive(Debug)]
pub struct Prover<'a, N: Nodes> {
    nodes: &'a N,
    size: u64,
    /// By level, the hash of the last node: complete or ragged. The highest is the root.
    edge: Vec<TreeHash>,
    /// By level, the index and hash of the node that was read last.
    recent: Vec<Option<(u64, TreeHash)>>,
}

impl<'a, N: Nodes> Prover<'a, N> {
    /// Prepares for proofs at `size` leaves: reads at most one node a level.
    ///
    /// # Errors
    /// A node could not be read.
    pub fn new(size: u64, nodes: &'a N) -> Result<Self, ProveError<N::Error>> {
        let mut edge = Vec::new();
        if let Some(mut last) = size.checked_sub(1) {
            let mut hash = nodes.node(0, last).map_err(ProveError::Nodes)?;
            let mut level = 0;
            edge.push(hash);
            while last > 0 {
                // A last node without a left sibling stands for its parent unchanged.
                if last & 1 == 1 {
                    let left = nodes.node(level, last ^ 1).map_err(ProveError::Nodes)?;
                    hash = node_hash(&left, &hash);
                }
                level += 1;
                last >>= 1;
                edge.push(hash);
            }
        }
        let recent = vec![None; edge.len()];
        Ok(Self {
            nodes,
            size,
            edge,
            recent,
        })
    }

    /// Returns the size of the tree, in leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the root of the tree.
    pub fn root(&self) -> TreeHash {
        self.edge.last().copied().unwrap_or_else(empty_root)
    }

    /// Returns the proof that leaf `index` is in the tree, lowest sibling first.
    ///
    /// # Errors
    /// The index is not below the size, or a node could not be read.
    pub fn inclusion(&mut self, index: u64) -> Result<Vec<TreeHash>, ProveError<N::Error>> {
        if index >= self.size {
            let size = self.size;
            return Err(ProveError::IndexBeyondTree { index, size });
        }
        let mut proof = Vec::with_capacity(self.edge.len());
        self.climb(0, index, &mut proof)?;
        Ok(proof)
    }

    /// Returns the proof that the tree of `old` leaves is a prefix of this one.
    ///
    /// It is empty when `old` is this tree's own size.
    ///
    /// # Errors
    /// `old` is zero or above the size, or a node could not be read.
    pub fn consistency(&mut self, old: u64) -> Result<Vec<TreeHash>, ProveError<N::Error>> {
        if old > self.size {
            let new = self.size;
            return Err(ProveError::SizesReversed { old, new });
        }
        if old == 0 {
            return Err(ProveError::OldTreeEmpty);
        }
        if old == self.size {
            return Ok(Vec::new());
        }
        // The walk starts at the smallest complete subtree that ends where the old tree ends.
        // If it is all of the old tree, the checker has its hash as the old root.
        let level = old.trailing_zeros();
        let index = (old - 1) >> level;
        let mut proof = Vec::with_capacity(self.edge.len());
        if index > 0 {
            proof.push(self.read(level, index)?);
        }
        self.climb(level, index, &mut proof)?;
        Ok(proof)
    }

    /// Adds the siblings on the way from a node to the root.
    fn climb(
        &mut self,
        mut level: u32,
        mut index: u64,
        proof: &mut Vec<TreeHash>,
    ) -> Result<(), ProveError<N::Error>> {
        // The caller's node exists in a tree that is not empty, so this cannot wrap.
        let mut last = self.size.saturating_sub(1) >> level;
        while last > 0 {
            let sibling = index ^ 1;
            if sibling < last {
                proof.push(self.read(level, sibling)?);
            } else if sibling == last {
                proof.extend(self.edge.get(level as usize));
            }
            level += 1;
            index >>= 1;
            last >>= 1;
        }
        Ok(())
    }

    fn read(&mut self, level: u32, index: u64) -> Result<TreeHash, ProveError<N::Error>> {
        let recent = self.recent.get_mut(level as usize);
        if let Some(Some((known, hash))) = &recent
            && *known == index
        {
            return Ok(*hash);
        }
        let hash = self.nodes.node(level, index).map_err(ProveError::Nodes)?;
        if let Some(slot) = recent {
            *slot = Some((index, hash));
        }
        Ok(hash)
    }
}

/// Returns the proof that leaf `index` is in the tree of `size` leaves.
///
/// # Errors
/// The index is not below the size, or a node could not be read.
pub fn inclusion_proof<N: Nodes>(
    index: u64,
    size: u64,
    nodes: &N,
) -> Result<Vec<TreeHash>, ProveError<N::Error>> {
    if index >= size {
        return Err(ProveError::IndexBeyondTree { index, size });
    }
    Prover::new(size, nodes)?.inclusion(index)
}

/// Returns the proof that the tree of `old` leaves is a prefix of the tree of `new` leaves.
///
/// # Errors
/// `old` is zero or above `new`, or a node could not be read.
pub fn consistency_proof<N: Nodes>(
    old: u64,
    new: u64,
    nodes: &N,
) -> Result<Vec<TreeHash>, ProveError<N::Error>> {
    if old > new {
        return Err(ProveError::SizesReversed { old, new });
    }
    Prover::new(new, nodes)?.consistency(old)
}

/// Returns the root of the tree of the first `size` leaves.
///
/// # Errors
/// A node could not be read.
pub fn root_at<N: Nodes>(size: u64, nodes: &N) -> Result<TreeHash, ProveError<N::Error>> {
    Ok(Prover::new(size, nodes)?.root())
}

/// A node that a [`MemoryTree`] does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("node {index} of level {level} is not complete in a tree of {size} entries")]
pub struct NodeMissing {
    /// The level: the node would have 2^level leaves.
    pub level: u32,
    /// The number of the node in its level.
    pub index: u64,
    /// The size of the tree.
    pub size: u64,
}

/// A tree with all of its complete subtrees in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    frontier: Frontier,
    levels: Vec<Vec<TreeHash>>,
}

impl MemoryTree {
    /// Returns the tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a leaf hash.
    pub fn push(&mut self, leaf: TreeHash) {
        let levels = &mut self.levels;
        self.frontier.push_with(leaf, |level, _, hash| {
            // A level's first node is finished after that of the level below.
            match levels.get_mut(level as usize) {
                Some(nodes) => nodes.push(hash),
                None => levels.push(vec![hash]),
            }
        });
    }

    /// Returns the number of leaves.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Returns the root.
    pub fn root(&self) -> TreeHash {
        self.frontier.root()
    }

    /// Returns the right edge, for appending elsewhere.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }
}

impl FromIterator<TreeHash> for MemoryTree {
    fn from_iter<I: IntoIterator<Item = TreeHash>>(leaves: I) -> Self {
        let mut tree = Self::new();
        leaves.into_iter().for_each(|leaf| tree.push(leaf));
        tree
    }
}

impl Nodes for MemoryTree {
    type Error = NodeMissing;

    fn node(&self, level: u32, index: u64) -> Result<TreeHash, NodeMissing> {
        let nodes = self.levels.get(level as usize);
        let place = usize::try_from(index).ok();
        let found = nodes.and_then(|nodes| nodes.get(place?)).copied();
        let size = self.size();
        found.ok_or(NodeMissing { level, index, size })
    }
}
