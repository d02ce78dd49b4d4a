//! Checking all blobs against their names and marks.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use object_store::path::Path as Location;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::content::ContentHasher;
use crate::domain::ContentHash;

use super::fault::BlobFault;
use super::{Blobs, CHUNK_BYTES_MAX, blocking, location};

/// Something that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobFinding {
    /// Its path in the folder of the blobs.
    pub path: String,
    /// What is wrong.
    pub what: String,
}

/// What a check of all blobs found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlobReport {
    /// Blobs that are there and have been checked.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files of uploads that were never answered; harmless.
    pub unanswered: u64,
    /// What is wrong.
    pub findings: Vec<BlobFinding>,
}

impl Blobs {
    /// Reads every blob and compares it with its name and its marks; `progress` is told of the
    /// bytes read so far. Blocks.
    ///
    /// # Errors
    /// The store cannot be listed. Blobs that cannot be read are findings.
    pub fn verify_all(
        &self,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<BlobReport, BlobFault> {
        let mut missing = self.marks().blobs();
        let mut report = BlobReport::default();
        blocking(self.check_files(&mut missing, &mut report, progress))??;
        for (hash, size) in missing {
            report.findings.push(BlobFinding {
                path: location(&hash).to_string(),
                what: format!("it is missing; it had {size} bytes"),
            });
        }
        Ok(report)
    }

    async fn check_files(
        &self,
        missing: &mut BTreeMap<ContentHash, u64>,
        report: &mut BlobReport,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<(), BlobFault> {
        let mut files = self.inner.store.list(None);
        while let Some(file) = files.try_next().await.map_err(BlobFault::store("list"))? {
            let what = match hash_in(&file.location) {
                None => Some("its name is not that of a blob".to_owned()),
                Some(hash) => match missing.remove(&hash) {
                    None => {
                        report.unanswered = report.unanswered.saturating_add(1);
                        None
                    }
                    Some(size) => {
                        report.blobs = report.blobs.saturating_add(1);
                        self.check(&file, hash, size, report, progress).await
                    }
                },
            };
            if let Some(what) = what {
                let path = file.location.to_string();
                report.findings.push(BlobFinding { path, what });
            }
        }
        Ok(())
    }

    /// Reads one file; returns what is wrong with it.
    async fn check(
        &self,
        file: &ObjectMeta,
        hash: ContentHash,
        size: u64,
        report: &mut BlobReport,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Option<String> {
        if file.size != size {
            return Some(format!("it has {} bytes, not {size}", file.size));
        }
        let mut hasher = ContentHasher::new();
        let chunk = u64::try_from(CHUNK_BYTES_MAX).unwrap_or(u64::MAX);
        while hasher.size() < size {
            let from = hasher.size();
            let range = from..from.saturating_add(chunk).min(size);
            match self.inner.store.get_range(&file.location, range).await {
                Ok(bytes) if bytes.is_empty() => return Some(format!("it ends at byte {from}")),
                Ok(bytes) => hasher.update(&bytes),
                Err(error) => return Some(format!("it cannot be read: {error}")),
            }
            report.bytes = report
                .bytes
                .saturating_add(hasher.size().saturating_sub(from));
            progress(report.bytes);
        }
        let found = hasher.finish().hash;
        (found != hash).then(|| format!("its bytes have the hash {found}"))
    }
}

/// Returns the hash in a blob's path.
fn hash_in(path: &Location) -> Option<ContentHash> {
    let hash: ContentHash = path.filename()?.parse().ok()?;
    (location(&hash) == *path).then_some(hash)
}
