//! A store on a simulated disk, which does step by step what `LocalFileSystem` does when it syncs.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use object_store::path::Path as Location;
use object_store::*;

use crate::store::log::testing::SimDisk;
use crate::store::log::{Disk, DiskFile};

#[derive(Clone)]
pub(super) struct SimStore(pub SimDisk);

impl fmt::Debug for SimStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimStore")
    }
}

impl fmt::Display for SimStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a simulated store")
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::Generic {
        store: "SimStore",
        source: Box::new(error),
    }
}

struct SimUpload {
    disk: SimDisk,
    name: String,
    file: Arc<dyn DiskFile>,
    offset: u64,
    ended: bool,
}

impl fmt::Debug for SimUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimUpload")
    }
}

#[async_trait]
impl MultipartUpload for SimUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (file, mut offset) = (Arc::clone(&self.file), self.offset);
        self.offset += data.content_length() as u64;
        async move {
            for bytes in &data {
                file.write_at(bytes, offset).map_err(failed)?;
                offset += bytes.len() as u64;
            }
            Ok(())
        }
        .boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.ended = true;
        let staged = format!("{}#1", self.name);
        self.file.sync().map_err(failed)?;
        self.disk.rename(&staged, &self.name).map_err(failed)?;
        self.disk.sync_folder("").map_err(failed)?;
        Ok(PutResult {
            e_tag: None,
            version: None,
            extensions: Default::default(),
        })
    }

    async fn abort(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Drop for SimUpload {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.disk.remove(&format!("{}#1", self.name));
        }
    }
}

#[async_trait]
impl ObjectStore for SimStore {
    async fn put_opts(&self, _: &Location, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        unreachable!("blobs come in parts")
    }

    async fn put_multipart_opts(
        &self,
        location: &Location,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let name = format!("blobs/{location}");
        let file = self.0.open_or_create(&format!("{name}#1"));
        let file = file.map_err(failed)?;
        file.set_size(0).map_err(failed)?;
        Ok(Box::new(SimUpload {
            disk: self.0.clone(),
            name,
            file,
            offset: 0,
            ended: false,
        }))
    }

    async fn get_opts(&self, location: &Location, options: GetOptions) -> Result<GetResult> {
        let file = self.0.open(&format!("blobs/{location}"));
        let file = file.map_err(|error| Error::NotFound {
            path: location.to_string(),
            source: Box::new(error),
        })?;
        let size = file.size().map_err(failed)?;
        let range = match &options.range {
            None => 0..size,
            Some(range) => range.as_range(size).map_err(|error| Error::Generic {
                store: "SimStore",
                source: Box::new(error),
            })?,
        };
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap()];
        file.read_at(&mut bytes, range.start).map_err(failed)?;
        let bytes = stream::iter([Ok(Bytes::from(bytes))]).boxed();
        Ok(GetResult {
            payload: GetResultPayload::Stream(bytes),
            meta: meta(location.clone(), size),
            range,
            attributes: Attributes::default(),
            extensions: Default::default(),
        })
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<Location>>,
    ) -> BoxStream<'static, Result<Location>> {
        unreachable!("blobs are not deleted")
    }

    fn list(&self, _: Option<&Location>) -> BoxStream<'static, Result<ObjectMeta>> {
        let names = self.0.list("blobs").unwrap();
        let names = names.into_iter().filter(|name| !name.contains('#'));
        let files: Vec<_> = names
            .map(|name| {
                let file = self.0.open(&format!("blobs/{name}")).map_err(failed)?;
                Ok(meta(Location::from(name), file.size().map_err(failed)?))
            })
            .collect();
        stream::iter(files).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Location>) -> Result<ListResult> {
        unreachable!("blobs are listed whole")
    }

    async fn copy_opts(&self, _: &Location, _: &Location, _: CopyOptions) -> Result<()> {
        unreachable!("blobs are not copied")
    }
}

fn meta(location: Location, size: u64) -> ObjectMeta {
    ObjectMeta {
        location,
        last_modified: chrono::DateTime::UNIX_EPOCH,
        size,
        e_tag: None,
        version: None,
    }
}
