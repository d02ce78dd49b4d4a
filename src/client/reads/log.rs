//! The log itself: entries, proofs and checkpoints, each checked as far as it proves itself.

use bytes::Bytes;
use serde::Serialize;

use super::{PAGE_SIZE_MAX, call, service};
use crate::client::answer::{self, Answer as _};
use crate::client::{ClientError, Connection};
use crate::domain::{CommandId, Entry, TreeHash, UnixMillis};
use crate::merkle::{
    Checkpoint, LogProof, root_by_inclusion, verify_consistency, verify_inclusion,
};
use crate::wire::proto;

service!(log_service, log_service_client::LogServiceClient);

/// Which entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryReference {
    /// Its index in the log, from 0.
    Index(u64),
    /// The id of its command in hex, or at least its first 8 digits.
    Command(String),
    /// The hash of a contribution's content, 64 hex digits, where an entry is proved.
    Content(String),
}

impl EntryReference {
    /// Says whether an entry is the one that was asked for.
    fn names(&self, index: u64, id: &CommandId) -> bool {
        match self {
            Self::Index(asked) => *asked == index,
            Self::Command(digits) => id.to_string().starts_with(&digits.to_ascii_lowercase()),
            // Whether it records that content, its command says and its id does not.
            Self::Content(_) => false,
        }
    }
}

/// An entry as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryShown {
    /// Its index in the log, from 0.
    pub index: u64,
    /// The id of its command, made from its bytes.
    pub command_id: CommandId,
    /// When it was recorded.
    pub recorded_at: UnixMillis,
    /// Its exact bytes, which are the leaf of the tree, in hex.
    #[serde(serialize_with = "as_hex")]
    pub leaf: Bytes,
    /// Its command as JSON, as the server decodes it.
    pub command_json: String,
}

/// A proof that an entry is in the log, verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InclusionProof {
    /// The index of the entry, from 0.
    pub index: u64,
    /// The size of the tree that the proof is in.
    pub tree_size: u64,
    /// The leaf hash of the entry.
    pub leaf_hash: TreeHash,
    /// The hashes from the leaf to the root.
    pub proof: Vec<TreeHash>,
    /// The checkpoint of the tree, under a pinned key; empty where no batch ended there, and then
    /// the proof is not verified.
    pub checkpoint: String,
}

impl InclusionProof {
    /// Returns the proof as a file with the entry in it; none where no checkpoint signs the tree.
    pub fn file(&self, leaf: Bytes) -> Option<LogProof> {
        (!self.checkpoint.is_empty()).then(|| LogProof {
            leaf: Some(leaf),
            index: self.index,
            hashes: self.proof.clone(),
            checkpoint: self.checkpoint.clone(),
        })
    }
}

/// A proof that a log begins with an older one, verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsistencyProof {
    /// The size of the older log.
    pub old_size: u64,
    /// The size of the newer one.
    pub new_size: u64,
    /// The hashes.
    pub proof: Vec<TreeHash>,
    /// The checkpoint of the newer log, under a pinned key.
    pub checkpoint: String,
}

/// A part of a run of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPart {
    /// The index of the first entry in this part.
    pub first_index: u64,
    /// The exact bytes of the entries.
    pub leaves: Vec<Bytes>,
    /// The checkpoints of the batches that end in this part: size and signed note.
    pub checkpoints: Vec<(u64, String)>,
    /// The log size that the whole answer is as of.
    pub read_at_size: u64,
}

/// A run of entries as it arrives.
#[derive(Debug)]
pub struct LogRun<'a> {
    connection: &'a Connection,
    parts: tonic::Streaming<proto::ListEntriesResponse>,
}

impl LogRun<'_> {
    /// Returns the next part, or none at the end.
    ///
    /// # Errors
    /// The service ends the stream with an error.
    pub async fn next(&mut self) -> Result<Option<LogPart>, ClientError> {
        let next = self.parts.message().await;
        let message = next.map_err(|status| self.connection.failed(status))?;
        Ok(message.map(|part| LogPart {
            first_index: part.first_index,
            leaves: part.leaves,
            checkpoints: part
                .checkpoints
                .into_iter()
                .map(|one| (one.size, one.checkpoint))
                .collect(),
            read_at_size: part.read_at_size,
        }))
    }
}

impl Connection {
    /// Returns the newest checkpoint and its note, opened under the pinned keys.
    ///
    /// # Errors
    /// As any call, and where no pinned key has signed it.
    pub async fn checkpoint(&self) -> Result<(Checkpoint, String), ClientError> {
        let request = proto::GetCheckpointRequest { min_log_size: 0 };
        let note = call!(self, log_service.get_checkpoint, request).checkpoint;
        Ok((self.open_checkpoint(&note)?, note))
    }

    /// Returns an entry; its id and time are read from its own bytes.
    ///
    /// # Errors
    /// As any call.
    pub async fn entry(&self, reference: &EntryReference) -> Result<EntryShown, ClientError> {
        use proto::get_entry_request::Entry as Asked;
        let request = proto::GetEntryRequest {
            entry: Some(match reference {
                EntryReference::Index(index) => Asked::Index(*index),
                EntryReference::Command(id) | EntryReference::Content(id) => {
                    Asked::CommandId(id.clone())
                }
            }),
            min_log_size: 0,
        };
        let answer = call!(self, log_service.get_entry, request);
        let entry = Entry::from_leaf(&answer.leaf);
        let entry = entry.map_err(|error| answer::wrong("leaf", &error))?;
        if !reference.names(answer.index, &entry.command_id()) {
            return Err(answer::wrong("leaf", &"it is another entry's"));
        }
        Ok(EntryShown {
            index: answer.index,
            command_id: entry.command_id(),
            recorded_at: entry.recorded_at,
            leaf: answer.leaf,
            command_json: answer.command_json,
        })
    }

    /// Proves that an entry is in the log of `tree_size`, 0 for the newest checkpoint's.
    ///
    /// # Errors
    /// As any call, and where the proof or the checkpoint does not verify.
    pub async fn prove_inclusion(
        &self,
        reference: &EntryReference,
        tree_size: u64,
    ) -> Result<InclusionProof, ClientError> {
        use proto::prove_inclusion_request::Entry as Asked;
        let request = proto::ProveInclusionRequest {
            entry: Some(match reference {
                EntryReference::Index(index) => Asked::Index(*index),
                EntryReference::Command(id) => Asked::CommandId(id.clone()),
                EntryReference::Content(hash) => Asked::ContentHash(hash.clone()),
            }),
            tree_size,
            min_log_size: 0,
        };
        let answer = call!(self, log_service.prove_inclusion, request);
        let proof = answer.proof.iter();
        let proved = InclusionProof {
            index: answer.index,
            tree_size: answer.tree_size,
            leaf_hash: answer::bytes("leaf_hash", &answer.leaf_hash)?,
            proof: proof
                .map(|hash| answer::bytes("proof", hash))
                .collect::<Result<_, _>>()?,
            checkpoint: answer.checkpoint,
        };
        if !proved.checkpoint.is_empty() {
            let opened = self.open_checkpoint(&proved.checkpoint)?;
            let (index, size) = (proved.index, proved.tree_size);
            let (leaf, root) = (&proved.leaf_hash, &opened.root);
            if opened.size != size {
                return Err(answer::wrong("checkpoint", &"it is of another size"));
            }
            verify_inclusion(index, size, leaf, &proved.proof, root)
                .map_err(|error| answer::wrong("proof", &error))?;
        }
        Ok(proved)
    }

    /// Proves that the log of `old_size` is where the log of `new_size`, 0 for the newest
    /// checkpoint's, begins; `old_root` is what is known of the older one.
    ///
    /// # Errors
    /// As any call, and where the proof or the checkpoint does not verify: then the log was not
    /// only appended to.
    pub async fn prove_consistency(
        &self,
        old_size: u64,
        old_root: &TreeHash,
        new_size: u64,
    ) -> Result<ConsistencyProof, ClientError> {
        let request = proto::ProveConsistencyRequest {
            old_size,
            new_size,
            min_log_size: 0,
        };
        let answer = call!(self, log_service.prove_consistency, request);
        let proof = answer.proof.iter();
        let proof: Vec<TreeHash> = proof
            .map(|hash| answer::bytes("proof", hash))
            .collect::<Result<_, _>>()?;
        let checkpoint = self.open_checkpoint(&answer.checkpoint)?;
        if checkpoint.size != answer.new_size || answer.old_size != old_size {
            return Err(answer::wrong("checkpoint", &"it is of another size"));
        }
        verify_consistency(
            old_size,
            checkpoint.size,
            &proof,
            old_root,
            &checkpoint.root,
        )
        .map_err(|error| answer::wrong("proof", &error))?;
        Ok(ConsistencyProof {
            old_size,
            new_size: checkpoint.size,
            proof,
            checkpoint: answer.checkpoint,
        })
    }

    /// Returns the root that the log's tree has at a size, as an inclusion proof of the last entry
    /// shows it; only a consistency proof to a signed checkpoint makes it the log's word.
    ///
    /// # Errors
    /// As any call, and where the proof has another length than these numbers need.
    pub async fn root_at(&self, size: u64) -> Result<TreeHash, ClientError> {
        use proto::prove_inclusion_request::Entry as Asked;
        let index = size.saturating_sub(1);
        let request = proto::ProveInclusionRequest {
            entry: Some(Asked::Index(index)),
            tree_size: size,
            min_log_size: 0,
        };
        let answer = call!(self, log_service.prove_inclusion, request);
        let leaf: TreeHash = answer::bytes("leaf_hash", &answer.leaf_hash)?;
        let proof = answer.proof.iter();
        let proof: Vec<TreeHash> = proof
            .map(|hash| answer::bytes("proof", hash))
            .collect::<Result<_, _>>()?;
        root_by_inclusion(index, size, &leaf, &proof)
            .map_err(|error| answer::wrong("proof", &error))
    }

    /// Returns the published checkpoint of a size, 0 for the newest one, opened under the pinned
    /// keys.
    ///
    /// # Errors
    /// As any call, and where no pinned key has signed it.
    pub async fn published_checkpoint(
        &self,
        size: u64,
    ) -> Result<(Checkpoint, String), ClientError> {
        let request = proto::GetPublishedCheckpointRequest {
            size,
            min_log_size: 0,
        };
        let answer = call!(self, log_service.get_published_checkpoint, request);
        let note = answer.checkpoint.wanted("checkpoint")?.checkpoint;
        Ok((self.open_checkpoint(&note)?, note))
    }

    /// Returns the published checkpoints above a size, the oldest first, at most `limit`, each
    /// opened under the pinned keys.
    ///
    /// # Errors
    /// As any call, and where no pinned key has signed one.
    pub async fn published_checkpoints(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Checkpoint, String)>, ClientError> {
        let mut found: Vec<(Checkpoint, String)> = Vec::new();
        while found.len() < limit {
            let left = limit.saturating_sub(found.len());
            let page_size = u32::try_from(left).unwrap_or(u32::MAX).min(PAGE_SIZE_MAX);
            let request = proto::ListPublishedCheckpointsRequest {
                after_size: found.last().map_or(after, |(last, _)| last.size),
                page_size,
                min_log_size: 0,
            };
            let page = call!(self, log_service.list_published_checkpoints, request).checkpoints;
            let end = page.len() < usize::try_from(page_size).unwrap_or(usize::MAX);
            for one in page {
                let before = found.last().map_or(after, |(last, _)| last.size);
                let checkpoint = self.open_checkpoint(&one.checkpoint)?;
                if checkpoint.size <= before {
                    return Err(answer::wrong("checkpoints", &"they are not in their order"));
                }
                found.push((checkpoint, one.checkpoint));
            }
            if end {
                break;
            }
        }
        Ok(found)
    }

    /// Streams entries from `first_index` on, at most `limit`, 0 for all.
    ///
    /// # Errors
    /// As any call.
    pub async fn entries(&self, first_index: u64, limit: u64) -> Result<LogRun<'_>, ClientError> {
        let request = self.streaming(proto::ListEntriesRequest {
            first_index,
            limit,
            min_log_size: 0,
        })?;
        let opened = self.log_service().list_entries(request).await;
        let parts = opened.map_err(|status| self.failed(status))?.into_inner();
        Ok(LogRun {
            connection: self,
            parts,
        })
    }
}

fn as_hex<S: serde::Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_was_not_asked_for_is_noticed() {
        let id = CommandId([0xab; 32]);
        let named = |reference: EntryReference| reference.names(7, &id);
        assert!(named(EntryReference::Index(7)));
        assert!(!named(EntryReference::Index(8)));
        assert!(named(EntryReference::Command(id.to_string())));
        assert!(named(EntryReference::Command("ABababab".to_owned())));
        assert!(!named(EntryReference::Command("abababac".to_owned())));
    }
}
