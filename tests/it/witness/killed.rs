//! A witness that is killed while it answers: what it has said once, it never contradicts.

use std::sync::atomic::{AtomicU64, Ordering};

use fenrun::domain::{Signer, TreeHash};
use fenrun::keys::SecretKey;
use fenrun::merkle::{
    AddCheckpoint, Checkpoint, MemoryTree, VerifierKey, consistency_proof, leaf_hash,
    sign_checkpoint,
};
use tokio::net::TcpStream;

use crate::cli::machine::Machine;
use crate::web::{Got, ask};

const LOG: &str = "log.example/killed";
/// How often the witness is killed.
const ROUNDS: u64 = 6;
/// How many checkpoints it cosigns before that, at least.
const ACKNOWLEDGED_MIN: u64 = 5;

fn log_key() -> SecretKey {
    SecretKey::from_seed(&[42; 32])
}

fn note(tree: &MemoryTree) -> String {
    let checkpoint = Checkpoint {
        origin: LOG.parse().unwrap(),
        size: tree.size(),
        root: tree.root(),
    };
    sign_checkpoint(&checkpoint, &[&log_key()])
}

fn leaf(history: u8, index: u64) -> TreeHash {
    leaf_hash(&[&[history], &index.to_be_bytes()[..]].concat())
}

/// The log after `size` entries; of another history from `fork` on.
fn tree(size: u64, fork: u64) -> MemoryTree {
    let leaves = (0..size).map(|index| leaf(u8::from(index >= fork), index));
    leaves.collect()
}

fn request(old: u64, tree: &MemoryTree) -> String {
    let proof = match old {
        0 => Vec::new(),
        _ => consistency_proof(old, tree.size(), tree).unwrap(),
    };
    let note = note(tree);
    let old_size = old;
    AddCheckpoint {
        old_size,
        proof,
        note,
    }
    .to_string()
}

async fn add(port: u16, body: &str) -> Got {
    ask(port, "POST /add-checkpoint", "", body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_witness_never_contradicts_itself() {
    let machine = Machine::new();
    let key = VerifierKey {
        name: LOG.parse().unwrap(),
        key: log_key().public_key(),
    };
    let key = key.to_string();
    let mut size = 0;
    for round in 0..ROUNDS {
        let witness = super::start(&machine, &key, "127.0.0.1:0");
        let port = witness.service.port();
        // It says what it has cosigned last: all that it has acknowledged.
        let told = add(port, &request(0, &tree(size + 1, u64::MAX))).await;
        let known = match told.status {
            200 => size + 1,
            409 => told.text().trim_end().parse().unwrap(),
            other => panic!("{other}"),
        };
        assert!(known == size || known == size + 1, "{known} after {size}");
        if known > 0 {
            // Another history of an acknowledged size is refused, however it is proved.
            let fork = tree(known + 3, known - 1);
            let refused = add(port, &request(known, &fork)).await;
            assert_eq!(refused.status, 422, "{refused:?}");
            let fork = tree(known, known - 1);
            assert_eq!(add(port, &request(known, &fork)).await.status, 409);
        }
        size = known;
        // It is asked without a break and killed somewhere within.
        let acknowledged = AtomicU64::new(size);
        let asking = async {
            let mut next = tree(size, u64::MAX);
            loop {
                let old = next.size();
                next.push(leaf(0, old));
                let body = request(old, &next);
                let Ok(answer) = try_add(port, &body).await else {
                    break;
                };
                assert_eq!(answer, 200);
                acknowledged.store(next.size(), Ordering::Relaxed);
            }
        };
        let enough = size + ACKNOWLEDGED_MIN + round;
        let killing = async {
            while acknowledged.load(Ordering::Relaxed) < enough {
                tokio::task::yield_now().await;
            }
            tokio::task::block_in_place(|| witness.service.kill());
        };
        tokio::join!(asking, killing);
        size = acknowledged.load(Ordering::Relaxed);
        assert!(size >= enough);
    }
}

/// Asks and returns the status; fails where the witness is gone.
async fn try_add(port: u16, body: &str) -> Result<u16, std::io::Error> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let length = body.len();
    let request = format!(
        "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: \
         {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}
