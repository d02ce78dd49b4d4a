//! The server side, in a process of its own: the service over a data folder, and beside it a bare
//! service that answers every call with a message of a receipt's size.
//!
//! It takes orders on its standard input, a line each: `stored` answers when the index holds
//! everything, `memory` with the most memory it ever had, and the end of the input stops it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fenrun::domain::LedgerId;
use fenrun::engine::{
    EngineLimits, FolderOptions, GivenSigners, OpenedFolder, SystemClock, found, open_folder,
};
use fenrun::service::{ServeLimits, ServeOptions, serve};
use fenrun::store::blobs::BlobLimits;
use fenrun::store::index::IndexOptions;
use fenrun::store::log::{DataFolder, GuardPlace, Guarding, LogOptions, SegmentLog};
use fenrun::wire::proto;
use proto::ledger_service_server::{LedgerService, LedgerServiceServer};
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use super::author::{Author, key, ledger_of, signed_bytes};

/// Tells the process which folder to serve, and that it is the server.
const FOLDER: &str = "FENRUN_BENCH_FOLDER";

/// Runs the server where this process was started as one, and says whether it was.
pub fn run_if_asked() -> bool {
    let Ok(folder) = std::env::var(FOLDER) else {
        return false;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(run(Path::new(&folder)));
    true
}

/// Founds the ledger of the benchmarks in a folder; returns its id.
pub fn found_folder(folder: &Path) -> LedgerId {
    let founding = Author::founding();
    let disk = Arc::new(DataFolder::create(folder).unwrap());
    let ledger = ledger_of(&founding);
    let log = SegmentLog::create_guarded(disk, LogOptions::default(), ledger, &guard_of(folder));
    let mut log = log.unwrap();
    let signed = signed_bytes(&founding);
    let now = fenrun::engine::Clock::now(&SystemClock::new());
    found(&mut log, &key("log"), now, &signed).unwrap()
}

/// The guard, which every service has; on the same disk, where it costs the most.
fn guard_of(folder: &Path) -> GuardPlace {
    GuardPlace::at(&folder.join("guard")).unwrap()
}

/// Opens the ledger of a folder that was founded.
pub fn open(folder: &Path) -> OpenedFolder {
    let options = FolderOptions {
        log: LogOptions::default(),
        guard: Guarding::Kept(guard_of(folder)),
        index: IndexOptions::default(),
        blobs: BlobLimits::default(),
        clock: Arc::new(SystemClock::new()),
        limits: EngineLimits::default(),
    };
    open_folder(folder, Arc::new(GivenSigners::one(key("log"))), options).unwrap()
}

async fn run(folder: &Path) {
    let opened = open(folder);
    let OpenedFolder {
        engine,
        blobs,
        index,
        ..
    } = opened;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bare = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ports = [&listener, &bare].map(|listener| listener.local_addr().unwrap().port());
    println!("{} {}", ports[0], ports[1]);
    let serving = tokio::spawn(serve(
        engine.clone(),
        blobs,
        ServeOptions {
            listener,
            tls: None,
            insecure: false,
            witnesses: None,
            jobs: None,
            limits: ServeLimits::default(),
            shutdown: std::future::pending(),
            shutdown_deadline: Duration::from_secs(10),
        },
    ));
    // As the service does: a small answer must not wait for the one before it to be confirmed.
    let bare = TcpIncoming::from(bare).with_nodelay(Some(true));
    let bare = tonic::transport::Server::builder()
        .add_service(LedgerServiceServer::new(Bare))
        .serve_with_incoming(bare);
    let bare = tokio::spawn(bare);
    let orders = tokio::task::spawn_blocking(move || {
        for order in std::io::stdin().lines() {
            match order.unwrap().as_str() {
                "stored" => index.flush().unwrap(),
                "memory" => {}
                order => panic!("{order}"),
            }
            println!("{}", memory_kib("VmHWM:"));
            std::io::stdout().flush().unwrap();
        }
    });
    orders.await.unwrap();
    serving.abort();
    bare.abort();
    assert!(engine.shutdown(Duration::from_secs(30)).await);
}

/// Returns a line of the system's account of this process, in KiB; 0 where it keeps none.
fn memory_kib(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|text| text.strip_prefix(line));
    let number = found.and_then(|text| text.split_whitespace().next());
    number.map_or(0, |number| number.parse().unwrap())
}

/// Answers at once.
struct Bare;

#[tonic::async_trait]
impl LedgerService for Bare {
    type SubmitStreamStream = tokio_stream::Empty<Result<proto::SubmitStreamResponse, Status>>;

    async fn submit(
        &self,
        request: Request<proto::SubmitRequest>,
    ) -> Result<Response<proto::SubmitResponse>, Status> {
        drop(request);
        // As many hashes as an entry among some hundred thousand has, and a note's length.
        let hash = Bytes::from_static(&[7; 32]);
        Ok(Response::new(proto::SubmitResponse {
            command_id: hash.clone(),
            receipt: Some(proto::Receipt {
                index: 123_456,
                recorded_at: None,
                public_key: hash.clone(),
                signature: Bytes::from_static(&[7; 64]),
                inclusion_proof: vec![hash; 18],
                checkpoint: "x".repeat(180),
            }),
        }))
    }

    async fn submit_stream(
        &self,
        _: Request<Streaming<proto::SubmitStreamRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn get_ledger(
        &self,
        _: Request<proto::GetLedgerRequest>,
    ) -> Result<Response<proto::GetLedgerResponse>, Status> {
        Err(Status::unimplemented("bare"))
    }

    async fn check_command(
        &self,
        _: Request<proto::CheckCommandRequest>,
    ) -> Result<Response<proto::CheckCommandResponse>, Status> {
        Err(Status::unimplemented("bare"))
    }
}

/// A server in a process of its own.
pub struct Server {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pub port: u16,
    pub bare_port: u16,
}

impl Server {
    /// Starts a server on a founded folder.
    pub fn start(folder: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(FOLDER, folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let orders = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        let (port, bare_port) = line.trim().split_once(' ').expect("the ports");
        Self {
            port: port.parse().unwrap(),
            bare_port: bare_port.parse().unwrap(),
            process,
            orders,
            answers,
        }
    }

    /// Waits until the index holds everything that was recorded.
    pub fn wait_stored(&mut self) {
        self.order("stored");
    }

    /// Returns the most memory that the server ever had, in KiB.
    pub fn memory_kib(&mut self) -> u64 {
        self.order("memory")
    }

    fn order(&mut self, order: &str) -> u64 {
        let orders = self.orders.as_mut().unwrap();
        writeln!(orders, "{order}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    }

    /// Stops the server and waits for its end.
    pub fn stop(mut self) {
        self.orders = None;
        assert!(self.process.wait().unwrap().success());
    }
}
