//! Proofs, with the checkpoint that they end at.

use bytes::Bytes;

use super::found::missing_in;
use crate::domain::TreeHash;
use crate::merkle::{consistency_proof, inclusion_proof};
use crate::service::reads::Reading;
use crate::service::status::Failure;
use crate::store::log::ReaderNodes;
use crate::wire::proto;

/// Returns the size of the tree that is asked for, 0 meaning the newest.
fn tree_size(reading: &Reading, field: &str, asked: u64) -> Result<u64, Failure> {
    let size = reading.size();
    if asked > size {
        let text = format!("is {asked}, but the log has {size} entries");
        return Err(Failure::field(field, text));
    }
    Ok(if asked == 0 { size } else { asked })
}

/// Returns the checkpoint of a batch that ended at a size; empty where none did.
fn checkpoint(reading: &Reading, size: u64) -> Result<String, Failure> {
    if size == reading.size() {
        return Ok(reading.state.checkpoint.to_string());
    }
    Ok(reading.engine().log().checkpoint(size)?.unwrap_or_default())
}

/// Proves an entry.
pub(super) fn inclusion(
    reading: &Reading,
    index: u64,
    asked_size: u64,
) -> Result<proto::ProveInclusionResponse, Failure> {
    let tree_size = tree_size(reading, "tree_size", asked_size)?;
    if index >= tree_size {
        return Err(missing_in(index, tree_size));
    }
    let log = reading.engine().log();
    let proof = inclusion_proof(index, tree_size, &ReaderNodes(log.as_ref()));
    let proof = proof.map_err(|error| Failure::Fault(error.into()))?;
    Ok(proto::ProveInclusionResponse {
        index,
        tree_size,
        leaf_hash: hash_bytes(&log.node(0, index)?),
        proof: proof.iter().map(hash_bytes).collect(),
        checkpoint: checkpoint(reading, tree_size)?,
        read_at_size: reading.size(),
    })
}

/// Proves that the log of one size begins with the log of another.
pub(super) fn consistency(
    reading: &Reading,
    old_size: u64,
    new_size: u64,
) -> Result<proto::ProveConsistencyResponse, Failure> {
    let new_size = tree_size(reading, "new_size", new_size)?;
    if old_size == 0 || old_size > new_size {
        let text = format!("is {old_size}, which is not 1 to {new_size}, the newer size");
        return Err(Failure::field("old_size", text));
    }
    let log = reading.engine().log();
    let proof = consistency_proof(old_size, new_size, &ReaderNodes(log.as_ref()));
    let proof = proof.map_err(|error| Failure::Fault(error.into()))?;
    Ok(proto::ProveConsistencyResponse {
        old_size,
        new_size,
        proof: proof.iter().map(hash_bytes).collect(),
        checkpoint: checkpoint(reading, new_size)?,
        read_at_size: reading.size(),
    })
}

fn hash_bytes(hash: &TreeHash) -> Bytes {
    Bytes::copy_from_slice(&hash.0)
}
