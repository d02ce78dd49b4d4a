//! The log over HTTP, and proofs from a long one: `cargo bench --bench tiles`.
//!
//! Reads of one full tile through the whole service, with its limits and its line in the log, take
//! turns with the same bytes from a bare axum handler; callers and both servers share the machine.
//! Then inclusion proofs of random entries are made from a log of 10^6 entries on disk.
//! `FENRUN_BENCH_SECONDS` makes a turn longer than a second.

#[allow(
    dead_code,
    reason = "only the ledger of the load is needed, not what loads it"
)]
mod load;
mod measure;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use fenrun::domain::{LedgerId, TreeHash};
use fenrun::engine::{Engine, SignedBytes};
use fenrun::keys::SecretKey;
use fenrun::merkle::{Checkpoint, Frontier, inclusion_proof, leaf_hash, sign_checkpoint};
use fenrun::service::{ServeLimits, ServeOptions, serve};
use fenrun::store::log::{
    Batch, DataFolder, LogOptions, LogReader, LogStore, ReaderNodes, SegmentLog,
};
use load::author::Author;
use measure::{medians, print_ratio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// How many connections ask at once.
const CONNECTIONS: usize = 32;
/// The tile that is read, and its bytes.
const TILE: (&str, usize) = ("/tile/0/000", 8_192);
/// What a tile read has to reach of the bare handler.
const TILE_RATIO: f64 = 0.5;
/// The entries of the log that proofs are made from.
const ENTRIES: u64 = 1_000_000;
/// The entries of a batch of it.
const BATCH_ENTRIES: u64 = 1_000;
/// The bytes of an entry of it.
const ENTRY_BYTES: usize = 256;
/// How many proofs are made.
const PROOFS: usize = 20_000;
/// What the slowest hundredth of proofs may take.
const PROOF_MAX: Duration = Duration::from_millis(5);

fn turn() -> Duration {
    let seconds = std::env::var("FENRUN_BENCH_SECONDS").ok();
    Duration::from_secs(seconds.and_then(|text| text.parse().ok()).unwrap_or(1))
}

/// Records enough entries for one full tile.
async fn fill(engine: &Engine, ledger: LedgerId) {
    let mut author = Author::new(Some(ledger));
    let mut commands = author.admissions();
    commands.extend(author.singles(300));
    for signed in commands {
        let signed = SignedBytes {
            command: signed.command,
            public_key: Bytes::copy_from_slice(&signed.public_key.0),
            signature: Bytes::copy_from_slice(&signed.signature.0),
        };
        engine.submit(signed).await.unwrap();
    }
}

/// Asks for a path again and again over one connection; counts the answers.
async fn ask(port: u16, path: &str, ending: &AtomicBool, answers: &AtomicU64) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n");
    let mut answer = vec![0; 64 * 1024];
    let mut held = 0;
    while !ending.load(Ordering::Relaxed) {
        stream.write_all(request.as_bytes()).await.unwrap();
        loop {
            held += stream.read(&mut answer[held..]).await.unwrap();
            let head = answer[..held]
                .windows(4)
                .position(|four| four == b"\r\n\r\n");
            if head.is_some_and(|head| held == head + 4 + TILE.1) {
                break;
            }
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 "));
        held = 0;
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// Returns the answers a second that all connections together get.
fn rate(runtime: &Runtime, port: u16) -> f64 {
    let (ending, answers) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let callers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (ending, answers) = (Arc::clone(&ending), Arc::clone(&answers));
            runtime.spawn(async move { ask(port, TILE.0, &ending, &answers).await })
        })
        .collect();
    let begun = Instant::now();
    std::thread::sleep(turn());
    ending.store(true, Ordering::Relaxed);
    let rate = answers.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    callers
        .into_iter()
        .for_each(|caller| runtime.block_on(caller).unwrap());
    rate
}

fn tiles(folder: &Path) {
    let runtime = Runtime::new().unwrap();
    let ledger = load::server::found_folder(folder);
    let opened = load::server::open(folder);
    let (engine, blobs) = (opened.engine.clone(), opened.blobs.clone());
    runtime.block_on(fill(&engine, ledger));
    let hashes = engine.log().nodes(0, 0, 256).unwrap();
    let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
    let bytes = Bytes::from(bytes);
    assert_eq!(bytes.len(), TILE.1);

    let (listener, bare) = runtime.block_on(async {
        let listen = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
        (listen().await, listen().await)
    });
    let ports = [&listener, &bare].map(|listener| listener.local_addr().unwrap().port());
    let options = ServeOptions {
        listener,
        tls: None,
        insecure: false,
        witnesses: None,
        jobs: None,
        limits: ServeLimits::default(),
        shutdown: std::future::pending(),
        shutdown_deadline: Duration::from_secs(1),
    };
    drop(runtime.spawn(serve(engine, blobs, options)));
    let handler = get(move || std::future::ready(bytes.clone()));
    let router = Router::new().route(TILE.0, handler);
    let bare = axum::serve::ListenerExt::tap_io(bare, |stream| stream.set_nodelay(true).unwrap());
    drop(runtime.spawn(async move { axum::serve(bare, router).await.unwrap() }));
    let sides = &mut [
        (
            "tile",
            &mut (|| rate(&runtime, ports[0])) as &mut dyn FnMut() -> f64,
        ),
        ("bare", &mut (|| rate(&runtime, ports[1]))),
    ];
    let rates = medians(sides);
    print_ratio(
        "/tile reads, bare axum handler",
        rates[0],
        rates[1],
        TILE_RATIO,
        "reads/s",
    );
}

/// Makes a log of [`ENTRIES`] in a folder.
fn long_log(folder: &Path) -> SegmentLog {
    let disk = Arc::new(DataFolder::create(folder).unwrap());
    let ledger = LedgerId([1; 32]);
    let mut log = SegmentLog::create(disk, LogOptions::default(), ledger).unwrap();
    let key = SecretKey::from_seed(&[1; 32]);
    let mut tree = Frontier::new();
    while tree.size() < ENTRIES {
        let first_index = tree.size();
        let leaves: Vec<Bytes> = (first_index..first_index + BATCH_ENTRIES)
            .map(|index| {
                let mut leaf = vec![7; ENTRY_BYTES];
                leaf[..8].copy_from_slice(&index.to_be_bytes());
                Bytes::from(leaf)
            })
            .collect();
        let hashes: Vec<TreeHash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        hashes.iter().for_each(|hash| tree.push(*hash));
        let checkpoint = Checkpoint {
            origin: "log.example/bench".parse().unwrap(),
            size: tree.size(),
            root: tree.root(),
        };
        let note = sign_checkpoint(&checkpoint, &[&key]);
        let batch = Batch {
            first_index,
            leaves: &leaves,
            hashes: &hashes,
            checkpoint: &note,
        };
        log.append(&batch).unwrap();
    }
    log
}

fn proofs(folder: &Path) {
    let log = long_log(folder);
    let reader: Arc<dyn LogReader> = log.reader();
    let nodes = ReaderNodes(reader.as_ref());
    let mut index = 0_u64;
    let mut times: Vec<Duration> = (0..PROOFS)
        .map(|_| {
            index = (index + 618_033_989) % ENTRIES;
            let begun = Instant::now();
            let proof = inclusion_proof(index, ENTRIES, &nodes).unwrap();
            let took = begun.elapsed();
            assert!(proof.len() >= 13, "{}", proof.len());
            took
        })
        .collect();
    times.sort_unstable();
    let (middle, slow) = (times[PROOFS / 2], times[PROOFS * 99 / 100]);
    let verdict = if slow < PROOF_MAX { "ok" } else { "ABOVE" };
    println!(
        "inclusion proof from {ENTRIES} entries: median {middle:?}, 99 % {slow:?} (below \
         {PROOF_MAX:?}) {verdict}"
    );
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    tiles(&folder.path().join("served"));
    proofs(&folder.path().join("long"));
}
