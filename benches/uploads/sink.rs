//! A bare service that writes what it is sent into a file and syncs it: the baseline of uploads.
//!
//! It is as good as a sink can simply be: a thread writes one message while the next arrives, and
//! the transport has the service's own settings.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use bytes::Bytes;
use fenrun::service::{CHUNK_BYTES_MAX, CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES};
use fenrun::wire::proto;
use proto::blob_service_server::{BlobService, BlobServiceServer};
use proto::put_request::Part;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

/// How many messages wait for the thread that writes.
const WAITING: usize = 2;

/// Serves a sink that writes to a file; returns its port.
pub async fn serve(path: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let service = BlobServiceServer::new(Sink(path)).max_decoding_message_size(2 * CHUNK_BYTES_MAX);
    let serving = tonic::transport::Server::builder()
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .add_service(service)
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
    tokio::spawn(serving);
    port
}

struct Sink(PathBuf);

#[tonic::async_trait]
impl BlobService for Sink {
    type GetStream = tokio_stream::Empty<Result<proto::GetResponse, Status>>;

    async fn put(
        &self,
        request: Request<Streaming<proto::PutRequest>>,
    ) -> Result<Response<proto::PutResponse>, Status> {
        let mut parts = request.into_inner();
        let (sender, mut chunks) = tokio::sync::mpsc::channel::<Bytes>(WAITING);
        let path = self.0.clone();
        let writing = tokio::task::spawn_blocking(move || {
            let mut file = File::create(path)?;
            while let Some(chunk) = chunks.blocking_recv() {
                file.write_all(&chunk)?;
            }
            file.sync_all()
        });
        let mut size = 0;
        while let Some(part) = parts.message().await? {
            if let Some(Part::Chunk(chunk)) = part.part {
                size += chunk.len() as u64;
                sender.send(chunk).await.unwrap();
            }
        }
        drop(sender);
        writing.await.unwrap()?;
        let hash = Bytes::new();
        Ok(Response::new(proto::PutResponse { hash, size }))
    }

    async fn get(
        &self,
        _: Request<proto::GetRequest>,
    ) -> Result<Response<Self::GetStream>, Status> {
        Err(Status::unimplemented("a sink"))
    }

    async fn stat(
        &self,
        _: Request<proto::StatRequest>,
    ) -> Result<Response<proto::StatResponse>, Status> {
        Err(Status::unimplemented("a sink"))
    }
}
