//! Many submissions in one order: decided in it, answered in it, none dropped.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::door;
use super::receipt::{Receipt, SignedBytes};
use super::{Engine, Waiting};
use crate::domain::{CommandId, Rejection};

/// The most submissions of one stream that wait for their answer; reading stops there.
pub const STREAM_UNANSWERED_MAX: usize = 4_096;

/// The answer to one submission of a stream.
#[derive(Debug)]
pub struct StreamAnswer {
    /// The place of the submission in the stream, from 0.
    pub sequence: u64,
    /// BLAKE3 of the bytes that were sent as a command.
    pub command_id: CommandId,
    /// What became of it.
    pub result: Result<Receipt, Rejection>,
}

struct Unanswered {
    sequence: u64,
    command_id: CommandId,
    waiting: Waiting,
    permit: OwnedSemaphorePermit,
}

/// The side of a stream where submissions go in; dropping it ends the stream.
pub struct StreamInput {
    engine: Engine,
    next: u64,
    room: Arc<Semaphore>,
    unanswered: mpsc::UnboundedSender<Unanswered>,
}

/// The side of a stream where answers come out.
pub struct StreamOutput {
    engine: Engine,
    unanswered: mpsc::UnboundedReceiver<Unanswered>,
}

/// Returns both sides of a new stream.
pub(super) fn open(engine: &Engine) -> (StreamInput, StreamOutput) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let input = StreamInput {
        engine: engine.clone(),
        next: 0,
        room: Arc::new(Semaphore::new(STREAM_UNANSWERED_MAX)),
        unanswered: sender,
    };
    let output = StreamOutput {
        engine: engine.clone(),
        unanswered: receiver,
    };
    (input, output)
}

impl StreamInput {
    /// Hands in the next submission and returns its sequence number; waits while
    /// [`STREAM_UNANSWERED_MAX`] are unanswered or the engine has no room.
    ///
    /// None says that the output is gone, so that nobody would be answered.
    pub async fn push(&mut self, signed: SignedBytes) -> Option<u64> {
        let permit = Arc::clone(&self.room).acquire_owned().await.ok()?;
        let command_id = CommandId::of(&signed.command);
        let waiting = match door::inspect(&signed) {
            Ok(inspected) => self.engine.enqueue(inspected).await,
            Err(rejection) => Waiting::Refused(rejection),
        };
        let sequence = self.next;
        self.next = self.next.saturating_add(1);
        let unanswered = Unanswered {
            sequence,
            command_id,
            waiting,
            permit,
        };
        self.unanswered.send(unanswered).ok()?;
        Some(sequence)
    }
}

impl StreamOutput {
    /// Returns the next answer, in the order of the submissions, once all it rests on is durable;
    /// none when the input is dropped and all are answered.
    pub async fn next(&mut self) -> Option<StreamAnswer> {
        let Unanswered {
            sequence,
            command_id,
            waiting,
            permit,
        } = self.unanswered.recv().await?;
        let result = self.engine.answer(waiting).await;
        drop(permit);
        Some(StreamAnswer {
            sequence,
            command_id,
            result,
        })
    }
}
