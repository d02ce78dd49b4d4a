//! Plain HTTP on the same port: who asks and how much is read at once, as for gRPC.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::calls::Call;
use super::identity::Presented;
use super::log::whole_log_only;
use super::reads::Reads;
use super::status::Failure;
use crate::domain::Rejection;
use crate::store::log::LogReader;
use crate::web::{Asked, Host, Schedule, WebFault};

/// What a request of gRPC says that its content is.
const GRPC: &str = "application/grpc";

/// The service as the routes of the web see it.
#[derive(Clone)]
pub(super) struct Mounted {
    reads: Reads,
    schedule: Schedule,
    stopping: watch::Receiver<bool>,
}

impl Mounted {
    pub fn new(reads: Reads, schedule: Schedule, stopping: watch::Receiver<bool>) -> Self {
        Self {
            reads,
            schedule,
            stopping,
        }
    }

    async fn run<A: Send + 'static>(
        &self,
        asked: &Asked,
        work: impl FnOnce() -> Result<A, Failure> + Send + 'static,
    ) -> Result<A, Rejection> {
        let id = Call::among(&asked.extensions).id();
        let answer = self.reads.run(work).await;
        answer.map_err(|failure| failure.into_rejection(id))
    }
}

impl From<WebFault> for Failure {
    fn from(fault: WebFault) -> Self {
        Self::Fault(fault.into())
    }
}

impl Host for Mounted {
    fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    fn serves(&self) -> bool {
        !*self.stopping.borrow()
    }

    async fn read<A: Send + 'static>(
        &self,
        asked: &Asked,
        work: impl FnOnce(&dyn LogReader) -> Result<A, WebFault> + Send + 'static,
    ) -> Result<A, Rejection> {
        let engine = self.reads.engine().clone();
        let work = move || Ok(work(engine.log().as_ref())?);
        self.run(asked, work).await
    }

    async fn read_as_reader<A: Send + 'static>(
        &self,
        asked: &Asked,
        work: impl FnOnce(&dyn LogReader) -> Result<A, WebFault> + Send + 'static,
    ) -> Result<A, Rejection> {
        let presented = Presented::take(&MetadataMap::from_headers(asked.headers.clone()));
        let (call, reads) = (Call::among(&asked.extensions), self.reads.clone());
        let work = move || {
            let identity = reads.reading(presented?).identity()?;
            call.by(identity.name());
            whole_log_only(&identity.caller)?;
            Ok(work(reads.engine().log().as_ref())?)
        };
        self.run(asked, work).await
    }
}

/// Answers what no route is for: to gRPC that there is no such method, to others that there is no
/// such page.
pub(super) async fn unknown(request: axum::extract::Request) -> Response {
    let kind = request.headers().get(CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(GRPC.as_bytes())) {
        return Status::unimplemented("").into_http();
    }
    let text = "there is nothing here; this is a ledger, with /checkpoint and /tile over HTTP and \
                the rest over gRPC\n";
    (StatusCode::NOT_FOUND, text).into_response()
}
