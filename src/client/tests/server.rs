//! A ledger service in memory that records whatever it is sent, and misbehaves as told.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

use crate::client::{Connection, Identity, Pins, SignedCommand, Target, sign_command};
use crate::domain::{
    Action, CommandId, Entry, FreezePeriod, LedgerId, Nonce, Origin, Reason, Receipt, Signer,
    UnixMillis,
};
use crate::keys::SecretKey;
use crate::merkle::{
    Checkpoint, MemoryTree, VerifierKey, inclusion_proof, leaf_hash, sign_checkpoint,
};
use crate::wire::proto;
use crate::wire::proto::ledger_service_server::{LedgerService, LedgerServiceServer};
use crate::wire::timestamp;

pub(super) const LEDGER: LedgerId = LedgerId([7; 32]);
pub(super) const TIME: UnixMillis = UnixMillis(1_750_000_000_000);

/// How the server answers the next command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Honest,
    /// Records and then breaks off without an answer.
    RecordsAndDies,
    /// Refuses for this reason.
    Refuses(Reason),
    /// Answers with the receipt of another place in the log.
    Moves,
}

pub(super) struct State {
    pub(super) mood: Mood,
    pub(super) entries: Vec<Entry>,
    pub(super) seen: Vec<Bytes>,
}

#[derive(Clone)]
pub(super) struct Ledger(Arc<Mutex<State>>);

pub(super) fn log_key() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

pub(super) fn party_key() -> SecretKey {
    SecretKey::from_seed(&[2; 32])
}

pub(super) fn verifier_key() -> VerifierKey {
    VerifierKey {
        name: origin(),
        key: log_key().public_key(),
    }
}

fn origin() -> Origin {
    "log.example/test".parse().unwrap()
}

/// Signs a command that differs from others by `number`.
pub(super) fn command(number: u8) -> SignedCommand {
    let action = Action::from(FreezePeriod {
        pool: "solar".parse().unwrap(),
        period: "2026-10".parse().unwrap(),
    });
    let actor = "school".parse().unwrap();
    let nonce = Nonce([number; 16]);
    sign_command(&party_key(), &actor, Some(LEDGER), nonce, TIME, action)
}

/// Returns the receipt of the entry at `index` in a log of these entries.
pub(super) fn receipt(entries: &[Entry], index: usize) -> Receipt {
    let hashes = entries
        .iter()
        .map(|entry| leaf_hash(&entry.leaf().unwrap()));
    let tree: MemoryTree = hashes.collect();
    let checkpoint = Checkpoint {
        origin: origin(),
        size: tree.size(),
        root: tree.root(),
    };
    let place = u64::try_from(index).unwrap();
    Receipt {
        index: place,
        recorded_at: entries[index].recorded_at,
        public_key: entries[index].public_key,
        signature: entries[index].signature,
        inclusion_proof: inclusion_proof(place, tree.size(), &tree).unwrap(),
        checkpoint: sign_checkpoint(&checkpoint, &[&log_key()]),
    }
}

pub(super) fn entry(signed: &SignedCommand, recorded_at: u64) -> Entry {
    Entry {
        recorded_at: UnixMillis(recorded_at),
        public_key: signed.public_key,
        signature: signed.signature,
        command: signed.command.clone(),
    }
}

impl Ledger {
    /// Starts a server that has one entry already, and returns it with its address.
    pub(super) async fn start() -> (Self, String) {
        let first = entry(&command(0), TIME.0);
        let ledger = Self(Arc::new(Mutex::new(State {
            mood: Mood::Honest,
            entries: vec![first],
            seen: Vec::new(),
        })));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = LedgerServiceServer::new(ledger.clone());
        let server = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        (ledger, url)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn answer(&self, message: Option<proto::SignedCommand>) -> Result<proto::Receipt, Status> {
        let message = message.unwrap();
        let mut state = self.state();
        state.seen.push(message.command.clone());
        if let Mood::Refuses(reason) = state.mood {
            return Err(refusal(reason));
        }
        let known = state
            .entries
            .iter()
            .position(|entry| entry.command == message.command);
        let mut index = known.unwrap_or(state.entries.len());
        if known.is_none() {
            let time = TIME.0 + u64::try_from(index).unwrap();
            state.entries.push(Entry {
                recorded_at: UnixMillis(time),
                public_key: message.public_key.as_ref().try_into().unwrap(),
                signature: message.signature.as_ref().try_into().unwrap(),
                command: message.command.clone(),
            });
        }
        match state.mood {
            Mood::RecordsAndDies => return Err(Status::unavailable("the server was killed")),
            Mood::Moves => {
                // The same command once more, at another place: a second history.
                let again = state.entries[index].clone();
                state.entries.push(again);
                index = state.entries.len() - 1;
            }
            Mood::Honest | Mood::Refuses(_) => {}
        }
        Ok(message_of(&receipt(&state.entries, index)))
    }
}

fn refusal(reason: Reason) -> Status {
    use tonic_types::{ErrorDetails, StatusExt};
    let facts = [("limit".to_owned(), "7".to_owned())];
    let mut details = ErrorDetails::with_error_info(reason.as_str(), "fenrun.v1", facts);
    details.add_bad_request_violation("pool", "is unknown");
    Status::with_error_details(tonic::Code::FailedPrecondition, "refused", details)
}

pub(super) fn message_of(receipt: &Receipt) -> proto::Receipt {
    let proof = receipt.inclusion_proof.iter();
    proto::Receipt {
        index: receipt.index,
        recorded_at: Some(timestamp(receipt.recorded_at)),
        public_key: Bytes::copy_from_slice(&receipt.public_key.0),
        signature: Bytes::copy_from_slice(&receipt.signature.0),
        inclusion_proof: proof.map(|hash| Bytes::copy_from_slice(&hash.0)).collect(),
        checkpoint: receipt.checkpoint.clone(),
    }
}

/// Connects to a server as the party, pinned as told.
pub(super) async fn connect(url: &str) -> Connection {
    let pins = Pins {
        ledger: LEDGER,
        log_keys: vec![verifier_key()],
    };
    connect_pinned(url, pins).await.unwrap()
}

pub(super) async fn connect_pinned(
    url: &str,
    pins: Pins,
) -> Result<Connection, crate::client::ClientError> {
    let target = Target::new(url, None, false).unwrap();
    let identity = Identity {
        party: "school".parse().unwrap(),
        key: Arc::new(party_key()),
    };
    Connection::open(&target, pins, Some(identity), Arc::new(|| TIME)).await
}

#[tonic::async_trait]
impl LedgerService for Ledger {
    async fn submit(
        &self,
        request: Request<proto::SubmitRequest>,
    ) -> Result<Response<proto::SubmitResponse>, Status> {
        assert!(request.metadata().get("authorization").is_some());
        let signed = request.into_inner().signed_command;
        let id = CommandId::of(&signed.as_ref().unwrap().command);
        let receipt = self.answer(signed)?;
        Ok(Response::new(proto::SubmitResponse {
            command_id: Bytes::copy_from_slice(&id.0),
            receipt: Some(receipt),
        }))
    }

    type SubmitStreamStream = ReceiverStream<Result<proto::SubmitStreamResponse, Status>>;

    async fn submit_stream(
        &self,
        request: Request<Streaming<proto::SubmitStreamRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        use proto::submit_stream_response::Result as Answered;
        let mut requests = request.into_inner();
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let ledger = self.clone();
        tokio::spawn(async move {
            let mut sequence = 0;
            while let Ok(Some(request)) = requests.message().await {
                let signed = request.signed_command;
                let id = CommandId::of(&signed.as_ref().unwrap().command);
                let result = match ledger.answer(signed) {
                    Ok(receipt) => Answered::Receipt(receipt),
                    Err(status) if status.code() == tonic::Code::Unavailable => {
                        let _ = sender.send(Err(status)).await;
                        return;
                    }
                    Err(status) => {
                        Answered::Status(prost::Message::decode(status.details()).unwrap())
                    }
                };
                let answer = proto::SubmitStreamResponse {
                    sequence,
                    command_id: Bytes::copy_from_slice(&id.0),
                    result: Some(result),
                };
                sequence += 1;
                if sender.send(Ok(answer)).await.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn get_ledger(
        &self,
        _: Request<proto::GetLedgerRequest>,
    ) -> Result<Response<proto::GetLedgerResponse>, Status> {
        let state = self.state();
        let newest = receipt(&state.entries, 0);
        Ok(Response::new(proto::GetLedgerResponse {
            ledger_id: Bytes::copy_from_slice(&LEDGER.0),
            origin: origin().to_string(),
            verifier_keys: vec![verifier_key().to_string()],
            server_time: Some(timestamp(TIME)),
            checkpoint: newest.checkpoint,
            ..Default::default()
        }))
    }

    async fn check_command(
        &self,
        _: Request<proto::CheckCommandRequest>,
    ) -> Result<Response<proto::CheckCommandResponse>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }
}
