//! What answers look like: content types, how long they may be kept, refusals.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;

use crate::domain::{Reason, ReasonClass, Rejection};

/// The type of checkpoints, and of what is said to people.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
/// The type of tiles and entry bundles.
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");
/// For what never changes and is for anybody: a year, the longest that caches heed.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// For what never changes and is for one reader: no cache between keeps it.
const FOREVER_PRIVATE: HeaderValue =
    HeaderValue::from_static("private, max-age=31536000, immutable");
/// For the checkpoint, of which there is at most one a second.
const A_SECOND: HeaderValue = HeaderValue::from_static("public, max-age=1");
/// For what may be otherwise the next time.
const NEVER: HeaderValue = HeaderValue::from_static("no-store");
/// How long to wait before the same is asked for again, in seconds.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// Answers with a checkpoint.
pub(super) fn checkpoint(note: &str) -> Response {
    answer(StatusCode::OK, TEXT, A_SECOND, note.to_owned().into())
}

/// Answers with a tile of hashes.
pub(super) fn tile(bytes: Bytes) -> Response {
    answer(StatusCode::OK, OCTETS, FOREVER, bytes.into())
}

/// Answers with an entry bundle.
pub(super) fn bundle(bytes: Vec<u8>) -> Response {
    let mut response = answer(StatusCode::OK, OCTETS, FOREVER_PRIVATE, bytes.into());
    let varies = HeaderValue::from_static("authorization");
    response.headers_mut().insert(VARY, varies);
    response
}

/// Answers with a line for people, or for what only looks at the status.
pub(super) fn line(status: StatusCode, text: &str) -> Response {
    answer(status, TEXT, NEVER, format!("{text}\n").into())
}

/// Says that there is no such thing.
pub(super) fn missing(text: &str) -> Response {
    line(StatusCode::NOT_FOUND, text)
}

/// Answers with a refusal: its reason first, then what it says to people.
pub(super) fn refusal(rejection: &Rejection) -> Response {
    let status = match rejection.reason.class() {
        ReasonClass::Invalid => StatusCode::BAD_REQUEST,
        ReasonClass::Unauthenticated => StatusCode::UNAUTHORIZED,
        ReasonClass::Denied => StatusCode::FORBIDDEN,
        ReasonClass::Missing => StatusCode::NOT_FOUND,
        ReasonClass::Exists | ReasonClass::Precondition => StatusCode::CONFLICT,
        ReasonClass::Exhausted => StatusCode::TOO_MANY_REQUESTS,
        ReasonClass::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ReasonClass::Fault => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = line(status, &rejection.to_string());
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if matches!(rejection.reason, Reason::QueueFull | Reason::ShuttingDown) {
        headers.insert(RETRY_AFTER, RETRY_SECONDS);
    }
    response
}

fn answer(status: StatusCode, kind: HeaderValue, kept: HeaderValue, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, kept);
    response
}
