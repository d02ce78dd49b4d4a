//! `BlobService`: bytes under their hash.
//!
//! A blob is read by operator, auditor and a party that itself uploaded every byte; to everybody
//! else it does not exist, and an upload of bytes that are there already goes like any other. A
//! bounded number of transfers goes on at once, and one that stands still is ended, so that
//! nobody keeps others out by doing nothing.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::asked::Asked;
use super::calls::Call;
use super::identity::{Identity, ended};
use super::limits::ServeLimits;
use super::reads::{Answer, Reads};
use super::status::Failure;
use super::stopping::{AnswerStream, shutting_down, stopped};
use crate::domain::{ContentHash, Reason};
use crate::store::blobs::{BlobError, BlobFault, Blobs, Upload};
use crate::wire::proto;
use crate::wire::proto::blob_service_server::BlobService;
use crate::wire::proto::put_request::Part;

impl From<BlobError> for Failure {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Rejected(rejection) => Self::Refused(*rejection),
            BlobError::Fault(fault) => fault.into(),
        }
    }
}

impl From<BlobFault> for Failure {
    fn from(fault: BlobFault) -> Self {
        let rejection = fault.rejection();
        tracing::error!(fault = %super::status::chain(&fault), "the storage of blobs failed");
        Self::Refused(rejection)
    }
}

/// Takes and gives blobs.
pub(super) struct BlobStore {
    desk: Desk,
}

/// What every transfer works with.
#[derive(Clone)]
struct Desk {
    reads: Reads,
    blobs: Blobs,
    /// One place for each transfer.
    places: Arc<Semaphore>,
    idle_max: Duration,
    stopping: watch::Receiver<bool>,
}

impl BlobStore {
    pub fn new(
        reads: Reads,
        blobs: Blobs,
        limits: &ServeLimits,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let desk = Desk {
            reads,
            blobs,
            places: Arc::new(Semaphore::new(limits.transfers_at_once)),
            idle_max: limits.idle_transfer,
            stopping,
        };
        Self { desk }
    }
}

#[tonic::async_trait]
impl BlobService for BlobStore {
    type GetStream = AnswerStream<proto::GetResponse>;

    async fn put(
        &self,
        request: Request<Streaming<proto::PutRequest>>,
    ) -> Answer<proto::PutResponse> {
        let call = Call::of(&request);
        let begun = async {
            let identity = self.desk.reads.identify(&request, &call).await?;
            Ok((identity, self.desk.place()?))
        };
        let (identity, _place) = begun.await.map_err(|failure: Failure| call.fail(failure))?;
        let transfer = Transfer {
            desk: self.desk.clone(),
            checked_at: self.desk.reads.engine().published().size,
            identity,
            call: call.clone(),
        };
        let stored = Incoming {
            parts: request.into_inner(),
            transfer,
        }
        .store()
        .await?;
        call.answered();
        Ok(Response::new(stored))
    }

    async fn get(&self, request: Request<proto::GetRequest>) -> Answer<Self::GetStream> {
        let call = Call::of(&request);
        let begun = async {
            let identity = self.desk.reads.identify(&request, &call).await?;
            let asked = request.get_ref();
            let (hash, size) = self.desk.seen(&identity, &asked.hash)?;
            if asked.offset > size {
                let text = format!("is {}, but the blob has {size} bytes", asked.offset);
                return Err(Failure::field("offset", text));
            }
            let end = match asked.limit {
                0 => size,
                limit => asked.offset.saturating_add(limit).min(size),
            };
            Ok((identity, hash, asked.offset..end, self.desk.place()?))
        };
        let begun: Result<_, Failure> = begun.await;
        let (identity, hash, range, place) = begun.map_err(|failure| call.fail(failure))?;
        let transfer = Transfer {
            desk: self.desk.clone(),
            checked_at: self.desk.reads.engine().published().size,
            identity,
            call,
        };
        let (sender, parts) = mpsc::channel(1);
        tokio::spawn(transfer.send(hash, range, place, sender));
        Ok(Response::new(Box::pin(ReceiverStream::new(parts))))
    }

    async fn stat(&self, request: Request<proto::StatRequest>) -> Answer<proto::StatResponse> {
        let call = Call::of(&request);
        let found = async {
            let identity = self.desk.reads.identify(&request, &call).await?;
            self.desk.seen(&identity, &request.get_ref().hash)
        };
        let (hash, size) = found.await.map_err(|failure| call.fail(failure))?;
        call.answered();
        Ok(Response::new(proto::StatResponse {
            hash: Bytes::copy_from_slice(&hash.0),
            size,
        }))
    }
}

impl Desk {
    /// Takes a place among the transfers.
    fn place(&self) -> Result<OwnedSemaphorePermit, Failure> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_| {
            let text = "as many uploads and downloads go on as the service takes; come again";
            Failure::refused(Reason::QueueFull, text)
        })
    }

    /// Returns hash and size of a blob that somebody may read.
    fn seen(&self, identity: &Identity, hash: &[u8]) -> Result<(ContentHash, u64), Failure> {
        let hash = read_hash("hash", hash)?;
        let own = self.blobs.uploaded_by(&hash, identity.name());
        let size = self.blobs.size(&hash);
        let size = size.filter(|_| own || identity.caller.sees_all());
        let missing = || Failure::missing(format!("blob {hash}"));
        Ok((hash, size.ok_or_else(missing)?))
    }
}

fn read_hash(field: &str, hash: &[u8]) -> Result<ContentHash, Failure> {
    let mut fields = Asked::default();
    fields.bytes(field, hash).ok_or_else(|| fields.refusal())
}

/// A transfer under way.
struct Transfer {
    desk: Desk,
    identity: Identity,
    /// The log size as of which the identity's key was seen to be active.
    checked_at: u64,
    call: Call,
}

impl Transfer {
    /// Waits for the next step of a client, which must come in time.
    async fn step<T>(&mut self, next: impl Future<Output = T>) -> Result<T, Broken> {
        let idle_max = self.desk.idle_max;
        let next = tokio::time::timeout(idle_max, next);
        let next = tokio::select! {
            next = next => next,
            () = stopped(&mut self.desk.stopping) => return Err(shutting_down().into()),
        };
        let next = next.map_err(|_| {
            let text = format!("nothing was sent or taken for {} ms", idle_max.as_millis());
            Broken::Stream(Status::deadline_exceeded(text))
        })?;
        self.check_key().await?;
        Ok(next)
    }

    /// Ends the transfer when its key has been revoked since it was last looked at.
    async fn check_key(&mut self) -> Result<(), Failure> {
        let state = self.desk.reads.engine().published();
        if state.size == self.checked_at {
            return Ok(());
        }
        self.checked_at = state.size;
        let identity = self.identity.clone();
        let holds = move || Ok(identity.holds(&state.view)?);
        match self.desk.reads.run(holds).await? {
            true => Ok(()),
            false => Err(ended()),
        }
    }

    /// Sends a part of a blob, chunk after chunk, as the client takes them.
    async fn send(
        mut self,
        hash: ContentHash,
        range: std::ops::Range<u64>,
        place: OwnedSemaphorePermit,
        sender: mpsc::Sender<Result<proto::GetResponse, Status>>,
    ) {
        let sent = self.send_chunks(&hash, range, &sender).await;
        drop(place);
        match sent {
            Ok(()) => self.call.answered(),
            Err(broken) => {
                let status = broken.status(&self.call);
                // Where the client does not take it there is nobody to tell.
                let _ = sender.try_send(Err(status));
            }
        }
    }

    async fn send_chunks(
        &mut self,
        hash: &ContentHash,
        range: std::ops::Range<u64>,
        sender: &mpsc::Sender<Result<proto::GetResponse, Status>>,
    ) -> Result<(), Broken> {
        let Some(chunks) = self.desk.blobs.get(hash, range) else {
            return Err(Failure::missing(format!("blob {hash}")).into());
        };
        tokio::pin!(chunks);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(Failure::from)?;
            let part = proto::GetResponse { chunk };
            let taken = self.step(sender.send(Ok(part))).await?;
            if taken.is_err() {
                // The client is gone, and with it who would be told.
                break;
            }
        }
        Ok(())
    }
}

/// An upload as it comes in.
struct Incoming {
    parts: Streaming<proto::PutRequest>,
    transfer: Transfer,
}

impl Incoming {
    /// Stores the bytes; nothing is kept of an upload that breaks.
    async fn store(mut self) -> Result<proto::PutResponse, Status> {
        let call = self.transfer.call.clone();
        let upload = async {
            let (header, mut upload) = self.begin().await?;
            while let Some(part) = self.part().await? {
                match part {
                    Part::Chunk(chunk) => upload.write(chunk).await.map_err(Failure::from)?,
                    Part::Header(_) => {
                        let text = "stands once, at the beginning";
                        return Err(Failure::field("header", text).into());
                    }
                }
            }
            upload.finish().await.map_err(Failure::from)?;
            Ok(proto::PutResponse {
                hash: header.hash,
                size: header.size,
            })
        };
        upload.await.map_err(|broken: Broken| broken.status(&call))
    }

    async fn begin(&mut self) -> Result<(proto::PutHeader, Upload), Broken> {
        let Some(Part::Header(header)) = self.part().await? else {
            let text = "is required, before the content";
            return Err(Failure::field("header", text).into());
        };
        let hash = read_hash("header.hash", &header.hash)?;
        let party = self.transfer.identity.name();
        let upload = self.transfer.desk.blobs.begin(hash, header.size, party);
        let upload = upload.await.map_err(Failure::from)?;
        Ok((header, upload))
    }

    async fn part(&mut self) -> Result<Option<Part>, Broken> {
        let next = self.transfer.step(self.parts.message()).await?;
        match next.map_err(Broken::Stream)? {
            None => Ok(None),
            Some(proto::PutRequest { part: Some(part) }) => Ok(Some(part)),
            Some(proto::PutRequest { part: None }) => {
                let text = "is required: header or chunk";
                Err(Failure::field("part", text).into())
            }
        }
    }
}

/// Why a transfer does not go on.
enum Broken {
    Refused(Failure),
    /// The stream ended badly, which gRPC has its own words for.
    Stream(Status),
}

impl Broken {
    fn status(self, call: &Call) -> Status {
        match self {
            Self::Refused(failure) => call.fail(failure),
            Self::Stream(status) => call.broken(status),
        }
    }
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}
