//! What callers and those who watch the health see when the log fails beneath the engine.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::domain::{Reason, Role};
use crate::engine::testing::faulty_log::{Failure, FaultyLog};
use crate::engine::testing::{Fixture, found_ledger};
use crate::engine::{EngineLimits, SignedBytes};
use crate::service::{ServeLimits, ServeOptions, retry_after, serve};
use crate::store::blobs::{BlobLimits, Blobs};
use crate::store::log::DataFolder;
use crate::wire::proto;
use crate::wire::proto::ledger_service_client::LedgerServiceClient;

const LEDGER_SERVICE: &str = "fenrun.v1.LedgerService";
/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A served engine over a log that breaks on demand.
struct Served {
    log: FaultyLog,
    fixture: Fixture,
    channel: Channel,
    /// Holds the blobs.
    _folder: tempfile::TempDir,
    /// Ends with this.
    _serving: JoinSet<()>,
}

impl Served {
    /// Serves a founded ledger with the provider `lab`.
    async fn start(limits: EngineLimits) -> Self {
        let mut log = FaultyLog::default();
        let ledger = found_ledger(&mut log);
        let fixture = Fixture::limited(Box::new(log.clone()), ledger, limits);
        fixture.admit("lab", Role::Provider).await;
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(DataFolder::open(folder.path()).unwrap());
        let place = folder.path().join("blobs");
        // It waits for the disk, which a task must not.
        let open = move || Blobs::open(disk, &place, BlobLimits::default());
        let blobs = tokio::task::spawn_blocking(open).await.unwrap().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let options = ServeOptions {
            listener,
            tls: None,
            insecure: false,
            witnesses: None,
            jobs: None,
            limits: ServeLimits::default(),
            shutdown: std::future::pending(),
            shutdown_deadline: PATIENCE,
        };
        let engine = fixture.engine.clone();
        let mut serving = JoinSet::new();
        serving.spawn(async move { serve(engine, blobs, options).await.unwrap() });
        Self {
            log,
            fixture,
            channel: Endpoint::try_from(url).unwrap().connect().await.unwrap(),
            _folder: folder,
            _serving: serving,
        }
    }

    fn client(&self) -> LedgerServiceClient<Channel> {
        LedgerServiceClient::new(self.channel.clone())
    }

    /// Sends a command; returns the index of its entry.
    async fn send(&self, signed: SignedBytes) -> Result<u64, Status> {
        submit(self.client(), signed).await
    }

    /// Returns `lab`'s record of one version of its dataset.
    fn record(&self, version: u32) -> SignedBytes {
        self.fixture.author.record("lab", version)
    }

    /// Returns what the health service says of a service.
    async fn health(&self, service: &str) -> ServingStatus {
        let mut health = HealthClient::new(self.channel.clone());
        let service = service.to_owned();
        let answer = health.check(HealthCheckRequest { service }).await.unwrap();
        answer.into_inner().status()
    }

    /// Returns the size of the log, as anybody may read it.
    async fn size(&self) -> u64 {
        let mut client = self.client();
        let answer = client.get_ledger(proto::GetLedgerRequest::default()).await;
        answer.unwrap().into_inner().read_at_size
    }
}

async fn submit(
    mut client: LedgerServiceClient<Channel>,
    signed: SignedBytes,
) -> Result<u64, Status> {
    let signed_command = Some(proto::SignedCommand {
        command: signed.command,
        public_key: signed.public_key,
        signature: signed.signature,
    });
    let answer = client.submit(proto::SubmitRequest { signed_command }).await;
    answer.map(|answer| answer.into_inner().receipt.unwrap().index)
}

#[track_caller]
fn refused(answer: Result<u64, Status>, reason: Reason, code: Code) {
    let status = answer.expect_err(reason.as_str());
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, reason.as_str());
    assert_eq!(status.code(), code);
    let retry = details.retry_info().and_then(|retry| retry.retry_delay);
    assert_eq!(retry, retry_after(reason));
}

#[tokio::test]
async fn after_a_failed_write_the_door_is_closed_and_says_so() {
    for failure in [Failure::Clean, Failure::AfterPersisting] {
        let served = Served::start(EngineLimits::default()).await;
        assert_eq!(served.health(LEDGER_SERVICE).await, ServingStatus::Serving);
        let mut health = HealthClient::new(served.channel.clone());
        let service = LEDGER_SERVICE.to_owned();
        let watched = health.watch(HealthCheckRequest { service }).await;
        let mut watched = watched.unwrap().into_inner();
        let first = watched.message().await.unwrap().unwrap();
        assert_eq!(first.status(), ServingStatus::Serving);

        served.log.fail(failure);
        let answer = served.send(served.record(1)).await;
        refused(answer, Reason::StoreFault, Code::Unavailable);
        // It is told without being asked.
        let next = tokio::time::timeout(PATIENCE, watched.message()).await;
        let next = next.expect("who watches is told").unwrap().unwrap();
        assert_eq!(next.status(), ServingStatus::NotServing);
        assert_eq!(
            served.health(LEDGER_SERVICE).await,
            ServingStatus::NotServing
        );
        // Writes are refused from now on, reads go on.
        let answer = served.send(served.record(2)).await;
        refused(answer, Reason::StoreFault, Code::Unavailable);
        assert_eq!(served.size().await, 2);
        for service in ["", "fenrun.v1.LogService", "fenrun.v1.BlobService"] {
            assert_eq!(served.health(service).await, ServingStatus::Serving);
        }
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_until_there_is_room_and_the_door_stays_open() {
    let served = Served::start(EngineLimits::default()).await;
    served.log.fail(Failure::NoSpace);
    let signed = served.record(1);
    let answer = served.send(signed.clone()).await;
    refused(answer, Reason::NoSpace, Code::ResourceExhausted);
    assert_eq!(served.size().await, 2);
    assert_eq!(served.health(LEDGER_SERVICE).await, ServingStatus::Serving);
    // There is room again, and nobody had to start anything.
    assert_eq!(served.send(signed).await.unwrap(), 2);
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_again() {
    let served = Served::start(EngineLimits {
        queue_units: 1,
        queue_waiting: 0,
        batch_entries: 1,
        ..EngineLimits::default()
    })
    .await;
    served.log.hold(true);
    let mut calls = JoinSet::new();
    // One is committed, one fills the next batch, one waits in the queue: of four, one is too many.
    for version in 1..=4 {
        calls.spawn(submit(served.client(), served.record(version)));
    }
    let first = tokio::time::timeout(PATIENCE, calls.join_next()).await;
    let first = first.expect("one is refused at once").unwrap().unwrap();
    refused(first, Reason::QueueFull, Code::ResourceExhausted);
    served.log.hold(false);
    let mut taken = 0;
    while let Some(answer) = calls.join_next().await {
        match answer.unwrap() {
            Ok(_) => taken += 1,
            refusal => refused(refusal, Reason::QueueFull, Code::ResourceExhausted),
        }
    }
    assert!(taken > 0);
    // Nothing of what was refused is left behind, and what comes again is taken.
    assert_eq!(served.size().await, 2 + taken);
    served.send(served.record(5)).await.unwrap();
}
