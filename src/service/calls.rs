//! What every call has: a request id, a deadline, and one line in the log when it is over.
//!
//! The line is written when the last part of the call is dropped, so that a stream is logged at
//! its end and a call that its client left is seen too. It holds the method, the party, the reason
//! and the time it took, never headers or content: no secret and no token can be among them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tonic::body::Body;
use tonic::codegen::http::header::CONTENT_TYPE;
use tonic::codegen::http::{Extensions, HeaderMap, HeaderValue, Request, Response, StatusCode};
use tonic::{Code, Status};
use tower::{Layer, Service};

use super::connections::Peer;
use super::status::{Failure, dressed, google_status, status};
use crate::domain::{PartyName, Reason, Rejection};

/// The header in which an answer names its call.
pub const REQUEST_ID_HEADER: &str = "x-request-id";
/// The one unary call that may take as long as its bytes take to arrive.
const UPLOAD: &str = "/fenrun.v1.BlobService/Put";
/// The most characters of a path in the log.
const PATH_CHARACTERS_MAX: usize = 80;

/// The id of a call, by which an answer finds its lines in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(pub(super) u64);

impl RequestId {
    /// Returns an id that no other call of this process has.
    fn next() -> Self {
        static NEXT: LazyLock<AtomicU64> =
            // Without randomness the ids of two processes are alike, which confuses nothing else.
            LazyLock::new(|| AtomicU64::new(getrandom::u64().unwrap_or_default()));
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Answered,
    Refused(Reason),
    Other(Code),
    Plain(StatusCode),
}

/// A call while any part of it is at work.
#[derive(Debug)]
struct Work {
    id: RequestId,
    method: String,
    peer: Option<std::net::SocketAddr>,
    begun: Instant,
    party: OnceLock<PartyName>,
    outcome: OnceLock<Outcome>,
}

impl Drop for Work {
    fn drop(&mut self) {
        let request = self.id;
        let method = self.method.as_str();
        let party = self.party.get().map_or("", PartyName::as_str);
        let peer = self.peer.map(|peer| peer.to_string()).unwrap_or_default();
        let micros = self.begun.elapsed().as_micros();
        match self.outcome.get() {
            Some(Outcome::Answered) => {
                tracing::debug!(%request, method, party, peer, micros, "answered");
            }
            Some(Outcome::Refused(reason)) => {
                let reason = reason.as_str();
                tracing::info!(%request, method, party, peer, micros, reason, "refused");
            }
            Some(Outcome::Other(code)) => {
                tracing::info!(%request, method, party, peer, micros, ?code, "not answered");
            }
            Some(Outcome::Plain(status)) => {
                let status = status.as_u16();
                tracing::debug!(%request, method, party, peer, micros, status, "answered");
            }
            None => tracing::info!(%request, method, party, peer, micros, "left by its client"),
        }
    }
}

/// A call, held by every part that works on it.
#[derive(Debug, Clone)]
pub(super) struct Call(Arc<Work>);

impl Call {
    fn new(method: &str, peer: Option<std::net::SocketAddr>) -> Self {
        Self(Arc::new(Work {
            id: RequestId::next(),
            method: method.chars().take(PATH_CHARACTERS_MAX).collect(),
            peer,
            begun: Instant::now(),
            party: OnceLock::new(),
            outcome: OnceLock::new(),
        }))
    }

    /// Returns the call of a request.
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        let call = request.extensions().get::<Self>().cloned();
        call.unwrap_or_else(|| Self::new("", None))
    }

    /// Returns the call of a request that is not of gRPC.
    pub fn among(extensions: &Extensions) -> Self {
        let call = extensions.get::<Self>().cloned();
        call.unwrap_or_else(|| Self::new("", None))
    }

    /// Returns the id of the call.
    pub fn id(&self) -> RequestId {
        self.0.id
    }

    /// Notes who calls.
    pub fn by(&self, party: &PartyName) {
        // The first one stands; a call has one caller.
        let _ = self.0.party.set(party.clone());
    }

    /// Notes that the call is answered.
    pub fn answered(&self) {
        let _ = self.0.outcome.set(Outcome::Answered);
    }

    /// Returns the status that answers the call, having noted and logged what it is.
    pub fn fail(&self, failure: impl Into<Failure>) -> Status {
        let rejection = failure.into().into_rejection(self.0.id);
        let _ = self.0.outcome.set(Outcome::Refused(rejection.reason));
        status(&rejection, self.0.id)
    }

    /// Returns the status for a message of the call, which goes on.
    pub fn refusal(&self, rejection: &Rejection) -> tonic_types::Status {
        google_status(rejection, self.0.id)
    }

    /// Returns the status of a stream of requests that broke: ours where a message could not be
    /// taken, gRPC's own where the client went away.
    pub fn broken(&self, status: Status) -> Status {
        match dressed(&status) {
            Some(rejection) => self.fail(rejection),
            None => {
                let _ = self.0.outcome.set(Outcome::Other(status.code()));
                status
            }
        }
    }

    /// Notes how a call ended that answered with headers; a stream goes on and says so itself.
    fn heard(&self, response: &Response<Body>) -> Option<Status> {
        let headers = response.headers();
        if !is_grpc(headers) {
            let _ = self.0.outcome.set(Outcome::Plain(response.status()));
            return None;
        }
        let status = Status::from_header_map(headers)?;
        if status.code() == Code::Ok {
            return None;
        }
        let ours = !status.details().is_empty();
        (!ours).then(|| self.broken(status))
    }
}

/// Gives every call its [`Call`].
#[derive(Debug, Clone)]
pub(super) struct Calls {
    /// How long a call may take to answer.
    pub time_max: Duration,
}

impl<S> Layer<S> for Calls {
    type Service = WithCall<S>;

    fn layer(&self, inner: S) -> WithCall<S> {
        let time_max = self.time_max;
        WithCall { inner, time_max }
    }
}

/// A service whose calls have a [`Call`].
#[derive(Debug, Clone)]
pub(super) struct WithCall<S> {
    inner: S,
    time_max: Duration,
}

impl<S> Service<Request<Body>> for WithCall<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let method = request.uri().path();
        let call = Call::new(method, peer(&request));
        let time_max = (method != UPLOAD).then_some(self.time_max);
        let time = match (time_max, client_timeout(request.headers())) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        // Begins now: the deadline that tonic keeps itself answers less exactly and must be later.
        let deadline = time.map(tokio::time::sleep);
        request.extensions_mut().insert(call.clone());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = tokio::select! {
                biased;
                answer = answer => answer?,
                () = elapsed(deadline) => {
                    let text = "the call took longer than its deadline; what it asked for may \
                                still have happened, so send the same again";
                    call.broken(Status::deadline_exceeded(text)).into_http()
                }
            };
            if let Some(status) = call.heard(&response) {
                response = status.into_http();
            }
            if let Ok(id) = HeaderValue::try_from(call.id().to_string()) {
                response.headers_mut().insert(REQUEST_ID_HEADER, id);
            }
            Ok(response)
        })
    }
}

async fn elapsed(deadline: Option<tokio::time::Sleep>) {
    match deadline {
        Some(deadline) => deadline.await,
        None => std::future::pending().await,
    }
}

/// Tells an answer of gRPC from one of plain HTTP.
fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

fn peer(request: &Request<Body>) -> Option<std::net::SocketAddr> {
    let peer = request.extensions().get::<Peer>();
    peer.map(|peer| peer.address)
}

/// Returns the time that a client gives, from the header of the gRPC protocol.
fn client_timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let all_digits = digits.bytes().all(|digit| digit.is_ascii_digit());
    let number: u64 = digits
        .parse()
        .ok()
        .filter(|_| all_digits && digits.len() <= 8)?;
    Some(match unit {
        "H" => Duration::from_secs(number.saturating_mul(3_600)),
        "M" => Duration::from_secs(number.saturating_mul(60)),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_time_that_a_client_gives() {
        let timeout = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", HeaderValue::from_static(text));
            client_timeout(&headers)
        };
        assert_eq!(timeout("5S"), Some(Duration::from_secs(5)));
        assert_eq!(
            timeout("99999999H"),
            Some(Duration::from_secs(99_999_999 * 3_600))
        );
        assert_eq!(timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(timeout("7u"), Some(Duration::from_micros(7)));
        for wrong in ["", "S", "5", "5s", "+5S", "-5S", "123456789S", "5 S"] {
            assert_eq!(timeout(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn ids_differ() {
        assert_ne!(RequestId::next(), RequestId::next());
        assert_eq!(RequestId(255).to_string(), "00000000000000ff");
    }
}
