//! The right edge of a growing tree: all that appending and the root need.

use crate::domain::TreeHash;

use super::hashing::{empty_root, leaf_hash, node_hash};

/// Why stored parts are not a frontier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// The number of hashes does not fit the size.
    #[error("a tree of {size} leaves has {expected} frontier hashes, {found} were given")]
    Count {
        /// The size of the tree, in leaves.
        size: u64,
        /// How many hashes it has: the one bits of the size.
        expected: usize,
        /// How many were given.
        found: usize,
    },
}

/// The roots of the complete subtrees that a tree consists of, largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    hashes: Vec<TreeHash>,
}

impl Frontier {
    /// Returns the frontier of the tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Rebuilds a frontier from a size in leaves and its hashes, largest subtree first.
    ///
    /// # Errors
    /// The number of hashes is not the number of one bits of `size`.
    pub fn from_parts(size: u64, hashes: Vec<TreeHash>) -> Result<Self, FrontierError> {
        let expected = size.count_ones() as usize;
        if hashes.len() != expected {
            let found = hashes.len();
            return Err(FrontierError::Count {
                size,
                expected,
                found,
            });
        }
        Ok(Self { size, hashes })
    }

    /// Returns the number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the hashes, largest subtree first.
    pub fn hashes(&self) -> &[TreeHash] {
        &self.hashes
    }

    /// Appends a leaf hash.
    pub fn push(&mut self, leaf: TreeHash) {
        self.push_with(leaf, |_, _, _| {});
    }

    /// Appends a leaf hash and reports each complete subtree that it finishes, smallest first.
    ///
    /// `finished` gets level, index and hash of the node, as [`Nodes`](super::Nodes) numbers
    /// them; the leaf itself comes first, at level 0.
    pub fn push_with(&mut self, leaf: TreeHash, mut finished: impl FnMut(u32, u64, TreeHash)) {
        let (mut level, mut index, mut hash) = (0, self.size, leaf);
        finished(level, index, hash);
        while index & 1 == 1 {
            // The size has a one bit here, so its subtree is on the frontier.
            let Some(left) = self.hashes.pop() else { break };
            hash = node_hash(&left, &hash);
            level += 1;
            index >>= 1;
            finished(level, index, hash);
        }
        self.hashes.push(hash);
        // No log reaches 2^64 entries; saturating keeps the sum defined.
        self.size = self.size.saturating_add(1);
    }

    /// Returns the root of the tree.
    pub fn root(&self) -> TreeHash {
        let mut smallest_first = self.hashes.iter().rev();
        let Some(last) = smallest_first.next() else {
            return empty_root();
        };
        smallest_first.fold(*last, |right, left| node_hash(left, &right))
    }
}

/// Returns the root of the tree over `leaves`, which are leaf hashes.
pub fn root_of(leaves: &[TreeHash]) -> TreeHash {
    let mut frontier = Frontier::new();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    frontier.root()
}

/// Returns the root of the tree over `leaves`, which are the leaves' bytes.
pub fn root_of_leaves<'a>(leaves: impl IntoIterator<Item = &'a [u8]>) -> TreeHash {
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.push(leaf_hash(leaf));
    }
    frontier.root()
}
