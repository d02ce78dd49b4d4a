//! `BlobService`: uploads that end well and badly, downloads, and what "stored" means.

use std::time::Duration;

use fenrun::domain::{ContentHash, Reason, RevokeKey, Signer};
use fenrun::service::{CHUNK_BYTES_MAX, ServeLimits};
use fenrun::store::blobs::BlobLimits;
use fenrun::wire::proto;
use proto::put_request::Part;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

use super::refused;
use crate::running::actions::record;
use crate::running::{OPERATOR, PATIENCE, Running, Setup, key};

async fn download(
    running: &Running,
    party: &str,
    hash: ContentHash,
    offset: u64,
    limit: u64,
) -> Result<(Vec<u8>, usize), Status> {
    let request = proto::GetRequest {
        hash: hash.0.to_vec().into(),
        offset,
        limit,
    };
    let request = running.request(party, request);
    let mut parts = running.blob_client().await.get(request).await?.into_inner();
    let (mut bytes, mut chunks) = (Vec::new(), 0);
    while let Some(part) = parts.message().await? {
        assert!(part.chunk.len() <= CHUNK_BYTES_MAX);
        bytes.extend_from_slice(&part.chunk);
        chunks += 1;
    }
    Ok((bytes, chunks))
}

fn part(part: Part) -> proto::PutRequest {
    proto::PutRequest { part: Some(part) }
}

fn header(bytes: &[u8]) -> proto::PutRequest {
    part(Part::Header(proto::PutHeader {
        hash: ContentHash::of(bytes).0.to_vec().into(),
        size: bytes.len() as u64,
    }))
}

fn chunk(bytes: &[u8]) -> proto::PutRequest {
    part(Part::Chunk(bytes.to_vec().into()))
}

async fn put(running: &Running, parts: Vec<proto::PutRequest>) -> Status {
    let parts = tokio_stream::iter(parts);
    let mut client = running.blob_client().await;
    client.put(running.request("lab", parts)).await.unwrap_err()
}

/// The files that lie in the folder of the blobs.
fn kept(running: &Running) -> usize {
    fn count(folder: &std::path::Path) -> usize {
        let entries = std::fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .map(|path| if path.is_dir() { count(&path) } else { 1 })
            .sum()
    }
    count(&running.folder.path().join("blobs"))
}

#[tokio::test]
async fn bytes_go_in_and_come_out_whole_or_in_part() {
    let running = Running::peopled().await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| number as u8).collect();
    let hash = ContentHash::of(&bytes);
    let mut parts = vec![header(&bytes)];
    parts.extend(bytes.chunks(CHUNK_BYTES_MAX).map(chunk));
    let mut client = running.blob_client().await;
    let request = running.request("lab", tokio_stream::iter(parts));
    let answer = client.put(request).await.unwrap().into_inner();
    assert_eq!(
        (answer.hash, answer.size),
        (hash.0.to_vec().into(), 3_000_000)
    );

    let request = proto::StatRequest {
        hash: hash.0.to_vec().into(),
    };
    let answer = client
        .stat(running.request("lab", request))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.size, 3_000_000);
    let (whole, chunks) = download(&running, "lab", hash, 0, 0).await.unwrap();
    assert!(whole == bytes && chunks == 3);
    for (offset, limit) in [(0, 1), (5, 1_500_000), (2_999_999, 9), (3_000_000, 0)] {
        let (some, _) = download(&running, "lab", hash, offset, limit)
            .await
            .unwrap();
        let end = if limit == 0 {
            bytes.len()
        } else {
            (offset + limit).min(3_000_000) as usize
        };
        assert!(some == bytes[offset as usize..end], "{offset} {limit}");
    }
    let status = download(&running, "lab", hash, 3_000_001, 0)
        .await
        .unwrap_err();
    refused(&status, Reason::InvalidArgument);
}

#[tokio::test]
async fn an_upload_is_answered_alike_whether_the_bytes_were_there_or_not() {
    let running = Running::peopled().await;
    let first = running.put("provider", "the same bytes").await.unwrap();
    let again = running.put("lab", "the same bytes").await.unwrap();
    assert_eq!(first, again);
    // To one who has only announced them they are not there.
    let bytes = b"the same bytes";
    let wrong = vec![header(bytes), chunk(b"other bytes!!!")];
    refused(&put(&running, wrong).await, Reason::ContentMismatch);
    let hash = ContentHash::of(bytes);
    let status = download(&running, "payer", hash, 0, 0).await.unwrap_err();
    refused(&status, Reason::NotFound);
}

#[tokio::test]
async fn what_does_not_match_or_breaks_leaves_nothing_behind() {
    let running = narrow().await;
    let bytes = b"0123456789";
    let cases = [
        (vec![], Reason::InvalidArgument),
        (vec![chunk(bytes)], Reason::InvalidArgument),
        (vec![header(bytes), header(bytes)], Reason::InvalidArgument),
        (
            vec![proto::PutRequest { part: None }],
            Reason::InvalidArgument,
        ),
        (
            vec![header(bytes), chunk(b"9876543210")],
            Reason::ContentMismatch,
        ),
        (
            vec![header(bytes), chunk(b"01234")],
            Reason::ContentMismatch,
        ),
        (
            vec![header(bytes), chunk(bytes), chunk(b"0")],
            Reason::ContentMismatch,
        ),
        (
            vec![header(bytes), chunk(&vec![0; CHUNK_BYTES_MAX + 100])],
            Reason::TooLarge,
        ),
    ];
    for (parts, reason) in cases {
        refused(&put(&running, parts).await, reason);
    }
    let short = proto::PutHeader {
        hash: vec![1; 31].into(),
        size: 0,
    };
    let status = put(&running, vec![part(Part::Header(short))]).await;
    refused(&status, Reason::InvalidArgument);
    // The client goes away in the middle.
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    sender.send(header(bytes)).await.unwrap();
    sender.send(chunk(b"01234")).await.unwrap();
    let mut client = running.blob_client().await;
    let request = running.request("lab", ReceiverStream::new(receiver));
    let call = tokio::spawn(async move { client.put(request).await });
    begun(&running).await;
    call.abort();
    let gone = async { while put(&running, vec![]).await.code() == Code::ResourceExhausted {} };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    assert_eq!(kept(&running), 0);
}

#[tokio::test]
async fn stored_means_uploaded_by_the_same_party() {
    let running = Running::peopled().await;
    running
        .record("provider", record("digits", 1, b"digits"))
        .await;
    let mut client = running.registry_client().await;
    let mut stored = async || {
        let request = proto::GetContributionRequest {
            reference: "provider/digits@1".to_owned(),
            min_log_size: 0,
        };
        let answer = client
            .get_contribution(running.request("auditor", request))
            .await;
        answer.unwrap().into_inner().contribution.unwrap().stored
    };
    assert!(!stored().await);
    running.put("lab", "digits").await.unwrap();
    assert!(!stored().await);
    running.put("provider", "digits").await.unwrap();
    assert!(stored().await);
}

#[tokio::test]
async fn blobs_and_quotas_are_bounded() {
    let running = Running::founded(Setup {
        blobs: BlobLimits {
            blob_bytes_max: 100,
            party_bytes_max: 150,
        },
        ..Setup::default()
    })
    .await;
    running.admit_people().await;
    let large = running.put("lab", &"x".repeat(101)).await.unwrap_err();
    refused(&large, Reason::TooLarge);
    running.put("lab", &"x".repeat(100)).await.unwrap();
    let second = running.put("lab", &"y".repeat(51)).await.unwrap_err();
    refused(&second, Reason::QuotaExceeded);
    running.put("lab", &"y".repeat(50)).await.unwrap();
    // Another party has a quota of its own.
    running.put("provider", &"y".repeat(100)).await.unwrap();
    let mut client = running.ledger_client().await;
    let answer = client
        .get_ledger(proto::GetLedgerRequest::default())
        .await
        .unwrap();
    let limits = answer.into_inner().limits.unwrap();
    assert_eq!(limits.blob_bytes_max, 100);
    assert_eq!(limits.attachment_bytes_max, 64 << 20);
    assert_eq!(limits.chunk_bytes_max, 1 << 20);
}

async fn with_limits(limits: ServeLimits) -> Running {
    let setup = Setup {
        limits,
        ..Setup::default()
    };
    let running = Running::founded(setup).await;
    running.admit_people().await;
    running
}

type Sender = tokio::sync::mpsc::Sender<proto::PutRequest>;

/// Waits until a transfer is under way, where there may be one at once.
async fn begun(running: &Running) {
    let begun = async {
        // Refused for its form as long as there is a place.
        while put(running, vec![]).await.code() != Code::ResourceExhausted {}
    };
    tokio::time::timeout(PATIENCE, begun).await.unwrap();
}

/// Returns a ledger that takes one transfer at once.
async fn narrow() -> Running {
    with_limits(ServeLimits {
        transfers_at_once: 1,
        ..ServeLimits::default()
    })
    .await
}

/// Begins an upload that goes no further than its announcement.
async fn stuck_upload(running: &Running) -> (tokio::task::JoinHandle<Status>, Sender) {
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    sender.send(header(b"0123456789")).await.unwrap();
    let mut client = running.blob_client().await;
    let request = running.request("lab", ReceiverStream::new(receiver));
    let call = tokio::spawn(async move { client.put(request).await.unwrap_err() });
    begun(running).await;
    (call, sender)
}

#[tokio::test]
async fn transfers_are_bounded_and_one_that_stands_still_is_ended() {
    let running = with_limits(ServeLimits {
        transfers_at_once: 1,
        idle_transfer: Duration::from_millis(300),
        ..ServeLimits::default()
    })
    .await;
    let (stuck, _sender) = stuck_upload(&running).await;
    let full = running.put("provider", "bytes").await.unwrap_err();
    refused(&full, Reason::QueueFull);
    let ended = tokio::time::timeout(PATIENCE, stuck)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ended.code(), Code::DeadlineExceeded);
    running.put("provider", "bytes").await.unwrap();
}

#[tokio::test]
async fn an_upload_ends_when_its_key_is_revoked() {
    let running = narrow().await;
    let (stuck, sender) = stuck_upload(&running).await;
    let revoke = RevokeKey {
        public_key: key("lab").public_key(),
        suspect_from: None,
    };
    running.record(OPERATOR, revoke).await;
    sender.send(chunk(b"0123456789")).await.unwrap();
    drop(sender);
    let ended = tokio::time::timeout(PATIENCE, stuck)
        .await
        .unwrap()
        .unwrap();
    refused(&ended, Reason::Unauthenticated);
    assert_eq!(running.blobs.size(&ContentHash::of(b"0123456789")), None);
}

#[tokio::test]
async fn an_upload_that_is_under_way_ends_when_the_server_stops() {
    let mut running = narrow().await;
    let (stuck, _sender) = stuck_upload(&running).await;
    running.begin_to_stop();
    let ended = tokio::time::timeout(PATIENCE, stuck)
        .await
        .unwrap()
        .unwrap();
    refused(&ended, Reason::ShuttingDown);
    running.stopped().await;
}
