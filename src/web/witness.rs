//! A witness over HTTP: it cosigns checkpoints that go on from the last one that it cosigned.
//!
//! Looking at the last one, keeping the new one durably and cosigning are one step, of which there
//! is one at a time. So whatever ends the process, and whenever, no two answers contradict.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;

use super::answer;
use crate::domain::{Origin, Signer, Verifier};
use crate::engine::Clock;
use crate::merkle::{AddCheckpoint, Checkpoint, SignedNote, VerifierKey, WitnessRefusal, cosign};

/// The most bytes of a request: a proof and the largest note.
const BODY_BYTES_MAX: usize = 128 * 1024;

/// Where a witness keeps the last checkpoint of each log.
pub trait Memory: Send {
    /// Returns the last checkpoint that was kept, as its note; none before the first.
    ///
    /// # Errors
    /// It cannot be read.
    fn last(&self, log: &Origin) -> io::Result<Option<String>>;

    /// Keeps a checkpoint in the place of the one before, durably and in one step.
    ///
    /// # Errors
    /// It is not known to be durable; the one before may stand.
    fn keep(&self, log: &Origin, note: &str) -> io::Result<()>;
}

/// A witness.
pub struct Witnessing {
    /// Its name.
    pub name: Origin,
    /// Its key.
    pub signer: Arc<dyn Signer>,
    /// The keys of the logs that it watches.
    pub logs: Vec<VerifierKey>,
    /// The rule for signatures.
    pub verifier: Arc<dyn Verifier>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What it has cosigned; locked from looking until it is kept.
    pub memory: Mutex<Box<dyn Memory>>,
}

/// Why a witness has no cosignature to give.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Refused(#[from] WitnessRefusal),
    #[error("what was cosigned cannot be read or kept")]
    Memory(#[from] io::Error),
    #[error("the checkpoint that was kept for this log is damaged")]
    Damaged,
}

impl Witnessing {
    /// Answers a request with a signature line.
    fn add(&self, body: &[u8]) -> Result<String, Trouble> {
        let request = AddCheckpoint::parse(body)?;
        let (mut note, checkpoint) = request.open(&self.logs, self.verifier.as_ref())?;
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let last = memory.last(&checkpoint.origin)?;
        let last = last
            .map(|note| kept(&note, &checkpoint.origin))
            .transpose()?;
        request.goes_on(&checkpoint, last.as_ref())?;
        let seconds = self.clock.now().0 / 1_000;
        let line = cosign(&self.name, self.signer.as_ref(), note.text(), seconds);
        note.add(line.clone());
        memory.keep(&checkpoint.origin, &note.to_string())?;
        Ok(format!("{line}\n"))
    }
}

/// Reads the checkpoint that was kept.
fn kept(note: &str, log: &Origin) -> Result<Checkpoint, Trouble> {
    let note = SignedNote::parse(note.as_bytes()).map_err(|_| Trouble::Damaged)?;
    let checkpoint = Checkpoint::of_any_log(note.text()).map_err(|_| Trouble::Damaged)?;
    let its = checkpoint.origin == *log;
    its.then_some(checkpoint).ok_or(Trouble::Damaged)
}

/// Returns the routes of a witness: `add-checkpoint`.
pub fn witness_router(witness: Arc<Witnessing>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(witness)
}

async fn add_checkpoint(State(witness): State<Arc<Witnessing>>, body: Bytes) -> Response {
    let added = tokio::task::spawn_blocking(move || witness.add(&body)).await;
    let added = added.unwrap_or_else(|error| Err(Trouble::Memory(io::Error::other(error))));
    let trouble = match added {
        Ok(line) => return answer::line(StatusCode::OK, line.trim_end()),
        Err(trouble) => trouble,
    };
    let refused = match trouble {
        Trouble::Refused(refused) => refused,
        Trouble::Memory(_) | Trouble::Damaged => {
            let error: &dyn std::error::Error = &trouble;
            tracing::error!(error, "a checkpoint could not be cosigned");
            return answer::line(StatusCode::INTERNAL_SERVER_ERROR, &trouble.to_string());
        }
    };
    tracing::info!(%refused, "a checkpoint was not cosigned");
    let status = match &refused {
        WitnessRefusal::Form(_) => StatusCode::BAD_REQUEST,
        WitnessRefusal::UnknownLog(_) => StatusCode::NOT_FOUND,
        WitnessRefusal::NotSigned => StatusCode::FORBIDDEN,
        WitnessRefusal::NotConsistent(_) => StatusCode::UNPROCESSABLE_ENTITY,
        WitnessRefusal::Conflict { size } => {
            let mut response = answer::line(StatusCode::CONFLICT, &size.to_string());
            let kind = HeaderValue::from_static("text/x.tlog.size");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            return response;
        }
    };
    answer::line(status, &refused.to_string())
}
