//! The hashes of RFC 6962: leaves and nodes are hashed with different first bytes.

use sha2::{Digest, Sha256};

use crate::domain::TreeHash;

/// Returns the hash of a leaf: SHA-256 of a zero byte and the leaf's bytes.
pub fn leaf_hash(leaf: &[u8]) -> TreeHash {
    TreeHash(
        Sha256::new()
            .chain_update([0])
            .chain_update(leaf)
            .finalize()
            .into(),
    )
}

/// Returns the hash of an inner node: SHA-256 of a one byte and the hashes of both children.
pub fn node_hash(left: &TreeHash, right: &TreeHash) -> TreeHash {
    TreeHash(
        Sha256::new()
            .chain_update([1])
            .chain_update(left.0)
            .chain_update(right.0)
            .finalize()
            .into(),
    )
}

/// Returns the root of a tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> TreeHash {
    TreeHash(Sha256::digest([]).into())
}
