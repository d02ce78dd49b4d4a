//! What can be found out about an entry without the entries before it, on as many threads as
//! there are: this is where an audit spends its time.

use bytes::Bytes;
use rayon::prelude::*;

use crate::domain::{
    COMMAND_TYPE, Command, CommandId, Entry, EntryError, Rejection, TreeHash, Verifier,
    signing_bytes,
};
use crate::merkle::leaf_hash;
use crate::wire::decode_command;

/// A leaf as far as it can be judged by itself.
#[derive(Debug)]
pub(super) struct VerifiedLeaf {
    /// Its bytes.
    pub leaf: Bytes,
    /// Its hash in the tree.
    pub hash: TreeHash,
    /// What it holds.
    pub content: Result<VerifiedEntry, LeafFault>,
}

/// An entry that decodes.
#[derive(Debug)]
pub(super) struct VerifiedEntry {
    /// Time, key and signature.
    pub entry: Entry,
    /// The decoded command.
    pub command: Command,
    /// The command's id.
    pub id: CommandId,
    /// Whether the signature verifies, strictly.
    pub signature_valid: bool,
}

/// Why a leaf holds nothing that could be decided.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeafFault {
    #[error("{0}")]
    Entry(#[from] EntryError),
    #[error("{0}")]
    Command(#[from] Rejection),
}

/// Judges leaves on all threads.
pub(super) fn verify_leaves(leaves: Vec<Bytes>, verifier: &dyn Verifier) -> Vec<VerifiedLeaf> {
    let each = |leaf| verify_leaf(leaf, verifier);
    leaves.into_par_iter().map(each).collect()
}

/// Judges one leaf.
pub(super) fn verify_leaf(leaf: Bytes, verifier: &dyn Verifier) -> VerifiedLeaf {
    let hash = leaf_hash(&leaf);
    let content = verify_entry(&leaf, verifier);
    VerifiedLeaf {
        leaf,
        hash,
        content,
    }
}

fn verify_entry(leaf: &Bytes, verifier: &dyn Verifier) -> Result<VerifiedEntry, LeafFault> {
    let entry = Entry::from_leaf(leaf)?;
    let command = decode_command(&entry.command)?;
    let signed = signing_bytes(COMMAND_TYPE, &entry.command);
    Ok(VerifiedEntry {
        id: CommandId::of(&entry.command),
        signature_valid: verifier.verify(&entry.public_key, &signed, &entry.signature),
        command,
        entry,
    })
}
