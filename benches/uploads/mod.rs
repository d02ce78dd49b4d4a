//! Uploads over gRPC: to the service, and to a bare sink that only writes and syncs.
//!
//! Both servers run in this process, on a runtime of their own, as both share the machine with
//! the client that sends to them.

mod sink;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fenrun::content::Hashed;
use fenrun::domain::LedgerId;
use fenrun::engine::{
    Clock, Engine, EngineLimits, EngineOptions, GivenSigners, SignedBytes, SystemClock, found,
};
use fenrun::keys::issue_token;
use fenrun::service::{ServeLimits, ServeOptions, serve};
use fenrun::store::blobs::{BlobLimits, Blobs};
use fenrun::store::index::Index;
use fenrun::store::log::{DataFolder, MemoryLog};
use fenrun::wire::proto;
use proto::blob_service_client::BlobServiceClient;
use proto::put_request::Part;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::Request;
use tonic::transport::{Channel, Endpoint};

use super::author::{Author, key, provider, signed_bytes};

/// How many messages the client has ready before they are sent.
const READY: usize = 4;

/// The service and the sink, and a client of each.
pub struct Uploads {
    clients: Runtime,
    ledger: LedgerId,
    ours: BlobServiceClient<Channel>,
    bare: BlobServiceClient<Channel>,
    /// Runs the servers.
    _servers: Runtime,
}

impl Uploads {
    /// Serves from a folder, where the service keeps its blobs and the sink its file.
    pub fn start(folder: &Path) -> Self {
        let (clients, servers) = (Runtime::new().unwrap(), Runtime::new().unwrap());
        let disk = Arc::new(DataFolder::open(folder).unwrap());
        let blobs = Blobs::open(disk, &folder.join("blobs"), BlobLimits::default()).unwrap();
        let (engine, ledger) = servers.block_on(peopled(&blobs));
        let listener = servers.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let ours = listener.local_addr().unwrap().port();
        servers.spawn(serve(
            engine,
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
        let bare = servers.block_on(sink::serve(folder.join("sink")));
        let client = |port| clients.block_on(client(port));
        Self {
            ledger,
            ours: client(ours),
            bare: client(bare),
            clients,
            _servers: servers,
        }
    }

    /// Uploads to the service; returns when it has answered that the bytes are stored.
    pub fn to_service(&self, chunks: &[Bytes], announced: Hashed) {
        self.upload(self.ours.clone(), chunks, announced);
    }

    /// Uploads to the sink; returns when it has answered that the bytes are synced.
    pub fn to_sink(&self, chunks: &[Bytes], announced: Hashed) {
        self.upload(self.bare.clone(), chunks, announced);
    }

    fn upload(&self, mut client: BlobServiceClient<Channel>, chunks: &[Bytes], announced: Hashed) {
        let header = proto::PutHeader {
            hash: Bytes::copy_from_slice(&announced.hash.0),
            size: announced.size,
        };
        let chunks: Vec<Bytes> = chunks.to_vec();
        let chunks = chunks.into_iter().map(Part::Chunk);
        let parts = std::iter::once(Part::Header(header)).chain(chunks);
        let token = self.token();
        self.clients.block_on(async {
            let (sender, receiver) = tokio::sync::mpsc::channel(READY);
            tokio::spawn(async move {
                for part in parts {
                    let part = proto::PutRequest { part: Some(part) };
                    sender.send(part).await.expect("it is taken");
                }
            });
            let parts = tokio_stream::wrappers::ReceiverStream::new(receiver);
            let mut request = Request::new(parts);
            let bearer = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", bearer);
            let stored = client.put(request).await.expect("it is stored");
            assert_eq!(stored.into_inner().size, announced.size);
        });
    }

    fn token(&self) -> String {
        let (name, now) = (provider(0), SystemClock::new().now());
        issue_token(&key(&name), &name.parse().unwrap(), &self.ledger, now)
    }
}

async fn client(port: u16) -> BlobServiceClient<Channel> {
    let endpoint = Endpoint::try_from(format!("http://127.0.0.1:{port}")).unwrap();
    BlobServiceClient::new(endpoint.connect().await.unwrap())
}

/// Returns a ledger in memory that has admitted providers.
async fn peopled(blobs: &Blobs) -> (Engine, LedgerId) {
    let clock = Arc::new(SystemClock::new());
    let mut log = MemoryLog::new();
    let founding = signed_bytes(&Author::founding());
    let ledger = found(&mut log, &key("log"), clock.now(), &founding).unwrap();
    let engine = Engine::start(EngineOptions {
        log: Box::new(log),
        index: Index::memory(),
        attachments: Arc::new(blobs.clone()),
        signers: Arc::new(GivenSigners::one(key("log"))),
        clock,
        limits: EngineLimits::default(),
    });
    let engine = engine.unwrap();
    for admission in Author::new(Some(ledger)).admissions() {
        let admission: SignedBytes = signed_bytes(&admission);
        engine.submit(admission).await.unwrap();
    }
    (engine, ledger)
}
