//! Every bound of the server: what is over it is refused or waits, and what follows works.

use std::time::Duration;

use fenrun::domain::Reason;
use fenrun::service::{HEADER_BYTES_MAX, QUERY_BYTES_MAX, ServeLimits, UNANSWERED_MAX};
use fenrun::wire::proto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::{Code, Request};
use tonic_types::StatusExt;

use super::refused;
use crate::running::{PATIENCE, Running, Setup};

async fn with_limits(limits: ServeLimits) -> Running {
    let setup = Setup {
        limits,
        ..Setup::default()
    };
    Running::founded(setup).await
}

/// Returns a read that waits for a short while only.
fn soon<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(Duration::from_millis(200));
    request
}

#[tokio::test]
async fn a_connection_too_many_waits_until_another_ends() {
    let running = with_limits(ServeLimits {
        connections: 2,
        ..ServeLimits::default()
    })
    .await;
    let mut first = running.log_client().await;
    let mut second = running.log_client().await;
    first
        .get_checkpoint(proto::GetCheckpointRequest::default())
        .await
        .unwrap();
    second
        .get_checkpoint(proto::GetCheckpointRequest::default())
        .await
        .unwrap();
    let third = async {
        let mut third = running.log_client().await;
        third
            .get_checkpoint(proto::GetCheckpointRequest::default())
            .await
    };
    tokio::pin!(third);
    let waited = tokio::time::timeout(Duration::from_millis(200), &mut third).await;
    assert!(waited.is_err(), "{waited:?}");
    drop(first);
    tokio::time::timeout(PATIENCE, third)
        .await
        .unwrap()
        .unwrap();
    second
        .get_checkpoint(proto::GetCheckpointRequest::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_call_too_many_on_a_connection_waits_until_another_ends() {
    let running = with_limits(ServeLimits {
        streams_per_connection: 1,
        ..ServeLimits::default()
    })
    .await;
    let channel = running.channel().await;
    let mut client = proto::ledger_service_client::LedgerServiceClient::new(channel);
    // The server's settings are known after the first answer.
    client
        .get_ledger(proto::GetLedgerRequest::default())
        .await
        .unwrap();
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let requests = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let mut stream = client.submit_stream(requests).await.unwrap().into_inner();
    let status = client
        .get_ledger(soon(proto::GetLedgerRequest::default()))
        .await
        .unwrap_err();
    assert!(
        matches!(status.code(), Code::Cancelled | Code::DeadlineExceeded),
        "{status:?}"
    );
    drop(sender);
    assert!(stream.message().await.unwrap().is_none());
    client
        .get_ledger(proto::GetLedgerRequest::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_read_too_many_is_refused_with_the_time_to_come_again() {
    // No read is worked on, one waits, and the next is one too many.
    let running = with_limits(ServeLimits {
        reads_at_once: 0,
        reads_waiting: 1,
        ..ServeLimits::default()
    })
    .await;
    let client = running.log_client().await;
    let call = async || {
        let request = soon(proto::GetCheckpointRequest::default());
        client.clone().get_checkpoint(request).await.unwrap_err()
    };
    let (one, other) = tokio::join!(call(), call());
    let full = [one, other]
        .into_iter()
        .filter(|one| one.code() == Code::ResourceExhausted);
    let [full] = full.collect::<Vec<_>>().try_into().unwrap();
    refused(&full, Reason::QueueFull);
    let details = full.get_error_details();
    assert!(details.retry_info().unwrap().retry_delay.is_some());
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_ended_by_the_server() {
    let running = with_limits(ServeLimits {
        call: Duration::from_millis(100),
        ..ServeLimits::default()
    })
    .await;
    let mut client = running.log_client().await;
    let request = proto::GetCheckpointRequest { min_log_size: 99 };
    let status = client.get_checkpoint(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(
        status.message().contains("longer than its deadline"),
        "{status:?}"
    );
}

#[tokio::test]
async fn a_query_too_large_is_refused_before_it_is_read() {
    let running = Running::peopled().await;
    let mut client = running.registry_client().await;
    let request = proto::ListPartiesRequest {
        name_prefix: "x".repeat(QUERY_BYTES_MAX),
        ..Default::default()
    };
    let status = client
        .list_parties(running.request("lab", request))
        .await
        .unwrap_err();
    refused(&status, Reason::TooLarge);
    let garbage = proto::ListPartiesRequest::default();
    client
        .list_parties(running.request("lab", garbage))
        .await
        .unwrap();
}

#[tokio::test]
async fn headers_too_large_are_refused_and_the_connection_goes_on() {
    let running = Running::peopled().await;
    let mut client = running.log_client().await;
    let long = "x".repeat(HEADER_BYTES_MAX as usize + 1_000);
    let request = crate::running::with_token(proto::GetCheckpointRequest::default(), &long);
    client.get_checkpoint(request).await.unwrap_err();
    client
        .get_checkpoint(proto::GetCheckpointRequest::default())
        .await
        .unwrap();
}

/// Waits until the server closes the connection.
async fn closed(mut connection: TcpStream) {
    let mut buffer = [0; 1_024];
    let closed = async { while !matches!(connection.read(&mut buffer).await, Ok(0) | Err(_)) {} };
    tokio::time::timeout(PATIENCE, closed)
        .await
        .expect("the server closes the connection");
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_said_is_closed() {
    let running = with_limits(ServeLimits {
        handshake: Duration::from_millis(100),
        ..ServeLimits::default()
    })
    .await;
    closed(
        TcpStream::connect(("127.0.0.1", running.port))
            .await
            .unwrap(),
    )
    .await;
    let mut client = running.log_client().await;
    client
        .get_checkpoint(proto::GetCheckpointRequest::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_connection_that_does_not_answer_a_ping_is_closed() {
    let running = with_limits(ServeLimits {
        keepalive_interval: Duration::from_millis(50),
        keepalive_timeout: Duration::from_millis(50),
        ..ServeLimits::default()
    })
    .await;
    let mut connection = TcpStream::connect(("127.0.0.1", running.port))
        .await
        .unwrap();
    // The preface of HTTP/2 and empty settings, and not a word more.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    connection.write_all(preface).await.unwrap();
    closed(connection).await;
}

#[tokio::test]
async fn a_stream_is_not_read_beyond_what_may_be_unanswered() {
    let running = with_limits(ServeLimits::default()).await;
    let mut client = running.ledger_client().await;
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let requests = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let sending = tokio::spawn(async move {
        let mut sent = 0_usize;
        // Malformed, so that each is answered at once and costs the server nothing.
        while sender
            .send(proto::SubmitStreamRequest::default())
            .await
            .is_ok()
        {
            sent += 1;
            if sent == 3 * UNANSWERED_MAX {
                break;
            }
        }
        sent
    });
    let mut stream = client.submit_stream(requests).await.unwrap().into_inner();
    let mut answered = 0;
    while let Some(answer) = stream.message().await.unwrap() {
        assert_eq!(answer.sequence, answered);
        answered += 1;
    }
    assert_eq!(answered, 3 * UNANSWERED_MAX as u64);
    assert_eq!(sending.await.unwrap(), 3 * UNANSWERED_MAX);
    assert_eq!(UNANSWERED_MAX, fenrun::engine::STREAM_UNANSWERED_MAX);
}
