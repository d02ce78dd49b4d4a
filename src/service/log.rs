//! `LogService`: the log itself, and proofs of what is in it.

use bytes::Bytes;
use tokio::sync::watch;
use tonic::{Request, Response};

use super::calls::Call;
use super::command_ids::CommandIds;
use super::identity::{Identity, ended};
use super::limits::PART_BYTES_MAX;
use super::reads::{Answer, Reading, Reads};
use super::status::Failure;
use super::stopping::{AnswerStream, shutting_down};
use crate::domain::{CommandId, Entry, Reason, TreeHash};
use crate::ledger::{Caller, query};
use crate::merkle::inclusion_proof;
use crate::store::log::{LogReader, ReaderNodes};
use crate::wire::proto::log_service_server::LogService;
use crate::wire::{command_json, decode_command, proto, timestamp};

/// Shows the log.
pub(super) struct Log {
    reads: Reads,
    ids: CommandIds,
    stopping: watch::Receiver<bool>,
}

impl Log {
    pub fn new(reads: Reads, stopping: watch::Receiver<bool>) -> Self {
        let ids = CommandIds::default();
        Self {
            reads,
            ids,
            stopping,
        }
    }
}

#[tonic::async_trait]
impl LogService for Log {
    type ListEntriesStream = AnswerStream<proto::ListEntriesResponse>;

    async fn get_checkpoint(
        &self,
        request: Request<proto::GetCheckpointRequest>,
    ) -> Answer<proto::GetCheckpointResponse> {
        let work = self.reads.answer_anybody(request, |_, reading| {
            Ok(proto::GetCheckpointResponse {
                checkpoint: reading.state.checkpoint.to_string(),
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn get_entry(
        &self,
        request: Request<proto::GetEntryRequest>,
    ) -> Answer<proto::GetEntryResponse> {
        use proto::get_entry_request::Entry as Asked;
        let ids = self.ids.clone();
        let work = self.reads.answer(request, move |asked, reading, caller| {
            let index = match asked.entry {
                Some(Asked::Index(index)) => index,
                Some(Asked::CommandId(id)) => seen_index_of(reading, &ids, &id, caller)?,
                None => return Err(no_entry_named()),
            };
            let found = Found::read(reading, index)?;
            if !seen_by(reading, caller, &found.entry)? {
                return Err(missing(index));
            }
            Ok(proto::GetEntryResponse {
                index,
                command_id: found.entry.command_id().0.to_vec().into(),
                recorded_at: Some(timestamp(found.entry.recorded_at)),
                command_json: command_json(&found.entry.command).unwrap_or_default(),
                leaf: found.leaf,
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn list_entries(
        &self,
        request: Request<proto::ListEntriesRequest>,
    ) -> Answer<Self::ListEntriesStream> {
        let call = Call::of(&request);
        let opened = self.reads.open(request, |asked, reading| {
            let identity = reading.identity()?;
            whole_log_only(&identity.caller)?;
            let size = reading.size();
            let first = asked.first_index;
            if first > size {
                let text = format!("is {first}, but the log has {size} entries");
                return Err(Failure::field("first_index", text));
            }
            let rest = size.saturating_sub(first);
            let count = if asked.limit == 0 {
                rest
            } else {
                asked.limit.min(rest)
            };
            Ok((first, first.saturating_add(count), size, identity))
        });
        let (next, end, size, identity) = opened.await.map_err(|failure| call.fail(failure))?;
        call.by(identity.name());
        let run = Run {
            reads: self.reads.clone(),
            stopping: self.stopping.clone(),
            call,
            identity,
            next,
            end,
            size,
            begun: false,
        };
        Ok(Response::new(run.stream()))
    }

    async fn prove_inclusion(
        &self,
        request: Request<proto::ProveInclusionRequest>,
    ) -> Answer<proto::ProveInclusionResponse> {
        use proto::prove_inclusion_request::Entry as Asked;
        let ids = self.ids.clone();
        let work = self.reads.answer_anybody(request, move |asked, reading| {
            let index = match &asked.entry {
                Some(Asked::Index(index)) => *index,
                Some(Asked::CommandId(id)) => {
                    let identity = reading.identity()?;
                    seen_index_of(reading, &ids, id, &identity.caller)?
                }
                None => return Err(no_entry_named()),
            };
            prove(reading, index, asked.tree_size)
        });
        work.await
    }
}

/// Refuses whoever may not read every entry.
pub(super) fn whole_log_only(caller: &Caller) -> Result<(), Failure> {
    if caller.sees_all() {
        return Ok(());
    }
    let text = "only an operator or an auditor reads the whole log; GetEntry shows the entries \
                that the party may see";
    Err(Failure::refused(Reason::NotPermitted, text))
}

/// An entry and its leaf bytes.
struct Found {
    leaf: Bytes,
    entry: Entry,
}

impl Found {
    fn read(reading: &Reading, index: u64) -> Result<Self, Failure> {
        if index >= reading.size() {
            return Err(missing(index));
        }
        let leaf = reading.engine().log().leaf(index)?;
        let entry = Entry::from_leaf(&leaf).map_err(|error| Failure::Fault(error.into()))?;
        Ok(Self { leaf, entry })
    }
}

fn seen_by(reading: &Reading, caller: &Caller, entry: &Entry) -> Result<bool, Failure> {
    let command = decode_command(&entry.command).map_err(|rejection| {
        let id = entry.command_id();
        Failure::fault(format!(
            "the recorded command {id} does not decode: {rejection}"
        ))
    })?;
    Ok(caller.sees_entry(reading.view(), &command)?)
}

fn missing(index: u64) -> Failure {
    Failure::missing(format!("entry {index}"))
}

fn no_entry_named() -> Failure {
    Failure::field("entry", "is required: index or command_id")
}

/// Returns the index of the entry that the caller sees by the id of its command, or by the first
/// digits of that.
fn seen_index_of(
    reading: &Reading,
    ids: &CommandIds,
    id: &str,
    caller: &Caller,
) -> Result<u64, Failure> {
    let log = reading.engine().log().as_ref();
    let seen = |entry: &Entry| seen_by(reading, caller, entry);
    let Ok(whole) = id.parse::<CommandId>() else {
        return ids.find(log, reading.size(), id, &seen);
    };
    if let Some(index) = query::command_index(reading.view(), &whole)?
        && seen(&Found::read(reading, index)?.entry)?
    {
        return Ok(index);
    }
    Err(Failure::missing(format!("entry with the command {id}")))
}

fn prove(
    reading: &Reading,
    index: u64,
    tree_size: u64,
) -> Result<proto::ProveInclusionResponse, Failure> {
    let size = reading.size();
    let tree_size = if tree_size == 0 { size } else { tree_size };
    if tree_size > size {
        let text = format!("is {tree_size}, but the log has {size} entries");
        return Err(Failure::field("tree_size", text));
    }
    if index >= tree_size {
        let text = format!("entry {index} in the tree of {tree_size} entries");
        return Err(Failure::missing(text));
    }
    let log = reading.engine().log();
    let nodes = ReaderNodes(log.as_ref());
    let proof = inclusion_proof(index, tree_size, &nodes);
    let proof = proof.map_err(|error| Failure::Fault(error.into()))?;
    let checkpoint = match tree_size == size {
        true => Some(reading.state.checkpoint.to_string()),
        false => log.checkpoint(tree_size)?,
    };
    Ok(proto::ProveInclusionResponse {
        index,
        tree_size,
        leaf_hash: hash_bytes(&log.node(0, index)?),
        proof: proof.iter().map(hash_bytes).collect(),
        checkpoint: checkpoint.unwrap_or_default(),
        read_at_size: size,
    })
}

fn hash_bytes(hash: &TreeHash) -> Bytes {
    Bytes::copy_from_slice(&hash.0)
}

/// A run of entries while it is streamed.
struct Run {
    reads: Reads,
    stopping: watch::Receiver<bool>,
    call: Call,
    identity: Identity,
    next: u64,
    end: u64,
    /// The log size that the run is as of.
    size: u64,
    begun: bool,
}

impl Run {
    fn stream(self) -> AnswerStream<proto::ListEntriesResponse> {
        Box::pin(futures_util::stream::unfold(Some(self), |run| async move {
            let mut run = run?;
            match run.part().await {
                Ok(Some(part)) => Some((Ok(part), Some(run))),
                Ok(None) => {
                    run.call.answered();
                    None
                }
                Err(failure) => Some((Err(run.call.fail(failure)), None)),
            }
        }))
    }

    /// Returns the next part; a run without entries has one that says as of which size.
    async fn part(&mut self) -> Result<Option<proto::ListEntriesResponse>, Failure> {
        if self.next >= self.end && self.begun {
            return Ok(None);
        }
        if *self.stopping.borrow() {
            return Err(shutting_down());
        }
        self.begun = true;
        let (first, end) = (self.next, self.end);
        let engine = self.reads.engine().clone();
        let identity = self.identity.clone();
        let read = move || {
            if !identity.holds(&engine.published().view)? {
                return Err(ended());
            }
            read_part(engine.log().as_ref(), first, end)
        };
        let (leaves, checkpoints) = self.reads.run(read).await?;
        let count = u64::try_from(leaves.len()).unwrap_or(u64::MAX);
        self.next = first.saturating_add(count);
        Ok(Some(proto::ListEntriesResponse {
            first_index: first,
            leaves,
            checkpoints,
            read_at_size: self.size,
        }))
    }
}

type Part = (Vec<Bytes>, Vec<proto::BatchCheckpoint>);

/// Reads entries and the checkpoints between them, together at most [`PART_BYTES_MAX`] unless one
/// entry alone is more.
fn read_part(log: &dyn LogReader, first: u64, end: u64) -> Result<Part, Failure> {
    if first >= end {
        return Ok((Vec::new(), Vec::new()));
    }
    let leaves = log.leaves(first, end, PART_BYTES_MAX)?;
    let through = first.saturating_add(u64::try_from(leaves.len()).unwrap_or(u64::MAX));
    let notes = log.checkpoints(first, through, leaves.len())?;
    let mut notes = notes.into_iter().peekable();
    let mut part: Part = (Vec::new(), Vec::new());
    let mut bytes = 0_usize;
    for (size, leaf) in (first.saturating_add(1)..).zip(leaves) {
        let note = notes.next_if(|(at, _)| *at == size);
        let note_bytes = note.as_ref().map_or(0, |(_, note)| note.len());
        bytes = bytes.saturating_add(leaf.len()).saturating_add(note_bytes);
        if bytes > PART_BYTES_MAX && !part.0.is_empty() {
            break;
        }
        part.0.push(leaf);
        part.1
            .extend(note.map(|(size, checkpoint)| proto::BatchCheckpoint { size, checkpoint }));
    }
    Ok(part)
}
