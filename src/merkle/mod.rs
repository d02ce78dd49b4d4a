//! The RFC 6962 tree over the log, its proofs and tiles, and C2SP signed notes and checkpoints.
//!
//! All of it is pure: nodes come through [`Nodes`], signing and checking through the traits of
//! `domain`. What comes from outside is checked in full and answered with a reason, whatever
//! its bytes; proof making and proof checking share no code, so that one tests the other.

mod bundle;
mod checkpoint;
mod cosignature;
mod fork;
mod frontier;
mod hashing;
mod key_history;
mod log_proof;
mod note;
mod policy;
mod prove;
mod tile;
mod verifier_key;
mod verify;
mod witness;

#[cfg(test)]
mod tests;

pub use bundle::{BundleError, bundled, push_bundled};
pub use checkpoint::{
    Checkpoint, CheckpointError, open_checkpoint, open_checkpoint_of_all, open_signed,
    sign_checkpoint,
};
pub use cosignature::{WitnessKey, cosign};
pub use fork::{FORK_EVIDENCE_BYTES_MAX, ForkEvidence, ForkEvidenceError, ForkVerdict};
pub use frontier::{Frontier, FrontierError, root_of, root_of_leaves};
pub use hashing::{empty_root, leaf_hash, node_hash};
pub use key_history::KeyHistory;
pub use log_proof::{LOG_PROOF_BYTES_MAX, LogProof, LogProofError};
pub use note::{NoteError, NoteSignature, SignedNote};
pub use policy::{Policy, PolicyError, Witness};
pub use prove::{
    MemoryTree, NodeMissing, Nodes, ProveError, Prover, consistency_proof, inclusion_proof, root_at,
};
pub use tile::{TILE_WIDTH, TileId, TileKind, TileNodeError, TileNodes, TilePathError, Tiles};
pub use verifier_key::{KeyHint, VerifierKey, VerifierKeyError};
pub use verify::{ProofError, root_by_inclusion, verify_consistency, verify_inclusion};
pub use witness::{AddCheckpoint, WitnessRefusal};
