//! A server that is killed: no acknowledged entry is lost, no root is contradicted, and what is
//! sent again gets its first place and time.
//!
//! The server is the real one in a process of its own, ended by SIGKILL at random moments while
//! single callers and a stream submit, or by itself at a named point between the steps of a
//! commit. After each death it is started again on the same folder.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fenrun::domain::{AmendCharter, CommandId, LedgerId, NewLogKey, Nonce, Role, Signer, TreeHash};
use fenrun::engine::{
    CRASH_VARIABLE, Clock, Engine, EngineLimits, FolderOptions, GivenSigners, OpenError, Point,
    SystemClock, found, open_folder, reindex,
};
use fenrun::keys::StrictVerifier;
use fenrun::ledger::state_hash;
use fenrun::merkle::{VerifierKey, open_checkpoint, root_at};
use fenrun::store::blobs::BlobLimits;
use fenrun::store::index::IndexOptions;
use fenrun::store::log::{
    DataFolder, FolderError, GuardPlace, Guarding, LogOptions, ReaderNodes, SegmentLog,
};
use fenrun::wire::{proto, prove_possession};
use proto::ledger_service_client::LedgerServiceClient;
use proto::submit_stream_response::Result as Answered;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};

use crate::running::{self, OPERATOR, PATIENCE, key};

/// How often the server is killed at a random moment.
const KILLS: u64 = 100;
/// The latest of those moments after the load begins, in microseconds.
const MOMENT_MAX_US: u64 = 30_000;
/// How many callers submit one command after the other.
const CALLERS: u64 = 6;
/// How many commands one stream submits.
const STREAMED: usize = 40;
/// The file of the guard. Each start holds the log to it, so that it is never ahead of what a
/// death leaves of the log, and never two batches behind.
const GUARD: &str = "guard";

/// A founded folder and everything that was ever sent to it.
struct Ledger {
    folder: tempfile::TempDir,
    id: LedgerId,
    /// The next version of the dataset that is recorded.
    version: AtomicU32,
    seen: Arc<Mutex<Seen>>,
}

/// What clients know.
#[derive(Default)]
struct Seen {
    /// Every command that was sent.
    sent: HashMap<CommandId, proto::SignedCommand>,
    /// Index and time of every command that was acknowledged.
    acknowledged: HashMap<CommandId, (u64, prost_types::Timestamp)>,
    /// The root of every size that a checkpoint was seen of.
    roots: BTreeMap<u64, TreeHash>,
    /// The parties of [`key`] whose keys the log may have had by now, the newest last.
    log_keys: Vec<String>,
}

impl Ledger {
    fn found() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemClock::new().now();
        let signed = running::founding_at(now);
        let id: LedgerId = CommandId::of(&signed.command).into();
        let disk = Arc::new(DataFolder::create(folder.path()).unwrap());
        let place = GuardPlace::at(&folder.path().join(GUARD)).unwrap();
        let log = SegmentLog::create_guarded(disk, LogOptions::default(), id, &place);
        let mut log = log.unwrap();
        found(&mut log, &key("log"), now, &signed).unwrap();
        let keys = folder.path().join("keys");
        std::fs::create_dir(&keys).unwrap();
        write_secret(&keys.join("log.pem"), &key("log").to_pem().unwrap());
        Self {
            folder,
            id,
            version: AtomicU32::new(1),
            seen: Arc::new(Mutex::new(Seen {
                log_keys: vec!["log".to_owned()],
                ..Seen::default()
            })),
        }
    }

    /// Puts a new key of the log in the folder; returns the command that has the log sign with it.
    fn rotation(&self, number: u64) -> proto::SignedCommand {
        let name = format!("log-{number}");
        let secret = key(&name);
        let path = self.folder.path().join("keys").join(format!("{name}.pem"));
        write_secret(&path, &secret.to_pem().unwrap());
        self.seen.lock().unwrap().log_keys.push(name);
        let nonce = Nonce(u128::from(number).to_be_bytes());
        let possession = prove_possession(&secret, Some(&self.id), running::ORIGIN, &nonce);
        let amend = AmendCharter {
            time_window_ms: running::WINDOW_MS,
            log_key: Some(NewLogKey {
                key: secret.public_key(),
                possession,
            }),
        };
        running::sign_with(self.id, OPERATOR, nonce, SystemClock::new().now(), amend)
    }

    fn admission(&self) -> proto::SignedCommand {
        let action = running::admission(self.id, "lab", Role::Provider);
        let now = SystemClock::new().now();
        running::sign_at(self.id, OPERATOR, u64::MAX, now, action)
    }

    fn record(&self) -> proto::SignedCommand {
        let version = self.version.fetch_add(1, Ordering::Relaxed);
        let action = running::actions::record("data", version, &version.to_be_bytes());
        let now = SystemClock::new().now();
        running::sign_at(self.id, "lab", u64::from(version), now, action)
    }
}

fn write_secret(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(path, mode).unwrap();
    }
}

/// A server process; killed when dropped.
struct Server {
    process: Child,
    channel: Channel,
}

impl Server {
    async fn start(folder: &Path, crash_at: Option<String>) -> Self {
        let mut command = Process::new(env!("CARGO_BIN_EXE_fenrun"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--dir"]);
        command.arg(folder).env_remove(CRASH_VARIABLE);
        command.envs(crash_at.map(|point| (CRASH_VARIABLE, point)));
        command.env("FENRUN_GUARD", folder.join(GUARD));
        command.env("HOME", folder).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = tokio::task::spawn_blocking(move || lines.next());
        let first = tokio::time::timeout(PATIENCE, first).await.unwrap();
        let first = first
            .unwrap()
            .expect("the server says where it is")
            .unwrap();
        let (_, url) = first.rsplit_once(' ').unwrap();
        let endpoint = Endpoint::try_from(url.to_owned()).unwrap();
        Self {
            process,
            channel: endpoint.connect().await.unwrap(),
        }
    }

    fn client(&self) -> LedgerServiceClient<Channel> {
        LedgerServiceClient::new(self.channel.clone())
    }

    fn kill(mut self) {
        // On Unix this is SIGKILL; a process that has ended already is as dead.
        let _ = self.process.kill();
        self.process.wait().unwrap();
    }

    /// Waits until the process has ended by itself.
    async fn ended(mut self) {
        let begun = Instant::now();
        let ended = loop {
            if let Some(ended) = self.process.try_wait().unwrap() {
                break ended;
            }
            if begun.elapsed() > PATIENCE {
                self.kill();
                panic!("the server does not end by itself");
            }
            tokio::task::yield_now().await;
        };
        assert!(!ended.success());
    }
}

fn verifier_key(name: &str) -> VerifierKey {
    VerifierKey {
        name: running::ORIGIN.parse().unwrap(),
        key: key(name).public_key(),
    }
}

impl Seen {
    fn note(&mut self, id: CommandId, receipt: proto::Receipt) {
        let log_keys = self.log_keys.iter().map(|name| verifier_key(name));
        let log_keys: Vec<VerifierKey> = log_keys.collect();
        let note = receipt.checkpoint.as_bytes();
        let checkpoint = open_checkpoint(note, &log_keys, &StrictVerifier).unwrap();
        let root = *self.roots.entry(checkpoint.size).or_insert(checkpoint.root);
        assert_eq!(root, checkpoint.root, "two roots of {}", checkpoint.size);
        let place = (receipt.index, receipt.recorded_at.unwrap());
        let first = *self.acknowledged.entry(id).or_insert(place);
        assert_eq!(first, place, "another place for {id}");
    }
}

/// Submits one command and notes its receipt; says whether the server was still there.
async fn submit(
    client: &mut LedgerServiceClient<Channel>,
    seen: &Mutex<Seen>,
    signed: proto::SignedCommand,
) -> bool {
    let id = CommandId::of(&signed.command);
    seen.lock().unwrap().sent.insert(id, signed.clone());
    let request = proto::SubmitRequest {
        signed_command: Some(signed),
    };
    match client.submit(request).await {
        Ok(answer) => {
            let receipt = answer.into_inner().receipt.unwrap();
            seen.lock().unwrap().note(id, receipt);
            true
        }
        Err(_) => false,
    }
}

/// Submits through one stream until the server is gone.
async fn stream(
    mut client: LedgerServiceClient<Channel>,
    seen: Arc<Mutex<Seen>>,
    commands: Vec<proto::SignedCommand>,
) {
    for signed in &commands {
        let id = CommandId::of(&signed.command);
        seen.lock().unwrap().sent.insert(id, signed.clone());
    }
    let requests = commands
        .into_iter()
        .map(|signed| proto::SubmitStreamRequest {
            signed_command: Some(signed),
        });
    let Ok(answers) = client.submit_stream(tokio_stream::iter(requests)).await else {
        return;
    };
    let mut answers = answers.into_inner();
    while let Ok(Some(answer)) = answers.message().await {
        if let Some(Answered::Receipt(receipt)) = answer.result {
            let id = CommandId::try_from(answer.command_id.as_ref()).unwrap();
            seen.lock().unwrap().note(id, receipt);
        }
    }
}

/// Lets callers and a stream submit until the server is gone.
fn load(ledger: &Arc<Ledger>, server: &Server) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for _ in 0..CALLERS {
        let (mut client, ledger) = (server.client(), Arc::clone(ledger));
        tasks.spawn(
            async move { while submit(&mut client, &ledger.seen, ledger.record()).await {} },
        );
    }
    let commands = (0..STREAMED).map(|_| ledger.record()).collect();
    tasks.spawn(stream(server.client(), Arc::clone(&ledger.seen), commands));
    tasks
}

/// Sends again what a client would: what was not acknowledged, and `sample` of what was.
async fn resend(ledger: &Ledger, server: &Server, sample: usize) {
    let again: Vec<_> = {
        let seen = ledger.seen.lock().unwrap();
        let (known, open): (Vec<_>, Vec<_>) = seen
            .sent
            .iter()
            .partition(|(id, _)| seen.acknowledged.contains_key(id));
        let known = known.into_iter().take(sample);
        known
            .chain(open)
            .map(|(_, signed)| signed.clone())
            .collect()
    };
    stream(server.client(), Arc::clone(&ledger.seen), again).await;
    let seen = ledger.seen.lock().unwrap();
    assert_eq!(seen.acknowledged.len(), seen.sent.len(), "all are answered");
}

fn options(folder: &Path) -> FolderOptions {
    FolderOptions {
        log: LogOptions::default(),
        guard: Guarding::Kept(GuardPlace::at(&folder.join(GUARD)).unwrap()),
        index: IndexOptions::default(),
        blobs: BlobLimits::default(),
        clock: Arc::new(SystemClock::new()),
        limits: EngineLimits::default(),
    }
}

/// Opens the folder and compares everything in it with what clients have seen.
async fn compare(ledger: &Ledger) {
    let folder = PathBuf::from(ledger.folder.path());
    let later = ledger.seen.lock().unwrap().log_keys[1..].to_vec();
    let signers = GivenSigners::one(key("log"));
    let signers = later
        .iter()
        .fold(signers, |signers, name| signers.and(key(name)));
    let opened = open_folder(&folder, Arc::new(signers), options(&folder)).unwrap();
    compare_log(ledger, &opened.engine);
    let live = state_hash(&opened.engine.published().view).unwrap();
    assert!(opened.engine.shutdown(PATIENCE).await);
    drop(opened);
    // A process that another test is starting has a copy of the folder's lock until it is one.
    let begun = Instant::now();
    let rebuilt = loop {
        match reindex(&folder, &options(&folder)) {
            Err(OpenError::Folder(FolderError::InUse { .. })) if begun.elapsed() < PATIENCE => {
                tokio::task::yield_now().await;
            }
            rebuilt => break rebuilt.unwrap(),
        }
    };
    assert_eq!((rebuilt.before, rebuilt.after), (Some(live), live));
}

fn compare_log(ledger: &Ledger, engine: &Engine) {
    let (log, seen) = (engine.log(), ledger.seen.lock().unwrap());
    for (size, root) in &seen.roots {
        let now = root_at(*size, &ReaderNodes(log.as_ref())).unwrap();
        assert_eq!(now, *root, "the root of {size} was contradicted");
    }
    for (id, (index, _)) in &seen.acknowledged {
        let leaf = log.leaf(*index).unwrap();
        let command: Bytes = leaf.slice(105..);
        assert_eq!(CommandId::of(&command), *id, "entry {index} was lost");
    }
    let size = engine.published().size;
    assert_eq!(size, 1 + seen.acknowledged.len() as u64);
}

/// Returns the numbers that a seed gives.
fn number(seed: u64, kill: u64) -> u64 {
    let hash = blake3::hash(&[seed.to_be_bytes(), kill.to_be_bytes()].concat());
    let (first, _) = hash.as_bytes().split_first_chunk::<8>().unwrap();
    u64::from_be_bytes(*first)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_at_random_moments_keeps_what_it_acknowledged() {
    let seed = std::env::var("FENRUN_SEED").map_or(20, |seed| seed.parse().unwrap());
    println!("FENRUN_SEED={seed}");
    let ledger = Arc::new(Ledger::found());
    let server = Server::start(ledger.folder.path(), None).await;
    let admission = ledger.admission();
    assert!(submit(&mut server.client(), &ledger.seen, admission).await);
    server.kill();
    for kill in 0..KILLS {
        let server = Server::start(ledger.folder.path(), None).await;
        resend(&ledger, &server, 20).await;
        let tasks = load(&ledger, &server);
        // Not waiting for anything: the moment is what is random.
        let moment = Duration::from_micros(number(seed, kill) % MOMENT_MAX_US);
        tokio::time::sleep(moment).await;
        server.kill();
        tasks.join_all().await;
    }
    let server = Server::start(ledger.folder.path(), None).await;
    resend(&ledger, &server, usize::MAX).await;
    server.kill();
    compare(&ledger).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ends_between_two_steps_of_a_commit_keeps_what_it_acknowledged() {
    let ledger = Arc::new(Ledger::found());
    let server = Server::start(ledger.folder.path(), None).await;
    let admission = ledger.admission();
    assert!(submit(&mut server.client(), &ledger.seen, admission).await);
    server.kill();
    for point in Point::OF_A_COMMIT {
        for count in 1..=2 {
            let crash_at = format!("{}:{count}", point.name());
            let server = Server::start(ledger.folder.path(), Some(crash_at)).await;
            let tasks = load(&ledger, &server);
            server.ended().await;
            tasks.join_all().await;
            let server = Server::start(ledger.folder.path(), None).await;
            resend(&ledger, &server, 20).await;
            server.kill();
        }
    }
    compare(&ledger).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ends_while_the_log_changes_its_key_has_changed_it_or_not() {
    let ledger = Arc::new(Ledger::found());
    let server = Server::start(ledger.folder.path(), None).await;
    let admission = ledger.admission();
    assert!(submit(&mut server.client(), &ledger.seen, admission).await);
    server.kill();
    for (number, point) in (1..).zip(Point::OF_A_COMMIT) {
        let crash_at = Some(point.name().to_owned());
        let server = Server::start(ledger.folder.path(), crash_at).await;
        let rotation = ledger.rotation(number);
        submit(&mut server.client(), &ledger.seen, rotation.clone()).await;
        server.ended().await;
        // Whatever it left, the same bytes have one place, and the new key signs from there on.
        let server = Server::start(ledger.folder.path(), None).await;
        assert!(submit(&mut server.client(), &ledger.seen, rotation).await);
        let record = ledger.record();
        let id = CommandId::of(&record.command);
        assert!(submit(&mut server.client(), &ledger.seen, record.clone()).await);
        let request = proto::SubmitRequest {
            signed_command: Some(record),
        };
        let receipt = server.client().submit(request).await.unwrap().into_inner();
        assert_eq!(receipt.command_id, &id.0[..]);
        let note = receipt.receipt.unwrap().checkpoint;
        let newest = [verifier_key(&format!("log-{number}"))];
        open_checkpoint(note.as_bytes(), &newest, &StrictVerifier).unwrap();
        server.kill();
    }
    compare(&ledger).await;
}
