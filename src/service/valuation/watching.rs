//! One watcher of a request: what changes in the rows or in the work on it is sent on.

use tokio::sync::watch;

use super::request_message;
use crate::engine::{Progress, Stage};
use crate::ledger::Locator;
use crate::ledger::query::Requested;
use crate::service::calls::Call;
use crate::service::identity::{Identity, ended};
use crate::service::reads::Reads;
use crate::service::status::Failure;
use crate::service::stopping::{AnswerStream, shutting_down, stopped};
use crate::wire::proto;

/// A request while somebody watches it.
pub(super) struct Watching {
    pub reads: Reads,
    /// Ends the stream when the server stops.
    pub stopping: watch::Receiver<bool>,
    /// Changes when the rows do.
    pub sizes: watch::Receiver<u64>,
    /// How far the work is; none where nobody works on requests here, or it is over.
    pub progress: Option<watch::Receiver<Progress>>,
    /// The call that is answered.
    pub call: Call,
    /// Who watches; the stream ends with the key.
    pub identity: Identity,
    /// Where the request was made.
    pub at: Locator,
    /// What was sent last.
    pub told: Option<proto::WatchResponse>,
}

impl Watching {
    /// Returns the answers as they come.
    pub fn stream(self) -> AnswerStream<proto::WatchResponse> {
        Box::pin(futures_util::stream::unfold(
            Some(self),
            |watching| async move {
                let mut watching = watching?;
                match watching.next().await {
                    Ok(Some(answer)) => Some((Ok(answer), Some(watching))),
                    Ok(None) => {
                        watching.call.answered();
                        None
                    }
                    Err(failure) => Some((Err(watching.call.fail(failure)), None)),
                }
            },
        ))
    }

    /// Returns the next answer that differs from the one before; none after the last.
    async fn next(&mut self) -> Result<Option<proto::WatchResponse>, Failure> {
        if self.told.as_ref().is_some_and(is_last) {
            return Ok(None);
        }
        loop {
            // Seen before it is read, so that a change in between is looked at again.
            self.sizes.mark_unchanged();
            let progress = match &mut self.progress {
                Some(progress) => progress.borrow_and_update().clone(),
                None => Progress::default(),
            };
            let answer = self.answer(progress).await?;
            if self.told.as_ref() != Some(&answer) {
                self.told = Some(answer.clone());
                return Ok(Some(answer));
            }
            self.changed().await?;
        }
    }

    async fn answer(&self, progress: Progress) -> Result<proto::WatchResponse, Failure> {
        let engine = self.reads.engine().clone();
        let (identity, at) = (self.identity.clone(), self.at);
        let read = move || {
            let state = engine.published();
            if !identity.holds(&state.view)? {
                return Err(ended());
            }
            let found = Requested::load(&state.view, at)?;
            let found = found.ok_or_else(|| Failure::missing("request for a valuation"))?;
            let finished = found.valuation.is_some();
            let stage = match finished {
                true => proto::ValuationStage::Finished,
                false => stage(progress.stage),
            };
            let (done, total, note) = match finished {
                true => (0, 0, String::new()),
                false => (progress.done, progress.total, progress.note),
            };
            Ok(proto::WatchResponse {
                request: Some(request_message(&found)),
                stage: stage.into(),
                done,
                total,
                note,
            })
        };
        self.reads.run(read).await
    }

    /// Waits until something has changed.
    async fn changed(&mut self) -> Result<(), Failure> {
        let work = async {
            match &mut self.progress {
                Some(progress) => progress.changed().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        let works = tokio::select! {
            works = work => works,
            _ = self.sizes.changed() => true,
            () = stopped(&mut self.stopping) => return Err(shutting_down()),
        };
        if !works {
            // The work on it is over, which the rows will show, or have shown.
            self.progress = None;
        }
        Ok(())
    }
}

fn is_last(answer: &proto::WatchResponse) -> bool {
    let (finished, failed) = (
        proto::ValuationStage::Finished,
        proto::ValuationStage::Failed,
    );
    answer.stage == i32::from(finished) || answer.stage == i32::from(failed)
}

fn stage(stage: Stage) -> proto::ValuationStage {
    match stage {
        Stage::Queued => proto::ValuationStage::Queued,
        Stage::WaitsForReveal => proto::ValuationStage::WaitsForReveal,
        Stage::WaitsForRows => proto::ValuationStage::WaitsForRows,
        Stage::WaitsForKey => proto::ValuationStage::WaitsForKey,
        Stage::Reading => proto::ValuationStage::Reading,
        Stage::Valuing => proto::ValuationStage::Valuing,
        Stage::Recording => proto::ValuationStage::Recording,
        Stage::Failed => proto::ValuationStage::Failed,
    }
}
