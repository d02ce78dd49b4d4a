//! Load for a ledger: commands signed beforehand, a server in a process of its own, and callers.

pub mod author;
pub mod server;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fenrun::client::SignedCommand;
use fenrun::domain::{COMMAND_TYPE, Verifier, signing_bytes};
use fenrun::keys::VerifyingKeys;
use fenrun::wire::proto;
use proto::ledger_service_client::LedgerServiceClient;
use proto::submit_stream_response::Result as Answered;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};

/// How many callers submit single commands at a time.
pub const CALLERS: usize = 64;
/// How many commands of a stream wait for their answer.
const UNANSWERED: usize = 4_000;

async fn channel(port: u16) -> Channel {
    let endpoint = Endpoint::try_from(format!("http://127.0.0.1:{port}")).unwrap();
    endpoint.connect().await.unwrap()
}

fn message(signed: &SignedCommand) -> proto::SignedCommand {
    proto::SignedCommand {
        command: signed.command.clone(),
        public_key: Bytes::copy_from_slice(&signed.public_key.0),
        signature: Bytes::copy_from_slice(&signed.signature.0),
    }
}

/// Submits single commands from [`CALLERS`] callers over one connection; returns what each took.
pub async fn submit_singles(port: u16, commands: Vec<SignedCommand>) -> Vec<Duration> {
    let channel = channel(port).await;
    let (commands, next) = (Arc::new(commands), Arc::new(AtomicUsize::new(0)));
    let all = Arc::new(Mutex::new(Vec::with_capacity(commands.len())));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let mut client = LedgerServiceClient::new(channel.clone());
        let (commands, next) = (Arc::clone(&commands), Arc::clone(&next));
        let all = Arc::clone(&all);
        callers.spawn(async move {
            let mut took = Vec::new();
            while let Some(signed) = commands.get(next.fetch_add(1, Ordering::Relaxed)) {
                let signed_command = Some(message(signed));
                let begin = Instant::now();
                let answer = client.submit(proto::SubmitRequest { signed_command });
                let answer = answer.await.expect("it is recorded");
                took.push(begin.elapsed());
                assert!(answer.into_inner().receipt.is_some());
            }
            all.lock().unwrap().extend(took);
        });
    }
    callers.join_all().await;
    Arc::into_inner(all).unwrap().into_inner().unwrap()
}

/// Submits commands through one stream; returns when all are answered with a receipt.
pub async fn submit_stream(port: u16, commands: Vec<SignedCommand>) {
    let mut client = LedgerServiceClient::new(channel(port).await);
    let room = Arc::new(Semaphore::new(UNANSWERED));
    let count = commands.len();
    let (sender, receiver) = tokio::sync::mpsc::channel(1_024);
    let window = Arc::clone(&room);
    tokio::spawn(async move {
        for signed in &commands {
            window.acquire().await.unwrap().forget();
            let signed_command = Some(message(signed));
            let request = proto::SubmitStreamRequest { signed_command };
            sender.send(request).await.unwrap();
        }
    });
    let requests = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let mut answers = client.submit_stream(requests).await.unwrap().into_inner();
    let mut answered = 0;
    while let Some(answer) = answers.message().await.unwrap() {
        assert!(
            matches!(answer.result, Some(Answered::Receipt(_))),
            "{answer:?}"
        );
        answered += 1;
        room.add_permits(1);
    }
    assert_eq!(answered, count);
}

/// Verifies signatures strictly on two threads, keys decoded before; returns how many a second.
pub fn verify(commands: &[SignedCommand], keys: &VerifyingKeys) -> f64 {
    let verify_all = |commands: &[SignedCommand]| {
        for signed in commands {
            let message = signing_bytes(COMMAND_TYPE, &signed.command);
            assert!(keys.verify(&signed.public_key, &message, &signed.signature));
        }
    };
    let (first, second) = commands.split_at(commands.len() / 2);
    let begin = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| verify_all(first));
        verify_all(second);
    });
    commands.len() as f64 / begin.elapsed().as_secs_f64()
}
