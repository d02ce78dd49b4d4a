//! `LogService`: the log itself, and proofs of what is in it.

mod found;
mod proofs;
mod run;

use tokio::sync::watch;
use tonic::{Request, Response};

use self::found::{Found, missing, no_entry_named, seen_by, seen_index_of};
use self::run::Run;
use super::calls::Call;
use super::command_ids::CommandIds;
use super::page_token::page_size;
use super::reads::{Answer, Reads};
use super::status::Failure;
use super::stopping::AnswerStream;
use crate::domain::Reason;
use crate::ledger::Caller;
use crate::web::{PublishedCheckpoint, Schedule};
use crate::wire::proto::log_service_server::LogService;
use crate::wire::{command_json, proto, timestamp};

/// Shows the log.
pub(super) struct Log {
    reads: Reads,
    ids: CommandIds,
    schedule: Schedule,
    stopping: watch::Receiver<bool>,
}

impl Log {
    pub fn new(reads: Reads, schedule: Schedule, stopping: watch::Receiver<bool>) -> Self {
        Self {
            reads,
            ids: CommandIds::default(),
            schedule,
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
                None => return Err(no_entry_named("index or command_id")),
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
        let ids = self.ids.clone();
        let work = self.reads.answer_anybody(request, move |asked, reading| {
            let index = found::proved_index(reading, &ids, asked.entry)?;
            proofs::inclusion(reading, index, asked.tree_size)
        });
        work.await
    }

    async fn prove_consistency(
        &self,
        request: Request<proto::ProveConsistencyRequest>,
    ) -> Answer<proto::ProveConsistencyResponse> {
        let work = self.reads.answer_anybody(request, |asked, reading| {
            proofs::consistency(reading, asked.old_size, asked.new_size)
        });
        work.await
    }

    async fn get_published_checkpoint(
        &self,
        request: Request<proto::GetPublishedCheckpointRequest>,
    ) -> Answer<proto::GetPublishedCheckpointResponse> {
        let schedule = self.schedule.clone();
        let work = self.reads.answer_anybody(request, move |asked, reading| {
            let found = match asked.size {
                0 => schedule.newest()?,
                size => schedule.at(size)?,
            };
            let missing = || Failure::missing(format!("published checkpoint at {}", asked.size));
            Ok(proto::GetPublishedCheckpointResponse {
                checkpoint: Some(published(found.ok_or_else(missing)?)),
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn list_published_checkpoints(
        &self,
        request: Request<proto::ListPublishedCheckpointsRequest>,
    ) -> Answer<proto::ListPublishedCheckpointsResponse> {
        let schedule = self.schedule.clone();
        let work = self.reads.answer_anybody(request, move |asked, reading| {
            let found = schedule.list(asked.after_size, page_size(asked.page_size)?)?;
            Ok(proto::ListPublishedCheckpointsResponse {
                checkpoints: found.into_iter().map(published).collect(),
                read_at_size: reading.size(),
            })
        });
        work.await
    }
}

fn published(checkpoint: PublishedCheckpoint) -> proto::PublishedCheckpoint {
    proto::PublishedCheckpoint {
        size: checkpoint.size,
        checkpoint: checkpoint.note.to_string(),
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
