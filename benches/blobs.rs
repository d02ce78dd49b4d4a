//! Uploads: over gRPC against a bare tonic sink that writes and syncs the same bytes (at least
//! 0.8), and into the store alone against writing and syncing them without any service.
//!
//! All take the bytes in chunks of 1 MiB. An upload is hashed and checked and its blob marked too;
//! every upload has content of its own, which its client has hashed before the clock starts. The
//! sync is `File::sync_all`, which is `fsync`. `FENRUN_BENCH_MIB` sets the size of an upload (256
//! by default) and `FENRUN_BENCH_SECONDS` how long uploads follow each other in one run (2).

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use fenrun::content::{ContentHasher, Hashed};
use fenrun::domain::PartyName;
use fenrun::store::blobs::{BlobLimits, Blobs, CHUNK_BYTES_MAX};
use fenrun::store::log::DataFolder;

#[path = "load/author.rs"]
#[allow(dead_code, reason = "uploads need parties and no load")]
mod author;
mod measure;
mod uploads;

use uploads::Uploads;

fn main() {
    let mib = setting("FENRUN_BENCH_MIB", 256.0) as usize;
    let seconds = setting("FENRUN_BENCH_SECONDS", 2.0);
    println!(
        "durable by fsync; uploads of {mib} MiB, runs of {seconds} s, median of {}",
        measure::ROUNDS
    );
    let folder = tempfile::tempdir().unwrap();
    over_grpc(folder.path(), mib, seconds);
    let folder = tempfile::tempdir().unwrap();
    into_store(folder.path(), mib, seconds);
}

fn setting(name: &str, default: f64) -> f64 {
    std::env::var(name).map_or(default, |text| text.parse().expect(name))
}

fn over_grpc(folder: &Path, mib: usize, seconds: f64) {
    let uploads = Uploads::start(folder);
    let [mut for_service, mut for_sink] = [0, 1].map(|source| Content::new(source, mib));
    let (blobs, sink) = (folder.join("blobs"), folder.join("sink"));
    let mut ours = || {
        let send = |content: &Content| uploads.to_service(&content.chunks, content.announced);
        for_service.rate(seconds, send, |content| content.place(&blobs))
    };
    let mut bare = || {
        let send = |content: &Content| uploads.to_sink(&content.chunks, content.announced);
        for_sink.rate(seconds, send, |_| sink.clone())
    };
    let medians = measure::medians(&mut [("upload", &mut ours), ("sink", &mut bare)]);
    let what = "upload over gRPC / a tonic sink that writes and syncs";
    measure::print_ratio(what, medians[0], medians[1], 0.8, "MiB/s");
}

fn into_store(folder: &Path, mib: usize, seconds: f64) {
    let disk = Arc::new(DataFolder::open(folder).unwrap());
    let (place, plain) = (folder.join("blobs"), folder.join("plain"));
    let blobs = Blobs::open(disk, &place, BlobLimits::default()).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let [mut for_store, mut for_file] = [0, 1].map(|source| Content::new(source, mib));
    let mut ours = || {
        let send = |content: &Content| runtime.block_on(store(&blobs, content));
        for_store.rate(seconds, send, |content| content.place(&place))
    };
    let mut file = || {
        let send = |content: &Content| write(&plain, &content.chunks);
        for_file.rate(seconds, send, |_| plain.clone())
    };
    let medians = measure::medians(&mut [("upload", &mut ours), ("plain", &mut file)]);
    let what = "upload into the store / plain write and sync";
    measure::print_ratio(what, medians[0], medians[1], 0.8, "MiB/s");
}

async fn store(blobs: &Blobs, content: &Content) {
    let party: PartyName = "school".parse().unwrap();
    let Hashed { hash, size } = content.announced;
    let mut upload = blobs.begin(hash, size, &party).await.unwrap();
    for chunk in &content.chunks {
        upload.write(chunk.clone()).await.unwrap();
    }
    upload.finish().await.unwrap();
}

fn write(path: &Path, chunks: &[Bytes]) {
    let mut file = File::create(path).unwrap();
    for chunk in chunks {
        file.write_all(chunk).unwrap();
    }
    file.sync_all().unwrap();
}

/// Bytes that do not repeat, of which the first chunk can be made anew.
struct Content {
    /// Which numbers it takes: content of two sources is never the same.
    source: u64,
    number: u64,
    chunks: Vec<Bytes>,
    announced: Hashed,
}

impl Content {
    fn new(source: u64, mib: usize) -> Self {
        let chunks: Vec<Bytes> = (0..mib as u64).map(|at| chunk(source, at)).collect();
        Self {
            source,
            number: chunks.len() as u64,
            announced: hashed(&chunks),
            chunks,
        }
    }

    /// Becomes other content of the same size.
    fn renew(&mut self) {
        self.number += 1;
        self.chunks[0] = chunk(self.source, self.number);
        self.announced = hashed(&self.chunks);
    }

    /// Returns where a store in a folder keeps the content.
    fn place(&self, blobs: &Path) -> PathBuf {
        let hash = self.announced.hash.to_string();
        blobs.join(&hash[..2]).join(hash)
    }

    /// Sends content after content for so many seconds; returns MiB a second. What is made before
    /// and taken away afterwards is not on the clock.
    fn rate(
        &mut self,
        seconds: f64,
        send: impl Fn(&Self),
        place: impl Fn(&Self) -> PathBuf,
    ) -> f64 {
        let (mut took, mut sent) = (0.0, 0);
        while took < seconds {
            self.renew();
            let begin = Instant::now();
            send(self);
            took += begin.elapsed().as_secs_f64();
            sent += self.chunks.len();
            std::fs::remove_file(place(self)).unwrap();
        }
        sent as f64 / took
    }
}

fn hashed(chunks: &[Bytes]) -> Hashed {
    let mut hasher = ContentHasher::new();
    chunks.iter().for_each(|chunk| hasher.update(chunk));
    hasher.finish()
}

/// Returns a chunk of CHUNK_BYTES_MAX bytes that no other number of no other source has.
fn chunk(source: u64, number: u64) -> Bytes {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&source.to_le_bytes());
    let mut reader = hasher.update(&number.to_le_bytes()).finalize_xof();
    let mut chunk = vec![0; CHUNK_BYTES_MAX];
    reader.fill(&mut chunk);
    Bytes::from(chunk)
}
