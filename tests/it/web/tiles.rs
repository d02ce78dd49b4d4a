//! `/checkpoint` and `/tile` as C2SP tlog-tiles has them, and who may read what.

use std::time::Duration;

use fenrun::domain::{Signer, TreeHash};
use fenrun::keys::StrictVerifier;
use fenrun::merkle::{
    Checkpoint, TileId, TileKind, TileNodes, Tiles, VerifierKey, bundled, leaf_hash,
    open_checkpoint, root_at,
};

use super::{Got, ask, get, get_with};
use crate::running::actions::record;
use crate::running::{OPERATOR, ORIGIN, Running, key};

const FOREVER: &str = "public, max-age=31536000, immutable";
const SECOND: Duration = Duration::from_secs(1);

fn opened(note: &str) -> Checkpoint {
    let log_key = VerifierKey {
        name: ORIGIN.parse().unwrap(),
        key: key("log").public_key(),
    };
    open_checkpoint(note.as_bytes(), &[log_key], &StrictVerifier).unwrap()
}

/// Tiles that were fetched before they are asked for.
struct Fetched(std::collections::BTreeMap<TileId, Vec<u8>>);

impl Tiles for Fetched {
    type Error = TileId;

    fn hashes(&self, tile: &TileId) -> Result<Vec<TreeHash>, TileId> {
        let bytes = self.0.get(tile).ok_or(*tile)?;
        assert_eq!(bytes.len() as u64, tile.width() * 32, "{tile}");
        let (hashes, _) = bytes.as_chunks::<32>();
        Ok(hashes.iter().map(|hash| TreeHash(*hash)).collect())
    }
}

/// A ledger of 8 + 260 entries, in batches of one.
async fn long() -> Running {
    let running = Running::peopled().await;
    for number in 0..260 {
        let content = format!("digits {number}");
        let action = record("digits", number + 1, content.as_bytes());
        running.record("provider", action).await;
    }
    running
}

async fn fetch_hashes(running: &Running, size: u64) -> Fetched {
    let mut fetched = std::collections::BTreeMap::new();
    for tile in TileKind::levels(size).flat_map(|kind| TileId::of_size(kind, size, 0)) {
        let got = get(running.port, &format!("/{tile}")).await;
        assert_eq!(got.status, 200, "{tile}: {got:?}");
        assert_eq!(got.header("content-type"), Some("application/octet-stream"));
        assert_eq!(got.header("cache-control"), Some(FOREVER));
        fetched.insert(tile, got.body);
    }
    Fetched(fetched)
}

#[tokio::test]
async fn the_tree_that_the_checkpoint_signs_is_in_the_tiles() {
    let running = long().await;
    running.clock.advance(SECOND);
    let got = get(running.port, "/checkpoint").await;
    assert_eq!(got.status, 200);
    let kind = got.header("content-type");
    assert_eq!(kind, Some("text/plain; charset=utf-8"));
    assert_eq!(got.header("cache-control"), Some("public, max-age=1"));
    let checkpoint = opened(got.text());
    assert_eq!(checkpoint.size, running.engine.published().size);
    assert_eq!(checkpoint.size, 267);

    // At every size there are partial tiles, also at those that are past.
    for size in [1, 2, 7, 255, 256, 257, 267] {
        let tiles = fetch_hashes(&running, size).await;
        let nodes = TileNodes {
            tiles: &tiles,
            size,
        };
        let root = root_at(size, &nodes).unwrap();
        let note = running.engine.log().checkpoint(size).unwrap().unwrap();
        assert_eq!(root, opened(&note).root, "{size}");
    }
}

#[tokio::test]
async fn entry_bundles_are_for_operator_and_auditors() {
    let running = long().await;
    let leaves = running.engine.log().leaves(0, 267, usize::MAX).unwrap();
    for (path, range) in [
        ("/tile/entries/000", 0..256),
        ("/tile/entries/001.p/11", 256..267),
        ("/tile/entries/001.p/1", 256..257),
        ("/tile/entries/000.p/255", 0..255),
    ] {
        assert_eq!(get(running.port, path).await.status, 401, "{path}");
        for (caller, allowed) in [
            (OPERATOR, true),
            ("auditor", true),
            ("provider", false),
            ("payer", false),
        ] {
            let token = format!("Bearer {}", running.token(caller));
            let got = get_with(running.port, path, &[("Authorization", &token)]).await;
            if !allowed {
                assert_eq!(got.status, 403, "{caller}");
                assert!(got.text().starts_with("NOT_PERMITTED: "), "{got:?}");
                assert_eq!(got.header("cache-control"), Some("no-store"));
                continue;
            }
            assert_eq!(got.status, 200, "{path} {caller}");
            assert_eq!(got.header("content-type"), Some("application/octet-stream"));
            let kept = "private, max-age=31536000, immutable";
            assert_eq!(got.header("cache-control"), Some(kept));
            assert_eq!(bundled(&got.body).unwrap(), leaves[range.clone()]);
        }
    }
    let got = get(running.port, "/tile/0/000").await;
    let first: Vec<u8> = leaves[..256]
        .iter()
        .flat_map(|leaf| leaf_hash(leaf).0)
        .collect();
    assert_eq!(got.body, first);
}

#[tokio::test]
async fn tokens_are_judged_as_for_grpc() {
    let running = Running::peopled().await;
    let path = "/tile/entries/000.p/7";
    let asked = async |header: &str| {
        let got: Got = get_with(running.port, path, &[("authorization", header)]).await;
        got.status
    };
    let good = format!("Bearer {}", running.token("auditor"));
    assert_eq!(asked(&good).await, 200);
    assert_eq!(asked(&running.token("auditor")).await, 401);
    assert_eq!(asked("Bearer x.y.z").await, 401);
    assert_eq!(asked(&format!("{}A", &good[..good.len() - 1])).await, 401);
    running.clock.advance(Duration::from_secs(400));
    assert_eq!(asked(&good).await, 401);
    let got = get(running.port, path).await;
    assert_eq!(got.header("www-authenticate"), Some("Bearer"));
}

#[tokio::test]
async fn what_is_not_there_is_a_404_that_nobody_keeps() {
    let running = Running::peopled().await;
    for path in [
        "/",
        "/tile",
        "/tile/",
        "/tile/0/000",
        "/tile/0/000.p/8",
        "/tile/0/000.p/0",
        "/tile/0/000.p/07",
        "/tile/0/0",
        "/tile/0/001.p/1",
        "/tile/1/000.p/1",
        "/tile/0/000.p/7/",
        "//tile/0/000.p/7",
        "/tile/0/%30%30%30.p/7",
        "/tile/64/000",
        "/metrics2",
        "/fenrun.v1.LogService",
    ] {
        let got = get(running.port, path).await;
        assert_eq!(got.status, 404, "{path}");
        assert_ne!(got.header("cache-control"), Some(FOREVER), "{path}");
    }
    assert_eq!(get(running.port, "/tile/0/000.p/7").await.status, 200);
    let token = format!("authorization: Bearer {}\r\n", running.token("auditor"));
    let beyond = ask(running.port, "GET /tile/entries/000.p/8", &token, "").await;
    assert_eq!(beyond.status, 404);
    for wrong in ["POST /checkpoint", "PUT /tile/0/000.p/7", "DELETE /healthz"] {
        assert_eq!(
            ask(running.port, wrong, "", "").await.status,
            405,
            "{wrong}"
        );
    }
    let head = ask(running.port, "HEAD /checkpoint", "", "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[tokio::test]
async fn health_says_whether_the_service_goes_on() {
    let mut running = Running::peopled().await;
    let got = get(running.port, "/healthz").await;
    assert_eq!((got.status, got.text()), (200, "ok\n"));
    assert!(got.header("x-request-id").is_some());
    running.begin_to_stop();
    running.stopped().await;
}

#[tokio::test]
async fn a_checkpoint_is_published_once_its_second_is_over() {
    let running = Running::founded(crate::running::Setup::default()).await;
    let size = async || opened(get(running.port, "/checkpoint").await.text()).size;
    // The founding is all there is.
    assert_eq!(size().await, 1);
    running.admit_people().await;
    assert_eq!(running.engine.published().size, 7);
    assert_eq!(size().await, 1);
    running.clock.advance(Duration::from_millis(999));
    running
        .record("provider", record("digits", 1, b"one"))
        .await;
    assert_eq!(size().await, 1);
    running.clock.advance(Duration::from_millis(1));
    assert_eq!(size().await, 8);
    running
        .record("provider", record("digits", 2, b"two"))
        .await;
    running
        .record("provider", record("digits", 3, b"three"))
        .await;
    assert_eq!(size().await, 8);
    running.clock.advance(SECOND);
    assert_eq!(size().await, 10);
}
