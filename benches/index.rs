//! The index under a stream of recorded contributions: entries a second, memory, bytes on disk.
//!
//! Each entry writes the rows that `RecordContribution` does: the contribution under its locator,
//! its name, its content hash and its id, the last two under random keys, and changes one row that
//! every batch changes. Layers of 256 entries are published as fast as the backlog allows, and the
//! clock stops when the last is stored. At 10^4 entries nothing is merged yet, at 10^6 everything
//! has been several times. `FENRUN_BENCH_ENTRIES` sets the larger number.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use fenrun::domain::{
    ContentHash, ContributionKind, ContributionName, ContributionTerms, DerivationConsent, Licence,
    PoolConsent, ThingId, TreeHash,
};
use fenrun::ledger::{
    Changes, CharterRow, ContentRow, ContributionNameRow, ContributionRow, KeyRange, Locator,
    Order, Row, ThingKind, ThingRow, View, encode, key,
};
use fenrun::store::index::{Index, IndexOptions, IndexView};

const LAYER_ENTRIES: u64 = 256;

fn main() {
    let large = std::env::var("FENRUN_BENCH_ENTRIES").map_or(1_000_000, |text| {
        text.parse().expect("FENRUN_BENCH_ENTRIES")
    });
    let mut rates: Vec<f64> = (0..5).map(|_| run(10_000)).collect();
    rates.sort_by(f64::total_cmp);
    let small_rate = rates[2];
    println!("index, 10000 entries: {small_rate:.0} entries/s");
    let rate = run(large);
    let ratio = rate / small_rate;
    println!("index, {large} entries: {rate:.0} entries/s, {ratio:.2} of that");
}

/// Fills a fresh index and returns entries a second.
fn run(entries: u64) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = Index::open(folder.path(), IndexOptions::default()).unwrap();
    let begin = Instant::now();
    let mut first = 0;
    while first < entries {
        let end = (first + LAYER_ENTRIES).min(entries);
        let changes = layer(first, end);
        while !index.wait_for_room(Duration::from_secs(60)).unwrap() {}
        index.publish(&changes, end, TreeHash([7; 32])).unwrap();
        first = end;
    }
    let published = begin.elapsed();
    index.flush().unwrap();
    let rate = entries as f64 / begin.elapsed().as_secs_f64();
    if entries > 10_000 {
        println!(
            "published after {published:.1?}, stored after {:.1?}",
            begin.elapsed()
        );
        println!("resident: {} MiB", resident_mib());
        print_reads(&index.view(), entries);
        println!("resident after reads: {} MiB", resident_mib());
        let begin = Instant::now();
        index.close().unwrap();
        println!("closed in {:.2?}", begin.elapsed());
        println!(
            "on disk: {} bytes an entry",
            bytes_below(folder.path()) / entries
        );
        drop(index);
        let begin = Instant::now();
        let (index, applied) = Index::open(folder.path(), IndexOptions::default()).unwrap();
        assert_eq!(applied.size, entries);
        println!("opened in {:.2?}", begin.elapsed());
        index.close().unwrap();
    }
    rate
}

fn layer(first: u64, end: u64) -> Changes {
    let mut changes = Changes::new();
    for entry in first..end {
        let (content_hash, id) = hashes(entry);
        let at = Locator {
            index: entry,
            number: 0,
        };
        let row = ContributionRow {
            id,
            name: name(entry),
            kind: ContributionKind::Original,
            content_hash,
            content_bytes: 1_000_000 + entry,
            rows: 10_000 + entry,
            parents: vec![],
            generation: 0,
            terms: ContributionTerms {
                pools: PoolConsent::Any,
                derivation: DerivationConsent::Free,
                upstream_bps_min: 500,
                licence: Licence::Spdx("CC-BY-4.0".to_owned()),
            },
            withdrawn: None,
        };
        let kind = ThingKind::Contribution;
        put(&mut changes, &id, &ThingRow { at, kind });
        put(&mut changes, &row.name, &ContributionNameRow { at });
        put(&mut changes, &(content_hash, at), &ContentRow);
        put(&mut changes, &at, &row);
    }
    changes.put(key::<CharterRow>(&()), end.to_le_bytes().to_vec());
    changes
}

fn put<R: Row>(changes: &mut Changes, row_key: &R::Key, row: &R) {
    changes.put(key::<R>(row_key), encode(row));
}

fn hashes(entry: u64) -> (ContentHash, ThingId) {
    let content = ContentHash::of(&entry.to_le_bytes());
    (content, ThingId(*blake3::hash(&content.0).as_bytes()))
}

/// Names of 40 providers, each of which numbers its datasets.
fn name(entry: u64) -> ContributionName {
    let text = format!("provider-{:02}/set-{:07}@1", entry % 40, entry / 40);
    text.parse().unwrap()
}

fn print_reads(view: &IndexView, entries: u64) {
    const READS: u64 = 20_000;
    let places = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % entries;
    time("a present id", READS, |n| {
        let (_, id) = hashes(places(n));
        assert!(view.get(&key::<ThingRow>(&id)).unwrap().is_some());
    });
    time("an absent id", READS, |n| {
        let (_, id) = hashes(entries + n);
        assert!(view.get(&key::<ThingRow>(&id)).unwrap().is_none());
    });
    time("the charter", READS, |_| {
        assert!(view.get(&key::<CharterRow>(&())).unwrap().is_some());
    });
    time("fifty names, newest first", READS / 100, |n| {
        let name = key::<ContributionNameRow>(&name(places(n)));
        let range = KeyRange::between(b"N", &name);
        let mut left = 50;
        let mut visit = |_: &[u8], _: &[u8]| {
            left -= 1;
            if left == 0 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        view.scan(range, Order::Descending, &mut visit).unwrap();
    });
    let begin = Instant::now();
    fenrun::ledger::state_hash(view).unwrap();
    println!("state hash in {:.1?}", begin.elapsed());
}

fn time(what: &str, times: u64, mut act: impl FnMut(u64)) {
    let begin = Instant::now();
    (0..times).for_each(&mut act);
    let each = begin.elapsed().as_secs_f64() / times as f64;
    println!("reading {what}: {:.1} us", each * 1e6);
}

/// Returns the resident memory of this process, where the system tells.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap());
    entries
        .map(|entry| match entry.metadata().unwrap() {
            folder if folder.is_dir() => bytes_below(&entry.path()),
            file => allocated(&file),
        })
        .sum()
}

/// Returns what a file takes on the disk, which is less than its length where it has holes.
#[cfg(unix)]
fn allocated(file: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(file) * 512
}

#[cfg(not(unix))]
fn allocated(file: &std::fs::Metadata) -> u64 {
    file.len()
}
