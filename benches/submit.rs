//! The write door against what it cannot be faster than, as ratios from one run.
//!
//! Commands are signed beforehand, and the clock stops when the index holds the last entry. Each
//! side runs five times, in turns with its baseline, and medians are compared. Batches are made
//! durable with `fdatasync` (`File::sync_data`). `FENRUN_BENCH_SECONDS` says how long one run of
//! a side takes (2 by default), `FENRUN_BENCH_ENTRIES` how far the last part fills the log
//! (100,000 by default) before its index is thrown away and made again, and `FENRUN_BENCH_PARTS`
//! which parts run (all by default), separated by
//! commas.

use std::cell::RefCell;
use std::path::Path;
use std::time::{Duration, Instant};

use fenrun::keys::VerifyingKeys;
use tokio::runtime::Runtime;

mod load;
mod measure;

use load::author::{Author, BULK};
use load::server::{Server, found_folder, run_if_asked};

/// As in the program.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    if run_if_asked() {
        return;
    }
    let seconds: f64 = setting("FENRUN_BENCH_SECONDS", 2.0);
    let entries: usize = setting("FENRUN_BENCH_ENTRIES", 100_000.0) as usize;
    println!(
        "durable by fdatasync; runs of {seconds} s, median of {}",
        measure::ROUNDS
    );
    let parts = std::env::var("FENRUN_BENCH_PARTS");
    let parts = parts.unwrap_or_else(|_| "singles,streams,growth".to_owned());
    let bench = RefCell::new(Bench::start());
    for part in parts.split(',') {
        match part {
            "singles" => singles(&bench, seconds),
            "streams" => streams(&bench, seconds),
            "growth" => growth(seconds, entries),
            other => panic!("no part is called {other}"),
        }
    }
    drop(bench.into_inner().stop());
}

fn setting(name: &str, default: f64) -> f64 {
    std::env::var(name).map_or(default, |text| text.parse().expect(name))
}

/// A ledger on a real disk, served to callers in this process.
struct Bench {
    folder: tempfile::TempDir,
    server: Server,
    author: Author,
    runtime: Runtime,
    keys: VerifyingKeys,
    latencies: Vec<Duration>,
}

impl Bench {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = found_folder(folder.path());
        let server = Server::start(folder.path());
        let mut author = Author::new(Some(ledger));
        let runtime = Runtime::new().unwrap();
        runtime.block_on(load::submit_stream(server.port, author.admissions()));
        Self {
            folder,
            server,
            author,
            runtime,
            keys: VerifyingKeys::new(1_024),
            latencies: Vec::new(),
        }
    }

    /// Single submits a second.
    fn singles(&mut self, count: usize) -> f64 {
        let commands = self.author.singles(count);
        let begin = Instant::now();
        let calls = load::submit_singles(self.server.port, commands);
        self.latencies.extend(self.runtime.block_on(calls));
        self.server.wait_stored();
        count as f64 / begin.elapsed().as_secs_f64()
    }

    /// Bare unary calls a second.
    fn bare(&mut self, count: usize) -> f64 {
        let commands = self.author.singles(count);
        let begin = Instant::now();
        let calls = load::submit_singles(self.server.bare_port, commands);
        self.runtime.block_on(calls);
        count as f64 / begin.elapsed().as_secs_f64()
    }

    /// Commands of a stream a second.
    fn stream(&mut self, count: usize) -> f64 {
        let commands = self.author.singles(count);
        let begin = Instant::now();
        self.runtime
            .block_on(load::submit_stream(self.server.port, commands));
        self.server.wait_stored();
        count as f64 / begin.elapsed().as_secs_f64()
    }

    /// Contributions a second, of commands that record many.
    fn bulks(&mut self, count: usize) -> f64 {
        let commands = self.author.bulks(count);
        let begin = Instant::now();
        self.runtime
            .block_on(load::submit_stream(self.server.port, commands));
        self.server.wait_stored();
        (count * BULK) as f64 / begin.elapsed().as_secs_f64()
    }

    /// Verified signatures a second.
    fn verify(&mut self, count: usize) -> f64 {
        let commands = self.author.singles(count);
        load::verify(&commands, &self.keys)
    }

    /// Stops the server; returns the folder of its ledger.
    fn stop(mut self) -> tempfile::TempDir {
        let mib = self.server.memory_kib() / 1024;
        let verdict = if mib <= 768 { "ok" } else { "ABOVE" };
        println!("resident memory of the server at most: {mib} MiB (at most 768) {verdict}");
        self.server.stop();
        self.folder
    }
}

/// Finds how many of something fill so many seconds.
fn count_for(seconds: f64, mut side: impl FnMut(usize) -> f64) -> usize {
    let rate = side(2_000);
    (rate * seconds) as usize + 1
}

/// Returns a side of a benchmark that several sides share.
fn with(
    bench: &RefCell<Bench>,
    side: fn(&mut Bench, usize) -> f64,
) -> impl FnMut(usize) -> f64 + '_ {
    move |count| side(&mut bench.borrow_mut(), count)
}

/// Compares calls of one command each with calls that do nothing.
fn singles(bench: &RefCell<Bench>, seconds: f64) {
    let with = |side| with(bench, side);
    let singles_count = count_for(seconds, with(Bench::singles));
    let bare_count = count_for(seconds, with(Bench::bare));
    bench.borrow_mut().latencies.clear();
    let medians = measure::medians(&mut [
        ("singles", &mut || with(Bench::singles)(singles_count)),
        ("bare", &mut || with(Bench::bare)(bare_count)),
    ]);
    let what = format!(
        "single submits, {} callers / bare unary calls",
        load::CALLERS
    );
    measure::print_ratio(&what, medians[0], medians[1], 0.4, "calls/s");
    print_latencies(&mut bench.borrow_mut().latencies);
}

/// Compares streams of commands with what verifies their signatures and does nothing else.
fn streams(bench: &RefCell<Bench>, seconds: f64) {
    let with = |side| with(bench, side);
    let stream_count = count_for(seconds, with(Bench::stream));
    let bulk_count = (with(Bench::bulks)(20) * seconds) as usize / BULK + 1;
    let verify_count = count_for(seconds, with(Bench::verify));
    let medians = measure::medians(&mut [
        ("stream", &mut || with(Bench::stream)(stream_count)),
        ("bulk", &mut || with(Bench::bulks)(bulk_count)),
        ("verify", &mut || with(Bench::verify)(verify_count)),
    ]);
    let baseline = "strict verification alone, two threads";
    let what = format!("SubmitStream / {baseline}");
    measure::print_ratio(&what, medians[0], medians[2], 0.4, "commands/s");
    let what = format!("contributions of RecordContributions / {baseline}");
    measure::print_ratio(&what, medians[1], medians[2], 1.5, "a second");
}

fn print_latencies(latencies: &mut [Duration]) {
    latencies.sort_unstable();
    let at = |part: f64| latencies[(latencies.len() as f64 * part) as usize];
    let (median, high) = (at(0.5), at(0.99));
    let verdict = if high < Duration::from_millis(100) {
        "ok"
    } else {
        "ABOVE"
    };
    println!("  took {median:.1?} in the median, {high:.1?} at 99 % (below 100 ms) {verdict}");
}

/// Fills a fresh log, compares the rate at its end with that at 10,000 entries, and says what an
/// entry takes on disk.
fn growth(seconds: f64, entries: usize) {
    let mut bench = Bench::start();
    bench.stream(10_000);
    let count = count_for(seconds, |count| bench.stream(count));
    let mut recorded = 10_000 + 2_000;
    let mut rate = || {
        let mut rates: Vec<f64> = (0..measure::ROUNDS).map(|_| bench.stream(count)).collect();
        recorded += measure::ROUNDS * count;
        measure::median(&mut rates)
    };
    let small = rate();
    if recorded < entries {
        let chunk = 50_000;
        for _ in 0..(entries - recorded).div_ceil(chunk) {
            bench.stream(chunk);
            recorded += chunk;
        }
    }
    let mut rates: Vec<f64> = (0..measure::ROUNDS).map(|_| bench.stream(count)).collect();
    let large = measure::median(&mut rates);
    recorded += measure::ROUNDS * count;
    let what = format!("rate at {recorded} entries / at 10,000");
    measure::print_ratio(&what, large, small, 0.6, "commands/s");
    print_disk(bench.folder.path(), recorded);
    print_rebuild(bench.stop().path(), recorded);
}

/// Says how long a start takes that finds no index.
fn print_rebuild(folder: &Path, entries: usize) {
    std::fs::remove_dir_all(folder.join("index")).unwrap();
    let begin = Instant::now();
    let opened = load::server::open(folder);
    opened.index.flush().unwrap();
    let took = begin.elapsed();
    let whole = took.mul_f64(1e6 / entries as f64);
    let verdict = match whole <= Duration::from_secs(120) {
        true => "ok",
        false => "ABOVE",
    };
    println!(
        "a lost index of {entries} entries rebuilt in {took:.1?} (a million in 2 minutes: \
         {whole:.1?}) {verdict}"
    );
    let runtime = Runtime::new().unwrap();
    assert!(runtime.block_on(opened.engine.shutdown(Duration::from_secs(30))));
}

/// Says what the entries take on disk, without what is only set aside for later ones.
fn print_disk(folder: &Path, entries: usize) {
    let parts = [
        ("log", used(&folder.join("segments"))),
        ("tree", sizes(&folder.join("tree"))),
        ("index", sizes(&folder.join("index"))),
    ];
    let an_entry = |bytes: u64| bytes / entries as u64;
    let total = an_entry(parts.iter().map(|(_, bytes)| bytes).sum());
    let parts = parts.map(|(name, bytes)| format!("{name} {}", an_entry(bytes)));
    let verdict = if total <= 1_200 { "ok" } else { "ABOVE" };
    println!(
        "bytes on disk for an entry of {}: {total} = {} (at most 1,200) {verdict}",
        load::author::ENTRY_BYTES,
        parts.join(" + ")
    );
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

fn sizes(folder: &Path) -> u64 {
    let sizes = files(folder).into_iter();
    sizes.map(|path| path.metadata().unwrap().len()).sum()
}

/// Returns the bytes of segments up to their last byte that is not zero.
fn used(folder: &Path) -> u64 {
    let used = files(folder).into_iter().map(|path| {
        let bytes = std::fs::read(path).unwrap();
        bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last as u64 + 1)
    });
    used.sum()
}
