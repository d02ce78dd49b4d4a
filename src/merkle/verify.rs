//! Checks proofs that come from outside; any input gets an answer.
//!
//! The procedures are those of RFC 9162, sections 2.1.3.2 and 2.1.4.2, which share no code and
//! no idea with the making of proofs.

use crate::domain::TreeHash;

use super::hashing::node_hash;

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf cannot be in a tree of this size.
    #[error("entry {index} cannot be in a tree of {size} entries")]
    IndexBeyondTree {
        /// The index, from 0.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The older size is the larger one.
    #[error("the old size {old} is larger than the new size {new}: the log shrank")]
    SizesReversed {
        /// The size called old.
        old: u64,
        /// The size called new.
        new: u64,
    },
    /// The older tree is empty, and every tree extends that.
    #[error("nothing can be proved from size 0; compare with a checkpoint of size 1 or more")]
    OldTreeEmpty,
    /// Hashes are left over.
    #[error("the proof has {found} hashes, more than these sizes need")]
    TooLong {
        /// How many hashes the proof has.
        found: usize,
    },
    /// Hashes are missing.
    #[error("the proof has {found} hashes, fewer than these sizes need")]
    TooShort {
        /// How many hashes the proof has.
        found: usize,
    },
    /// The proof leads to another root.
    #[error("the proof leads to the root {computed}, but the checkpoint says {expected}")]
    RootMismatch {
        /// The root that was to be reached.
        expected: TreeHash,
        /// The root that the proof leads to.
        computed: TreeHash,
    },
    /// The proof contradicts the old root.
    #[error("the proof leads to the old root {computed}, but the old checkpoint says {expected}")]
    OldRootMismatch {
        /// The old root that was to be reached.
        expected: TreeHash,
        /// The old root that the proof leads to.
        computed: TreeHash,
    },
}

/// Checks that the leaf with hash `leaf` stands at `index` in the tree of `size` and `root`.
///
/// # Errors
/// The proof has another length than these numbers need, or leads elsewhere.
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf: &TreeHash,
    proof: &[TreeHash],
    root: &TreeHash,
) -> Result<(), ProofError> {
    same_root(root, root_by_inclusion(index, size, leaf, proof)?)
}

/// Returns the root that a tree of `size` leaves has in which the leaf with hash `leaf` stands at
/// `index` beside what the proof says.
///
/// # Errors
/// The proof has another length than these numbers need.
pub fn root_by_inclusion(
    index: u64,
    size: u64,
    leaf: &TreeHash,
    proof: &[TreeHash],
) -> Result<TreeHash, ProofError> {
    let Some(last) = size.checked_sub(1).filter(|last| index <= *last) else {
        return Err(ProofError::IndexBeyondTree { index, size });
    };
    let found = proof.len();
    let mut walk = Walk { node: index, last };
    let mut computed = *leaf;
    for sibling in proof {
        computed = match walk.step().ok_or(ProofError::TooLong { found })? {
            Side::Left => node_hash(sibling, &computed),
            Side::Right => node_hash(&computed, sibling),
        };
    }
    if walk.last > 0 {
        return Err(ProofError::TooShort { found });
    }
    Ok(computed)
}

/// Checks that the tree of `old` leaves and `old_root` is a prefix of that of `new` leaves.
///
/// # Errors
/// The old size is zero or above the new one, or the proof has another length than they need
/// or leads elsewhere.
pub fn verify_consistency(
    old: u64,
    new: u64,
    proof: &[TreeHash],
    old_root: &TreeHash,
    new_root: &TreeHash,
) -> Result<(), ProofError> {
    let found = proof.len();
    if old > new {
        return Err(ProofError::SizesReversed { old, new });
    }
    if old == 0 {
        return Err(ProofError::OldTreeEmpty);
    }
    if old == new {
        return match found {
            0 => same_root(new_root, *old_root),
            _ => Err(ProofError::TooLong { found }),
        };
    }
    // The proof starts with the hash of the smallest complete subtree at the end of the old
    // tree; a complete old tree is that subtree, and its hash is not sent.
    let (start, rest) = if old.is_power_of_two() {
        (old_root, proof)
    } else {
        proof.split_first().ok_or(ProofError::TooShort { found })?
    };
    let level = old.trailing_zeros();
    let mut walk = Walk {
        node: (old - 1) >> level,
        last: (new - 1) >> level,
    };
    let (mut computed_old, mut computed_new) = (*start, *start);
    for sibling in rest {
        match walk.step().ok_or(ProofError::TooLong { found })? {
            Side::Left => {
                computed_old = node_hash(sibling, &computed_old);
                computed_new = node_hash(sibling, &computed_new);
            }
            Side::Right => computed_new = node_hash(&computed_new, sibling),
        }
    }
    if walk.last > 0 {
        return Err(ProofError::TooShort { found });
    }
    same_old_root(old_root, computed_old)?;
    same_root(new_root, computed_new)
}

fn same_root(expected: &TreeHash, computed: TreeHash) -> Result<(), ProofError> {
    if *expected == computed {
        return Ok(());
    }
    let expected = *expected;
    Err(ProofError::RootMismatch { expected, computed })
}

fn same_old_root(expected: &TreeHash, computed: TreeHash) -> Result<(), ProofError> {
    if *expected == computed {
        return Ok(());
    }
    let expected = *expected;
    Err(ProofError::OldRootMismatch { expected, computed })
}

enum Side {
    Left,
    Right,
}

/// The way from a node to the root: its number and the number of its level's last node.
struct Walk {
    node: u64,
    last: u64,
}

impl Walk {
    /// Goes up past the next sibling and tells its side; none at the root.
    fn step(&mut self) -> Option<Side> {
        if self.last == 0 {
            return None;
        }
        let side = if self.node & 1 == 1 {
            Side::Left
        } else if self.node == self.last {
            // The last node has no sibling here; it rises until it is a right child.
            while self.node & 1 == 0 && self.node > 0 {
                self.up();
            }
            Side::Left
        } else {
            Side::Right
        };
        self.up();
        Some(side)
    }

    fn up(&mut self) {
        self.node >>= 1;
        self.last >>= 1;
    }
}
