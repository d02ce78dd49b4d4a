//! Uploads and downloads; what comes is hashed while it arrives and believed only then.

use std::io::Write;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::answer;
use super::{ClientError, Connection};
use crate::content::{ContentHasher, Hashed};
use crate::domain::{ATTACHMENT_BYTES_MAX, ContentHash};
use crate::wire::proto;
use crate::wire::proto::blob_service_client::BlobServiceClient;
use crate::wire::proto::put_request::Part;

/// How many bytes one message of an upload carries; the service takes up to 1 MiB.
pub const CHUNK_BYTES: usize = 512 * 1024;
/// How many messages are read ahead.
const AHEAD: usize = 4;

impl Connection {
    /// Uploads a file that has been hashed; `progress` gets the bytes sent so far.
    ///
    /// # Errors
    /// The file cannot be read, has changed since, or the service refuses it.
    pub async fn upload_file(
        &self,
        path: &Path,
        hashed: &Hashed,
        progress: &dyn Fn(u64),
    ) -> Result<(), ClientError> {
        let fault = |source| ClientError::File {
            path: path.to_owned(),
            source,
        };
        let mut file = tokio::fs::File::open(path).await.map_err(fault)?;
        let (sender, receiver) = mpsc::channel(AHEAD);
        let reading = async {
            // A send fails when the service has ended the upload; its answer says why.
            let mut open = sender.send(header(hashed)).await.is_ok();
            let mut sent: u64 = 0;
            while open {
                let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
                while chunk.len() < CHUNK_BYTES && file.read_buf(&mut chunk).await? > 0 {}
                if chunk.is_empty() {
                    break;
                }
                let size = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
                open = sender.send(part(chunk.freeze())).await.is_ok();
                sent = sent.saturating_add(size);
                progress(sent);
            }
            drop(sender);
            Ok::<(), std::io::Error>(())
        };
        let (read, answered) = tokio::join!(reading, self.put(receiver, hashed));
        read.map_err(fault)?;
        answered
    }

    /// Uploads bytes that are held in memory and returns their hash.
    ///
    /// # Errors
    /// The service refuses them.
    pub async fn upload(&self, bytes: Bytes) -> Result<ContentHash, ClientError> {
        let hashed = Hashed {
            hash: ContentHash::of(&bytes),
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        };
        let (sender, receiver) = mpsc::channel(AHEAD);
        let sending = async {
            let mut rest = bytes;
            let mut open = sender.send(header(&hashed)).await.is_ok();
            while open && !rest.is_empty() {
                let chunk = rest.split_to(rest.len().min(CHUNK_BYTES));
                open = sender.send(part(chunk)).await.is_ok();
            }
            drop(sender);
        };
        let ((), answered) = tokio::join!(sending, self.put(receiver, &hashed));
        answered.map(|()| hashed.hash)
    }

    async fn put(
        &self,
        parts: mpsc::Receiver<proto::PutRequest>,
        hashed: &Hashed,
    ) -> Result<(), ClientError> {
        let request = self.streaming(ReceiverStream::new(parts))?;
        let mut client = BlobServiceClient::new(self.channel());
        let answered = client.put(request).await;
        let answer = answered.map_err(|status| self.failed(status))?.into_inner();
        let hash: ContentHash = answer::bytes("hash", &answer.hash)?;
        if hash != hashed.hash || answer.size != hashed.size {
            let detail = format!("{hash} of {} bytes is not what was sent", answer.size);
            return Err(answer::wrong("hash", &detail));
        }
        Ok(())
    }

    /// Downloads a blob of at most [`ATTACHMENT_BYTES_MAX`] into memory and verifies its hash.
    ///
    /// # Errors
    /// The service refuses, or what comes is too large or has another hash.
    pub async fn download(&self, hash: &ContentHash) -> Result<Bytes, ClientError> {
        let mut bytes = Vec::new();
        self.download_to(hash, ATTACHMENT_BYTES_MAX, &mut bytes)
            .await?;
        Ok(Bytes::from(bytes))
    }

    /// Downloads a blob into `output` and verifies its hash; what was written before an error is
    /// not to be believed.
    ///
    /// # Errors
    /// The service refuses, `output` fails, or what comes has another hash or more than
    /// `size_max` bytes.
    pub async fn download_to(
        &self,
        hash: &ContentHash,
        size_max: u64,
        output: &mut dyn Write,
    ) -> Result<Hashed, ClientError> {
        let request = self.streaming(proto::GetRequest {
            hash: Bytes::copy_from_slice(&hash.0),
            offset: 0,
            limit: 0,
        })?;
        let mut client = BlobServiceClient::new(self.channel());
        let opened = client.get(request).await;
        let mut parts = opened.map_err(|status| self.failed(status))?.into_inner();
        let mut hasher = ContentHasher::new();
        while let Some(part) = parts
            .message()
            .await
            .map_err(|status| self.failed(status))?
        {
            hasher.update(&part.chunk);
            if hasher.size() > size_max {
                return Err(ClientError::TooLarge {
                    what: format!("the blob {hash}"),
                    limit: size_max,
                });
            }
            output
                .write_all(&part.chunk)
                .map_err(|source| ClientError::File {
                    path: "the output".into(),
                    source,
                })?;
        }
        let hashed = hasher.finish();
        if hashed.hash != *hash {
            let found = hashed.hash;
            return Err(ClientError::Content { found });
        }
        Ok(hashed)
    }

    /// Returns the size of a blob, or none where there is none that the caller may read.
    ///
    /// # Errors
    /// The service refuses for another reason than that there is none.
    pub async fn blob_size(&self, hash: &ContentHash) -> Result<Option<u64>, ClientError> {
        let request = self.unary(proto::StatRequest {
            hash: Bytes::copy_from_slice(&hash.0),
        })?;
        let mut client = BlobServiceClient::new(self.channel());
        match client.stat(request).await {
            Ok(answer) => Ok(Some(answer.into_inner().size)),
            Err(status) if status.code() == tonic::Code::NotFound => Ok(None),
            Err(status) => Err(self.failed(status)),
        }
    }
}

fn header(hashed: &Hashed) -> proto::PutRequest {
    let header = proto::PutHeader {
        hash: Bytes::copy_from_slice(&hashed.hash.0),
        size: hashed.size,
    };
    proto::PutRequest {
        part: Some(Part::Header(header)),
    }
}

fn part(chunk: Bytes) -> proto::PutRequest {
    proto::PutRequest {
        part: Some(Part::Chunk(chunk)),
    }
}
