//! The routes: `/checkpoint`, `/tile/...`, `/healthz`.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;

use super::answer;
use super::fault::WebFault;
use super::host::{Asked, Host};
use crate::domain::TreeHash;
use crate::merkle::{TileId, TileKind, push_bundled};
use crate::store::log::LogReader;

/// Returns the routes over a host.
pub fn router<H: Host>(host: H) -> Router {
    Router::new()
        .route("/checkpoint", get(checkpoint::<H>))
        .route("/tile/{*path}", get(tile::<H>))
        .route("/healthz", get(health::<H>))
        .with_state(host)
}

async fn checkpoint<H: Host>(State(host): State<H>, request: Request) -> Response {
    let newest = match host.schedule().at_hand() {
        Some(newest) => Ok(Some(newest)),
        None => {
            let schedule = host.schedule().clone();
            let (asked, _) = request.into_parts();
            host.read(&asked, move |_| schedule.newest()).await
        }
    };
    match newest {
        Ok(Some(newest)) => answer::checkpoint(&newest.note),
        Ok(None) => answer::missing("no checkpoint has its quorum of cosignatures yet"),
        Err(rejection) => answer::refusal(&rejection),
    }
}

async fn tile<H: Host>(State(host): State<H>, request: Request) -> Response {
    let (asked, _) = request.into_parts();
    let path = asked.uri.path().trim_start_matches('/');
    let tile: TileId = match path.parse() {
        Ok(tile) => tile,
        Err(error) => return answer::missing(&format!("{error}")),
    };
    match tile.kind() {
        TileKind::Hashes(_) => hashes(&host, &asked, tile).await,
        TileKind::Entries => bundle(&host, &asked, tile).await,
    }
}

async fn hashes<H: Host>(host: &H, asked: &Asked, tile: TileId) -> Response {
    let read = host.read(asked, move |log| read_hashes(log, &tile)).await;
    match read {
        Ok(Some(bytes)) => answer::tile(bytes),
        Ok(None) => beyond(&tile),
        Err(rejection) => answer::refusal(&rejection),
    }
}

/// Returns the bytes of a tile; none where the log has not come so far.
fn read_hashes(log: &dyn LogReader, tile: &TileId) -> Result<Option<Bytes>, WebFault> {
    if !tile.is_in(log.size()) {
        return Ok(None);
    }
    let level = tile.kind().tree_level();
    let hashes = log.nodes(level, tile.first(), tile.end())?;
    let mut bytes = Vec::with_capacity(hashes.len().saturating_mul(TreeHash::SIZE));
    for hash in &hashes {
        bytes.extend_from_slice(&hash.0);
    }
    Ok(Some(bytes.into()))
}

async fn bundle<H: Host>(host: &H, asked: &Asked, tile: TileId) -> Response {
    let read = host.read_as_reader(asked, move |log| {
        if !tile.is_in(log.size()) {
            return Ok(None);
        }
        let leaves = log.leaves(tile.first(), tile.end(), usize::MAX)?;
        Ok(Some(bundle_bytes(&leaves)))
    });
    match read.await {
        Ok(Some(bytes)) => answer::bundle(bytes),
        Ok(None) => beyond(&tile),
        Err(rejection) => answer::refusal(&rejection),
    }
}

/// Returns entries as a bundle holds them.
fn bundle_bytes(leaves: &[Bytes]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for leaf in leaves {
        push_bundled(&mut bytes, leaf);
    }
    bytes
}

fn beyond(tile: &TileId) -> Response {
    answer::missing(&format!("the log has not filled {tile} yet"))
}

async fn health<H: Host>(State(host): State<H>) -> Response {
    if host.serves() {
        answer::line(StatusCode::OK, "ok")
    } else {
        answer::line(StatusCode::SERVICE_UNAVAILABLE, "stopping")
    }
}
