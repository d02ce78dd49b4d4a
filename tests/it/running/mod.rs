//! A ledger that runs for tests: founded, peopled, served over real gRPC on a port of its own.
//!
//! Every party has one key, made from its name, so that a test says who asks by a name alone. The
//! clock stands still until a test moves it.

pub mod actions;
pub mod settled;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fenrun::domain::{
    Action, AdmitParty, Application, COMMAND_TYPE, Command, ContentHash, Found, LedgerId, Nonce,
    PublicKey, RecordContributions, Role, Signer, UnixMillis, signing_bytes,
};
use fenrun::engine::{
    Clock, Engine, EngineLimits, EngineOptions, GivenSigners, JobOptions, Jobs, ManualClock,
    SignedBytes, found,
};
use fenrun::keys::{SecretKey, issue_token};
use fenrun::service::{ServeError, ServeLimits, ServeOptions, TlsIdentity, serve};
use fenrun::store::blobs::{BlobLimits, Blobs};
use fenrun::store::index::Index;
use fenrun::store::log::{DataFolder, Disk, LogStore, MemoryLog};
use fenrun::web::WitnessPolicy;
use fenrun::wire::{encode_command, proto, prove_possession, sign_application};
use proto::blob_service_client::BlobServiceClient;
use proto::ledger_service_client::LedgerServiceClient;
use proto::log_service_client::LogServiceClient;
use proto::registry_service_client::RegistryServiceClient;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// The time at which every ledger begins.
pub const START: UnixMillis = UnixMillis(1_760_000_000_000);
/// The party that founds every ledger.
pub const OPERATOR: &str = "operator";
/// The origin of every log.
pub const ORIGIN: &str = "log.example/test";
/// The time window of every ledger, in milliseconds.
pub const WINDOW_MS: u64 = 600_000;
/// How long anything may take that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The parties of a peopled ledger besides the operator, each with its role.
pub const PEOPLE: [(&str, Role); 6] = [
    ("provider", Role::Provider),
    ("lab", Role::Provider),
    ("payer", Role::Payer),
    ("evaluator", Role::Evaluator),
    ("auditor", Role::Auditor),
    ("service", Role::Service),
];

/// Returns the key of a party, or of the log under the name `log`.
pub fn key(party: &str) -> SecretKey {
    SecretKey::from_seed(blake3::hash(party.as_bytes()).as_bytes())
}

/// Returns the terms that every party accepts.
pub fn terms_hash() -> ContentHash {
    ContentHash::of(b"terms")
}

/// What a ledger is started with besides the usual.
#[derive(Default)]
pub struct Setup {
    /// The bounds of the server.
    pub limits: ServeLimits,
    /// The bounds of uploads.
    pub blobs: BlobLimits,
    /// Who cosigns what is published.
    pub witnesses: Option<WitnessPolicy>,
    /// A certificate.
    pub tls: Option<TlsIdentity>,
    /// How long calls have to finish when the server stops.
    pub shutdown_deadline: Option<Duration>,
}

/// A ledger that runs until it is dropped.
pub struct Running {
    /// The engine behind it.
    pub engine: Engine,
    /// Its blobs.
    pub blobs: Blobs,
    /// Where they lie.
    pub folder: tempfile::TempDir,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// Its id.
    pub ledger: LedgerId,
    /// Its port on the loopback address.
    pub port: u16,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Result<(), ServeError>>,
    nonces: AtomicU64,
}

impl Running {
    /// Starts a ledger that the operator has founded.
    pub async fn founded(setup: Setup) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let mut log = MemoryLog::new();
        let ledger = found(&mut log, &key("log"), START, &founding()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(DataFolder::open(folder.path()).unwrap());
        let kept = Arc::clone(&disk);
        let place = folder.path().join("blobs");
        // It waits for the disk, which a task must not.
        let opened = tokio::task::spawn_blocking(move || Blobs::open(disk, &place, setup.blobs));
        let blobs = opened.await.unwrap().unwrap();
        let log: Box<dyn LogStore> = Box::new(log);
        let engine = Engine::start(EngineOptions {
            log,
            index: Index::memory(),
            attachments: Arc::new(blobs.clone()),
            signers: Arc::new(GivenSigners::one(key("log"))),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            limits: EngineLimits::default(),
        })
        .unwrap();
        let jobs = JobOptions {
            engine: engine.clone(),
            blobs: blobs.clone(),
            disk: kept,
            keys: Arc::new(GivenSigners::one(key("service"))),
        };
        let jobs = Jobs::start(jobs).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = oneshot::channel::<()>();
        let options = ServeOptions {
            listener,
            tls: setup.tls,
            insecure: false,
            witnesses: setup.witnesses,
            jobs: Some(jobs),
            limits: setup.limits,
            shutdown: async move {
                // A ledger that is dropped stops, too.
                let _ = stopped.await;
            },
            shutdown_deadline: setup.shutdown_deadline.unwrap_or(PATIENCE),
        };
        let serving = tokio::spawn(serve(engine.clone(), blobs.clone(), options));
        Self {
            engine,
            blobs,
            folder,
            clock,
            ledger,
            port,
            stop: Some(stop),
            serving,
            nonces: AtomicU64::new(1),
        }
    }

    /// Starts a founded ledger and admits [`PEOPLE`].
    pub async fn peopled() -> Self {
        let running = Self::founded(Setup::default()).await;
        running.admit_people().await;
        running
    }

    /// Admits [`PEOPLE`].
    pub async fn admit_people(&self) {
        for (name, role) in PEOPLE {
            self.record(OPERATOR, self.admission(name, role)).await;
        }
    }

    /// Tells the server to stop, without waiting.
    pub fn begin_to_stop(&mut self) {
        // Nobody hears it where the server has stopped already.
        let _ = self.stop.take().map(|stop| stop.send(()));
    }

    /// Waits until the server has stopped.
    pub async fn stopped(mut self) {
        self.begin_to_stop();
        let serving = tokio::time::timeout(PATIENCE, self.serving).await;
        serving.expect("the server stops in time").unwrap().unwrap();
    }

    /// Returns the address of the server.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Connects anew.
    pub async fn channel(&self) -> Channel {
        Endpoint::try_from(self.url())
            .unwrap()
            .connect()
            .await
            .unwrap()
    }

    /// Returns a client of the write door.
    pub async fn ledger_client(&self) -> LedgerServiceClient<Channel> {
        LedgerServiceClient::new(self.channel().await)
    }

    /// Returns a client of the registry.
    pub async fn registry_client(&self) -> RegistryServiceClient<Channel> {
        RegistryServiceClient::new(self.channel().await)
    }

    /// Returns a client of the log.
    pub async fn log_client(&self) -> LogServiceClient<Channel> {
        LogServiceClient::new(self.channel().await)
    }

    /// Returns a client of the log that takes little before it reads.
    pub async fn slow_log_client(&self) -> LogServiceClient<Channel> {
        let endpoint = Endpoint::try_from(self.url()).unwrap();
        let endpoint = endpoint.initial_stream_window_size(65_535);
        let endpoint = endpoint.initial_connection_window_size(65_535);
        LogServiceClient::new(endpoint.connect().await.unwrap())
    }

    /// Returns a client of the blobs.
    pub async fn blob_client(&self) -> BlobServiceClient<Channel> {
        BlobServiceClient::new(self.channel().await)
    }

    /// Uploads bytes as a party.
    pub async fn put(
        &self,
        party: &str,
        bytes: impl AsRef<[u8]>,
    ) -> Result<proto::PutResponse, Status> {
        let parts = tokio_stream::iter(upload(bytes.as_ref()));
        let answer = self
            .blob_client()
            .await
            .put(self.request(party, parts))
            .await;
        answer.map(tonic::Response::into_inner)
    }

    /// Returns the time, in unix milliseconds.
    pub fn clock_now(&self) -> u64 {
        self.clock.now().0
    }

    /// Returns a bearer token of a party, valid from now on.
    pub fn token(&self, party: &str) -> String {
        let name = party.parse().unwrap();
        issue_token(&key(party), &name, &self.ledger, self.clock.now())
    }

    /// Returns a request with a party's token.
    pub fn request<T>(&self, party: &str, message: T) -> Request<T> {
        with_token(message, &self.token(party))
    }

    /// Returns a command of a party, not yet written.
    pub fn command(&self, party: &str, action: impl Into<Action>) -> Command {
        let action = action.into();
        // A founding command makes a ledger and names none.
        let ledger = (!matches!(action, Action::Found(_))).then_some(self.ledger);
        Command {
            ledger,
            actor: party.parse().unwrap(),
            nonce: nonce(self.nonces.fetch_add(1, Ordering::Relaxed)),
            created_at: self.clock.now(),
            action,
        }
    }

    /// Returns a command of a party, signed by it.
    pub fn sign(&self, party: &str, action: impl Into<Action>) -> proto::SignedCommand {
        sign_bytes(encode_command(&self.command(party, action)), &key(party))
    }

    /// Sends a command of a party.
    pub async fn submit(
        &self,
        party: &str,
        action: impl Into<Action>,
    ) -> Result<proto::SubmitResponse, Status> {
        let signed_command = Some(self.sign(party, action));
        let mut client = self.ledger_client().await;
        let answer = client.submit(proto::SubmitRequest { signed_command }).await;
        answer.map(tonic::Response::into_inner)
    }

    /// Sends a command that has to be accepted; returns the index of its entry.
    pub async fn record(&self, party: &str, action: impl Into<Action>) -> u64 {
        let answer = self.submit(party, action).await.unwrap();
        answer.receipt.unwrap().index
    }

    /// Records so many commands of a party, of 56 KB each.
    pub async fn fill(&self, party: &str, commands: u32) {
        for command in 0..commands {
            let many = (1..=50).map(|number| {
                let mut one = actions::record("filling", command * 50 + number, b"filling");
                one.description = "x".repeat(1_000);
                one
            });
            let contributions = many.collect();
            self.record(party, RecordContributions { contributions })
                .await;
        }
    }

    /// Returns the operator's command that admits a party on its own application.
    pub fn admission(&self, name: &str, role: Role) -> AdmitParty {
        admission(self.ledger, name, role)
    }
}

/// Returns the operator's command that admits a party to a ledger on its own application.
pub fn admission(ledger: LedgerId, name: &str, role: Role) -> AdmitParty {
    let application = Application {
        ledger,
        name: name.parse().unwrap(),
        roles: vec![role],
        public_key: key(name).public_key(),
        terms_hash: terms_hash(),
    };
    sign_application(&key(name), application)
}

/// Signs a command of a party for a ledger, at a time.
pub fn sign_at(
    ledger: LedgerId,
    party: &str,
    number: u64,
    now: UnixMillis,
    action: impl Into<Action>,
) -> proto::SignedCommand {
    sign_with(ledger, party, nonce(number), now, action)
}

/// Signs a command of a party whose action speaks of the nonce.
pub fn sign_with(
    ledger: LedgerId,
    party: &str,
    nonce: Nonce,
    now: UnixMillis,
    action: impl Into<Action>,
) -> proto::SignedCommand {
    let command = Command {
        ledger: Some(ledger),
        actor: party.parse().unwrap(),
        nonce,
        created_at: now,
        action: action.into(),
    };
    sign_bytes(encode_command(&command), &key(party))
}

/// Returns the parts of an upload: its announcement, then its bytes in chunks of 10.
pub fn upload(bytes: &[u8]) -> Vec<proto::PutRequest> {
    use proto::put_request::Part;
    let header = proto::PutHeader {
        hash: ContentHash::of(bytes).0.to_vec().into(),
        size: bytes.len() as u64,
    };
    let chunks = bytes.chunks(10);
    let chunks = chunks.map(|chunk| Part::Chunk(chunk.to_vec().into()));
    let parts = std::iter::once(Part::Header(header)).chain(chunks);
    parts
        .map(|part| proto::PutRequest { part: Some(part) })
        .collect()
}

/// Returns a request with a bearer token.
pub fn with_token<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    let header = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", header);
    request
}

/// Signs the bytes of a command.
pub fn sign_bytes(command: Vec<u8>, key: &SecretKey) -> proto::SignedCommand {
    let signature = key.sign(&signing_bytes(COMMAND_TYPE, &command));
    let public_key: PublicKey = key.public_key();
    proto::SignedCommand {
        command: command.into(),
        public_key: public_key.0.to_vec().into(),
        signature: signature.0.to_vec().into(),
    }
}

fn nonce(number: u64) -> Nonce {
    let mut nonce = [7; 16];
    nonce[..8].copy_from_slice(&number.to_be_bytes());
    Nonce(nonce)
}

/// Returns the founding command of every ledger whose clock stands still.
fn founding() -> SignedBytes {
    founding_at(START)
}

/// Returns the founding command of a ledger that begins at a time.
pub fn founding_at(now: UnixMillis) -> SignedBytes {
    let log = key("log");
    let nonce = nonce(0);
    let command = Command {
        ledger: None,
        actor: OPERATOR.parse().unwrap(),
        nonce,
        created_at: now,
        action: Action::from(Found {
            origin: ORIGIN.parse().unwrap(),
            operator: OPERATOR.parse().unwrap(),
            operator_key: key(OPERATOR).public_key(),
            log_key: log.public_key(),
            log_key_possession: prove_possession(&log, None, ORIGIN, &nonce),
            rules_version: 1,
            time_window_ms: WINDOW_MS,
            approvals: Vec::new(),
            terms_hash: terms_hash(),
        }),
    };
    let signed = sign_bytes(encode_command(&command), &key(OPERATOR));
    SignedBytes {
        command: signed.command,
        public_key: signed.public_key,
        signature: signed.signature,
    }
}
