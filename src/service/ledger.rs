//! `LedgerService`: the write door.

use bytes::{Bytes, BytesMut};
use tokio::sync::{oneshot, watch};
use tonic::{Request, Response, Status, Streaming};

use super::calls::Call;
use super::key_changes::log_key_changes;
use super::limits::{
    CHUNK_BYTES_MAX, HEADER_BYTES_MAX, MESSAGE_BYTES_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX,
    QUERY_BYTES_MAX, ServeLimits, UNANSWERED_MAX,
};
use super::reads::{Answer, Reads};
use super::status::Failure;
use super::stopping::{AnswerStream, shutting_down, stopped};
use crate::domain::{
    ATTACHMENT_BYTES_MAX, COMMAND_BYTES_MAX, CommandId, Reason, Rejection, TreeHash, Violation,
};
use crate::engine::{Engine, Receipt, SignedBytes, StreamAnswer, StreamInput, StreamOutput};
use crate::keys::TOKEN_SECONDS_MAX;
use crate::merkle::VerifierKey;
use crate::wire::proto::ledger_service_server::LedgerService;
use crate::wire::{proto, timestamp};

/// Takes commands.
pub(super) struct Ledger {
    reads: Reads,
    limits: ServeLimits,
    blob_bytes_max: u64,
    stopping: watch::Receiver<bool>,
}

impl Ledger {
    pub fn new(
        reads: Reads,
        limits: ServeLimits,
        blob_bytes_max: u64,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            reads,
            limits,
            blob_bytes_max,
            stopping,
        }
    }

    fn engine(&self) -> &Engine {
        self.reads.engine()
    }
}

#[tonic::async_trait]
impl LedgerService for Ledger {
    type SubmitStreamStream = AnswerStream<proto::SubmitStreamResponse>;

    async fn submit(
        &self,
        request: Request<proto::SubmitRequest>,
    ) -> Answer<proto::SubmitResponse> {
        let call = Call::of(&request);
        let Some(signed) = request.into_inner().signed_command else {
            let violations = vec![Violation::new("signed_command", "is required")];
            let rejection = Rejection::with_violations(Reason::Malformed, violations);
            return Err(call.fail(rejection));
        };
        let signed = signed_bytes(signed);
        let command_id = CommandId::of(&signed.command);
        let receipt = self.engine().submit(signed).await;
        let receipt = receipt.map_err(|rejection| call.fail(rejection))?;
        call.answered();
        Ok(Response::new(proto::SubmitResponse {
            command_id: Bytes::copy_from_slice(&command_id.0),
            receipt: Some(receipt_message(&receipt)),
        }))
    }

    async fn submit_stream(
        &self,
        request: Request<Streaming<proto::SubmitStreamRequest>>,
    ) -> Answer<Self::SubmitStreamStream> {
        let call = Call::of(&request);
        let (input, output) = self.engine().stream();
        let (broke, broken) = oneshot::channel();
        let requests = Requests {
            incoming: request.into_inner(),
            input,
            stopping: self.stopping.clone(),
            call: call.clone(),
        };
        // Ends with the answers: where nobody takes them any more, the input has nowhere to go.
        tokio::spawn(async move {
            if let Err(status) = requests.read().await {
                // Nobody listens where the client is gone.
                let _ = broke.send(status);
            }
        });
        Ok(Response::new(answers(call, output, broken)))
    }

    async fn get_ledger(
        &self,
        request: Request<proto::GetLedgerRequest>,
    ) -> Answer<proto::GetLedgerResponse> {
        let (limits, blob_bytes_max) = (self.limits, self.blob_bytes_max);
        let work = self.reads.answer_anybody(request, move |_, reading| {
            let charter = &reading.state.charter;
            let verifier_key = VerifierKey {
                name: charter.origin.clone(),
                key: charter.log_key,
            };
            Ok(proto::GetLedgerResponse {
                ledger_id: Bytes::copy_from_slice(&charter.ledger.0),
                origin: charter.origin.to_string(),
                verifier_keys: vec![verifier_key.to_string()],
                server_time: Some(timestamp(reading.engine().clock().now())),
                time_window_ms: charter.time_window_ms,
                rules_version: charter.rules_version,
                limits: Some(limits_message(&limits, blob_bytes_max)),
                checkpoint: reading.state.checkpoint.to_string(),
                read_at_size: reading.size(),
                log_key_changes: log_key_changes(reading)?,
            })
        });
        work.await
    }

    async fn check_command(
        &self,
        request: Request<proto::CheckCommandRequest>,
    ) -> Answer<proto::CheckCommandResponse> {
        let work = self.reads.answer_anybody(request, |asked, reading| {
            let Some(signed) = asked.signed_command else {
                return Err(Failure::field("signed_command", "is required"));
            };
            super::check::check(reading, &signed_bytes(signed))
        });
        work.await
    }
}

fn signed_bytes(message: proto::SignedCommand) -> SignedBytes {
    SignedBytes {
        command: message.command,
        public_key: message.public_key,
        signature: message.signature,
    }
}

fn receipt_message(receipt: &Receipt) -> proto::Receipt {
    // All hashes share one allocation: a receipt has some twenty.
    let proof = &receipt.inclusion_proof;
    let mut hashes = BytesMut::with_capacity(proof.len().saturating_mul(TreeHash::SIZE));
    proof
        .iter()
        .for_each(|hash| hashes.extend_from_slice(&hash.0));
    let mut hashes = hashes.freeze();
    proto::Receipt {
        index: receipt.index,
        recorded_at: Some(timestamp(receipt.recorded_at)),
        public_key: Bytes::copy_from_slice(&receipt.public_key.0),
        signature: Bytes::copy_from_slice(&receipt.signature.0),
        inclusion_proof: proof
            .iter()
            .map(|_| hashes.split_to(TreeHash::SIZE))
            .collect(),
        checkpoint: receipt.checkpoint.to_string(),
    }
}

fn limits_message(limits: &ServeLimits, blob_bytes_max: u64) -> proto::Limits {
    // Every limit is far below the range of its field; one that were not would be no limit.
    let number = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
    let seconds = u32::try_from(limits.call.as_secs()).unwrap_or(u32::MAX);
    proto::Limits {
        command_bytes_max: number(COMMAND_BYTES_MAX),
        message_bytes_max: number(MESSAGE_BYTES_MAX),
        unanswered_max: number(UNANSWERED_MAX),
        page_size_max: PAGE_SIZE_MAX,
        attachment_bytes_max: ATTACHMENT_BYTES_MAX,
        blob_bytes_max,
        chunk_bytes_max: number(CHUNK_BYTES_MAX),
        token_seconds_max: TOKEN_SECONDS_MAX,
        page_size_default: PAGE_SIZE_DEFAULT,
        query_bytes_max: number(QUERY_BYTES_MAX),
        header_bytes_max: HEADER_BYTES_MAX,
        connection_calls_max: limits.streams_per_connection,
        call_seconds_max: seconds,
    }
}

/// The requests of a stream of commands.
struct Requests {
    incoming: Streaming<proto::SubmitStreamRequest>,
    input: StreamInput,
    stopping: watch::Receiver<bool>,
    call: Call,
}

impl Requests {
    /// Hands in every request until the client has sent all, goes away, or the server stops.
    async fn read(mut self) -> Result<(), Status> {
        loop {
            let message = tokio::select! {
                message = self.incoming.message() => message,
                () = stopped(&mut self.stopping) => return Err(self.call.fail(shutting_down())),
            };
            let Some(message) = message.map_err(|status| self.call.broken(status))? else {
                return Ok(());
            };
            // Without a command there is none to decode, which is answered in its turn.
            let signed = signed_bytes(message.signed_command.unwrap_or_default());
            if self.input.push(signed).await.is_none() {
                return Ok(());
            }
        }
    }
}

/// Returns the answers of a stream of commands, then what broke it, if anything did.
fn answers(
    call: Call,
    output: StreamOutput,
    broken: oneshot::Receiver<Status>,
) -> AnswerStream<proto::SubmitStreamResponse> {
    let state = Some((call, output, broken));
    Box::pin(futures_util::stream::unfold(state, |state| async move {
        let (call, mut output, broken) = state?;
        if let Some(answer) = output.next().await {
            let answer = stream_answer(&call, answer);
            return Some((Ok(answer), Some((call, output, broken))));
        }
        match broken.await {
            Ok(status) => Some((Err(status), None)),
            Err(_) => {
                call.answered();
                None
            }
        }
    }))
}

fn stream_answer(call: &Call, answer: StreamAnswer) -> proto::SubmitStreamResponse {
    use proto::submit_stream_response::Result as Sent;
    let StreamAnswer {
        sequence,
        command_id,
        result,
    } = answer;
    proto::SubmitStreamResponse {
        sequence,
        command_id: Bytes::copy_from_slice(&command_id.0),
        result: Some(match result {
            Ok(receipt) => Sent::Receipt(receipt_message(&receipt)),
            Err(rejection) => Sent::Status(call.refusal(&rejection)),
        }),
    }
}
