//! Runs of entries, in parts.

use bytes::Bytes;
use tokio::sync::watch;

use crate::service::calls::Call;
use crate::service::identity::{Identity, ended};
use crate::service::limits::PART_BYTES_MAX;
use crate::service::reads::Reads;
use crate::service::status::Failure;
use crate::service::stopping::{AnswerStream, shutting_down};
use crate::store::log::LogReader;
use crate::wire::proto;

/// A run of entries while it is streamed.
pub(super) struct Run {
    /// Reads the parts.
    pub reads: Reads,
    /// Ends the run when the server stops.
    pub stopping: watch::Receiver<bool>,
    /// The call that it answers.
    pub call: Call,
    /// Who reads; the run ends with the key.
    pub identity: Identity,
    /// The index of the next entry.
    pub next: u64,
    /// The index after the last.
    pub end: u64,
    /// The log size that the run is as of.
    pub size: u64,
    /// Whether a part was given.
    pub begun: bool,
}

impl Run {
    /// Returns the parts as they are read.
    pub fn stream(self) -> AnswerStream<proto::ListEntriesResponse> {
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
