//! How a log changed its key, so that whoever trusts the old key can follow.

use bytes::Bytes;

use super::reads::Reading;
use super::status::Failure;
use crate::engine::log_keys;
use crate::merkle::inclusion_proof;
use crate::store::log::ReaderNodes;
use crate::wire::proto;

/// The most changes that are told, the newest: about 2 KiB each.
const KEY_CHANGES_MAX: usize = 64;

/// Returns the newest changes of the log's key, oldest first, each with its proof.
///
/// # Errors
/// The rows or the log cannot be read.
pub(super) fn log_key_changes(reading: &Reading) -> Result<Vec<proto::LogKeyChange>, Failure> {
    let mut changes = log_keys(reading.view())?;
    // The founding names the first key and changes none.
    changes.retain(|(index, _)| *index > 0);
    let newest = changes.len().saturating_sub(KEY_CHANGES_MAX);
    let changes = changes.get(newest..).unwrap_or_default();
    changes
        .iter()
        .map(|(index, _)| change(reading, *index))
        .collect()
}

fn change(reading: &Reading, index: u64) -> Result<proto::LogKeyChange, Failure> {
    let log = reading.engine().log();
    // The batch of the entry ends with the first checkpoint after it.
    let checkpoints = log.checkpoints(index, reading.size(), 1)?;
    let first = checkpoints.into_iter().next();
    let (size, checkpoint) = first.ok_or_else(|| {
        let what = format!("no checkpoint covers entry {index}, which changes the log's key");
        Failure::Fault(what.into())
    })?;
    let proof = inclusion_proof(index, size, &ReaderNodes(log.as_ref()));
    let proof = proof.map_err(|error| Failure::Fault(error.into()))?;
    Ok(proto::LogKeyChange {
        index,
        leaf: log.leaf(index)?,
        inclusion_proof: proof
            .iter()
            .map(|hash| Bytes::copy_from_slice(&hash.0))
            .collect(),
        checkpoint,
    })
}
