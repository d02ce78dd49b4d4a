//! The RFC 6962 tree over the log, its proofs, and C2SP signed notes and checkpoints.
//!
//! All of it is pure: nodes come through [`Nodes`], signing and checking through the traits of
//! `domain`. What comes from outside is checked in full and answered with a reason, whatever
//! its bytes; proof making and proof checking share no code, so that one tests the other.

mod checkpoint;
mod frontier;
mod hashing;
mod note;
mod prove;
mod verifier_key;
mod verify;

#[cfg(test)]
mod tests;

pub use checkpoint::{Checkpoint, CheckpointError, open_checkpoint, sign_checkpoint};
pub use frontier::{Frontier, FrontierError, root_of, root_of_leaves};
pub use hashing::{empty_root, leaf_hash, node_hash};
pub use note::{NoteError, NoteSignature, SignedNote};
pub use prove::{
    MemoryTree, NodeMissing, Nodes, ProveError, Prover, consistency_proof, inclusion_proof, root_at,
};
pub use verifier_key::{KeyHint, VerifierKey, VerifierKeyError};
pub use verify::{ProofError, verify_consistency, verify_inclusion};
