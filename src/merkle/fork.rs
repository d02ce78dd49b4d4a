//! Evidence that a log has signed two histories: two of its checkpoints that cannot both be of one
//! log that only grows. Anybody checks it offline with the log's verifier key.
//!
//! Two checkpoints of one size with two roots speak for themselves. Of two sizes, the evidence has
//! a consistency proof within the larger tree: it shows which root the larger tree has at the
//! smaller size, and that this is not the root that the log has signed for it.

use serde::{Deserialize, Serialize};

use crate::domain::{TreeHash, Verifier};

use super::checkpoint::{Checkpoint, CheckpointError, open_checkpoint};
use super::verifier_key::VerifierKey;
use super::verify::{ProofError, verify_consistency};

/// The largest file of evidence, in bytes: two notes and a proof.
pub const FORK_EVIDENCE_BYTES_MAX: usize = 256 * 1024;
/// What the form is called.
const FORM: &str = "fenrun fork evidence v1";

/// Two signed checkpoints of one log, and what was proved between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkEvidence {
    form: String,
    /// The checkpoint of the smaller size, a signed note; of equal sizes, the one seen first.
    pub smaller: String,
    /// The checkpoint of the larger size, a signed note.
    pub larger: String,
    /// The root that the larger tree has at the smaller size; none where nobody could prove one,
    /// and where the sizes are equal.
    pub root_in_larger: Option<TreeHash>,
    /// The RFC 6962 consistency proof from that root to the larger checkpoint's.
    pub consistency_proof: Vec<TreeHash>,
}

/// What evidence comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForkVerdict {
    /// One size has two signed roots: a fork.
    TwoRoots,
    /// The larger tree does not begin with the smaller one: a fork.
    NotExtended,
    /// The larger tree begins with the smaller one: no fork.
    Extended,
    /// Both are signed, and how they are related is not proved.
    Unproved,
}

impl ForkVerdict {
    /// Says whether the log has signed two histories.
    pub fn is_fork(self) -> bool {
        matches!(self, Self::TwoRoots | Self::NotExtended)
    }
}

/// Why evidence shows nothing.
#[derive(Debug, thiserror::Error)]
pub enum ForkEvidenceError {
    /// The file is too large.
    #[error("evidence of a fork has at most {FORK_EVIDENCE_BYTES_MAX} bytes, this has {0}")]
    TooLarge(usize),
    /// The bytes have another form.
    #[error("this is no evidence of a fork as `fenrun audit` writes it")]
    Form(#[source] serde_json::Error),
    /// It is of another version.
    #[error("the form is {0:?}, and not {FORM:?}")]
    OtherForm(String),
    /// A checkpoint is not one that the log has signed.
    #[error("the {which} checkpoint is not one of this log")]
    Checkpoint {
        /// Which: smaller or larger.
        which: &'static str,
        /// Why not.
        #[source]
        source: CheckpointError,
    },
    /// The sizes stand in the wrong order, or the names differ.
    #[error("the smaller checkpoint is of {smaller} and the larger of {larger}")]
    Order {
        /// Name and size of the one called smaller.
        smaller: String,
        /// Name and size of the one called larger.
        larger: String,
    },
    /// The proof is none.
    #[error("its consistency proof proves nothing")]
    Proof(#[source] ProofError),
}

impl ForkEvidence {
    /// Puts two signed notes together, the smaller one first.
    pub fn new(smaller: impl Into<String>, larger: impl Into<String>) -> Self {
        Self {
            form: FORM.to_owned(),
            smaller: smaller.into(),
            larger: larger.into(),
            root_in_larger: None,
            consistency_proof: Vec::new(),
        }
    }

    /// Adds the root that the larger tree has at the smaller size, and the proof of it.
    #[must_use]
    pub fn proved(mut self, root_in_larger: TreeHash, proof: Vec<TreeHash>) -> Self {
        self.root_in_larger = Some(root_in_larger);
        self.consistency_proof = proof;
        self
    }

    /// Reads evidence from its bytes; nothing in it is verified.
    ///
    /// # Errors
    /// It is too large, or has another form.
    pub fn parse(bytes: &[u8]) -> Result<Self, ForkEvidenceError> {
        if bytes.len() > FORK_EVIDENCE_BYTES_MAX {
            return Err(ForkEvidenceError::TooLarge(bytes.len()));
        }
        let read: Self = serde_json::from_slice(bytes).map_err(ForkEvidenceError::Form)?;
        if read.form != FORM {
            return Err(ForkEvidenceError::OtherForm(read.form));
        }
        Ok(read)
    }

    /// Returns the evidence as a file.
    pub fn bytes(&self) -> Vec<u8> {
        // Writing texts to memory has no way to fail; an empty file would not parse.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Judges it under the keys of the log, and returns both checkpoints, the smaller first.
    ///
    /// # Errors
    /// A checkpoint is not signed by any of `keys`, or the proof is none.
    pub fn judge(
        &self,
        keys: &[VerifierKey],
        verifier: &dyn Verifier,
    ) -> Result<(Checkpoint, Checkpoint, ForkVerdict), ForkEvidenceError> {
        let open = |which, note: &str| {
            open_checkpoint(note.as_bytes(), keys, verifier)
                .map_err(|source| ForkEvidenceError::Checkpoint { which, source })
        };
        let smaller = open("smaller", &self.smaller)?;
        let larger = open("larger", &self.larger)?;
        if smaller.size > larger.size || smaller.origin != larger.origin {
            let named = |one: &Checkpoint| format!("{}, {} entries", one.origin, one.size);
            return Err(ForkEvidenceError::Order {
                smaller: named(&smaller),
                larger: named(&larger),
            });
        }
        let verdict = self.relation(&smaller, &larger)?;
        Ok((smaller, larger, verdict))
    }

    fn relation(
        &self,
        smaller: &Checkpoint,
        larger: &Checkpoint,
    ) -> Result<ForkVerdict, ForkEvidenceError> {
        if smaller.size == larger.size {
            return Ok(match smaller.root == larger.root {
                true => ForkVerdict::Extended,
                false => ForkVerdict::TwoRoots,
            });
        }
        // Every tree begins with the empty one.
        if smaller.size == 0 {
            return Ok(ForkVerdict::Extended);
        }
        let Some(root) = &self.root_in_larger else {
            return Ok(ForkVerdict::Unproved);
        };
        let (old, new) = (smaller.size, larger.size);
        verify_consistency(old, new, &self.consistency_proof, root, &larger.root)
            .map_err(ForkEvidenceError::Proof)?;
        Ok(match *root == smaller.root {
            true => ForkVerdict::Extended,
            false => ForkVerdict::NotExtended,
        })
    }
}
