//! Uploading into the blobs against writing and syncing the same bytes (at least 0.8).
//!
//! Both take the bytes in chunks of 1 MiB, as a message brings them; the upload hashes them too,
//! and marks the blob. The sync is `File::sync_all`. `FENRUN_BENCH_MIB` sets the size.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use fenrun::content::{ContentHasher, Hashed};
use fenrun::domain::PartyName;
use fenrun::store::blobs::{BlobLimits, Blobs, CHUNK_BYTES_MAX};
use fenrun::store::log::DataFolder;

mod measure;

fn main() {
    let mib: usize = std::env::var("FENRUN_BENCH_MIB")
        .map_or(256, |text| text.parse().expect("FENRUN_BENCH_MIB"));
    let folder = tempfile::tempdir().unwrap();
    let disk = DataFolder::open(folder.path()).unwrap();
    let place = folder.path().join("blobs");
    let blobs = Blobs::open(Arc::new(disk), &place, BlobLimits::default()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut number = 0;
    let mut ours = || {
        number += 1;
        let chunks = content(number, mib);
        // The client hashed before.
        let announced = hashed(&chunks);
        let begin = Instant::now();
        runtime.block_on(upload(&blobs, &chunks, announced));
        mib as f64 / begin.elapsed().as_secs_f64()
    };
    let mut plain_number = 1 << 32;
    let mut plain = || {
        plain_number += 1;
        let chunks = content(plain_number, mib);
        let path = folder.path().join("plain");
        let begin = Instant::now();
        write(&path, &chunks);
        let rate = mib as f64 / begin.elapsed().as_secs_f64();
        std::fs::remove_file(&path).unwrap();
        rate
    };
    let medians = measure::medians(&mut [("upload", &mut ours), ("plain", &mut plain)]);
    let what = format!("upload of {mib} MiB against write and sync");
    measure::print_ratio(&what, medians[0], medians[1], 0.8, "MiB/s");
}

fn hashed(chunks: &[Bytes]) -> Hashed {
    let mut hasher = ContentHasher::new();
    chunks.iter().for_each(|chunk| hasher.update(chunk));
    hasher.finish()
}

async fn upload(blobs: &Blobs, chunks: &[Bytes], announced: Hashed) {
    let party: PartyName = "school".parse().unwrap();
    let begun = blobs.begin(announced.hash, announced.size, &party).await;
    let mut upload = begun.unwrap();
    for chunk in chunks {
        upload.write(chunk.clone()).await.unwrap();
    }
    upload.finish().await.unwrap();
}

fn write(path: &Path, chunks: &[Bytes]) {
    let mut file = std::fs::File::create(path).unwrap();
    for chunk in chunks {
        file.write_all(chunk).unwrap();
    }
    file.sync_all().unwrap();
}

fn content(number: u64, mib: usize) -> Vec<Bytes> {
    let mut hasher = blake3::Hasher::new();
    let mut reader = hasher.update(&number.to_le_bytes()).finalize_xof();
    let chunks = (0..mib).map(|_| {
        let mut chunk = vec![0; CHUNK_BYTES_MAX];
        reader.fill(&mut chunk);
        Bytes::from(chunk)
    });
    chunks.collect()
}
