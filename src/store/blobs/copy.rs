//! Copies blobs and their marks, also while their service runs: for a backup, and back.
//!
//! A blob never changes once it has a mark, and is never deleted, so reading marks and then blobs
//! needs no lock. Blobs are hashed while they are copied.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use super::fault::BlobFault;
use super::location;
use super::marks::MarkFile;
use crate::content::ContentHasher;
use crate::domain::ContentHash;
use crate::store::log::RealDisk;

/// How much is copied at once.
const PIECE_BYTES: usize = 1 << 20;

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CopiedBlobs {
    /// The blobs that the copy has.
    pub blobs: u64,
    /// Those of them that were written now; the others were there.
    pub written: u64,
}

/// Copies what is not there yet from one data folder to another, then the marks.
///
/// # Errors
/// A blob is missing or does not have its hash, or a file cannot be read or written.
pub fn copy_blobs(
    source: &Path,
    target: &Path,
    blobs_folder: &str,
) -> Result<CopiedBlobs, BlobFault> {
    let marks = MarkFile::read(&RealDisk::read_only(source))?;
    let mut copied = CopiedBlobs::default();
    let mut blobs: Vec<(ContentHash, u64)> =
        marks.iter().map(|mark| (mark.hash, mark.size)).collect();
    blobs.sort_unstable();
    blobs.dedup();
    let (from, to) = (source.join(blobs_folder), target.join(blobs_folder));
    for (hash, size) in blobs {
        copied.blobs = copied.blobs.saturating_add(1);
        let place = location(&hash).to_string();
        let there = to.join(&place);
        if fs::metadata(&there).is_ok_and(|there| there.len() == size) {
            continue;
        }
        let found = copy(&from.join(&place), &there);
        let found = found.map_err(|source| BlobFault::Folder {
            folder: there.clone(),
            source,
        })?;
        if found != hash {
            let what = format!("its bytes have the hash {found}");
            return Err(BlobFault::Damaged { path: place, what });
        }
        copied.written = copied.written.saturating_add(1);
    }
    MarkFile::put(&RealDisk::new(target), marks)?;
    Ok(copied)
}

/// Copies a file durably under its name, and returns the hash of what was read.
///
/// A copy whose hash is not the name's keeps the name of an upload under way, which a start
/// removes.
fn copy(from: &Path, to: &Path) -> io::Result<ContentHash> {
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder)?;
    let mut staged = to.as_os_str().to_owned();
    staged.push("#copy");
    let (mut read, mut write) = (File::open(from)?, File::create(&staged)?);
    let (mut hasher, mut piece) = (ContentHasher::new(), vec![0; PIECE_BYTES]);
    loop {
        let count = read.read(&mut piece)?;
        let bytes = piece.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        hasher.update(bytes);
        write.write_all(bytes)?;
    }
    write.sync_all()?;
    let hash = hasher.finish().hash;
    let name = to.file_name().and_then(|name| name.to_str());
    if name == Some(hash.to_string().as_str()) {
        fs::rename(&staged, to)?;
        File::open(folder)?.sync_all()?;
        if let Some(parent) = folder.parent() {
            File::open(parent)?.sync_all()?;
        }
    }
    Ok(hash)
}
