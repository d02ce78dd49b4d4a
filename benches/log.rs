//! The log against the disk alone: `cargo bench --bench log`.
//!
//! Appends batches of 1,024 entries of 512 bytes, interleaved with the same bytes written and
//! synced without a log; then a guarded log in turns with one that is not; then starts a log of
//! 10^6 entries and reads entries from it. One run prints all figures and their ratios; nothing is
//! compared across runs. The sync call is `fdatasync`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fenrun::domain::{LedgerId, Signer, TreeHash};
use fenrun::keys::SecretKey;
use fenrun::merkle::{Checkpoint, Frontier, VerifierKey, leaf_hash, sign_checkpoint};
use fenrun::store::log::{
    Batch, DataFolder, Evidence, EvidenceSource, FixedKeys, GuardPlace, LogOptions, LogReader,
    LogStore, SegmentLog,
};

const ENTRY_BYTES: usize = 512;
const BATCH_ENTRIES: usize = 1_024;
const ENTRIES: u64 = 1_000_000;
/// How often log and disk take turns; the median of the turns counts.
const ROUNDS: usize = 5;
/// The entries of a batch with which a guard is measured: few callers, and many.
const GUARDED_ENTRIES: [usize; 2] = [8, 1_024];
/// The batches of one turn.
const TURN: usize = 64;

type Fault = Box<dyn std::error::Error>;

/// Makes batches as the writer would: leaves, their hashes, a signed checkpoint.
struct Maker {
    key: SecretKey,
    tree: Frontier,
    random: u64,
}

struct Made {
    first_index: u64,
    leaves: Vec<Bytes>,
    hashes: Vec<TreeHash>,
    checkpoint: String,
}

impl Maker {
    fn new() -> Self {
        Self {
            key: SecretKey::from_seed(&[1; 32]),
            tree: Frontier::new(),
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    fn next(&mut self, entries: usize) -> Result<Made, Fault> {
        let first_index = self.tree.size();
        let leaves: Vec<Bytes> = (0..entries).map(|_| self.leaf()).collect();
        let hashes: Vec<TreeHash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        hashes.iter().for_each(|hash| self.tree.push(*hash));
        let checkpoint = Checkpoint {
            origin: "log.example/bench".parse()?,
            size: self.tree.size(),
            root: self.tree.root(),
        };
        Ok(Made {
            first_index,
            leaves,
            hashes,
            checkpoint: sign_checkpoint(&checkpoint, &[&self.key]),
        })
    }

    fn leaf(&mut self) -> Bytes {
        let mut leaf = Vec::with_capacity(ENTRY_BYTES);
        while leaf.len() < ENTRY_BYTES {
            // Xorshift: bytes that do not compress and cost next to nothing.
            self.random ^= self.random << 13;
            self.random ^= self.random >> 7;
            self.random ^= self.random << 17;
            leaf.extend_from_slice(&self.random.to_le_bytes());
        }
        Bytes::from(leaf)
    }
}

fn append(log: &mut SegmentLog, made: &[Made]) -> Result<Duration, Fault> {
    let start = Instant::now();
    for made in made {
        log.append(&Batch {
            first_index: made.first_index,
            leaves: &made.leaves,
            hashes: &made.hashes,
            checkpoint: &made.checkpoint,
        })?;
    }
    Ok(start.elapsed())
}

/// Writes and syncs as many bytes as the batches hold, into a file of zeros, as the log does.
fn write_alone(file: &File, made: &[Made], offset: &mut u64) -> io::Result<Duration> {
    let start = Instant::now();
    for made in made {
        let bytes = made.leaves.concat();
        file.write_all_at(&bytes, *offset)?;
        file.sync_data()?;
        *offset += bytes.len() as u64;
    }
    Ok(start.elapsed())
}

fn zeros(path: &Path, bytes: usize) -> io::Result<File> {
    std::fs::write(path, vec![0; bytes])?;
    let file = File::options().write(true).open(path)?;
    file.sync_all()?;
    Ok(file)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn appends(log: &mut SegmentLog, maker: &mut Maker, folder: &Path) -> Result<(), Fault> {
    let turn_bytes = TURN * BATCH_ENTRIES * ENTRY_BYTES;
    let file = zeros(&folder.join("alone"), turn_bytes * ROUNDS)?;
    let (mut offset, mut logged, mut alone) = (0, Vec::new(), Vec::new());
    let entries = (TURN * BATCH_ENTRIES) as f64;
    for _ in 0..ROUNDS {
        let made: Vec<Made> = (0..TURN)
            .map(|_| maker.next(BATCH_ENTRIES))
            .collect::<Result<_, _>>()?;
        logged.push(entries / append(log, &made)?.as_secs_f64());
        alone.push(entries / write_alone(&file, &made, &mut offset)?.as_secs_f64());
    }
    let (logged, alone) = (median(logged), median(alone));
    println!("append, {BATCH_ENTRIES} entries of {ENTRY_BYTES} bytes a batch, median of {ROUNDS}:");
    println!("  log                  {logged:>10.0} entries/s");
    println!("  write and fdatasync  {alone:>10.0} entries/s");
    println!("  ratio                {:>10.2}", logged / alone);
    Ok(())
}

/// Appends in turns to a log with its guard on the same disk, and to one without.
fn guards(folder: &Path, entries: usize) -> Result<(), Fault> {
    let data = |name: &str| folder.join(format!("{name}-{entries}"));
    let (ledger, options) = (LedgerId([1; 32]), LogOptions::default());
    let place = GuardPlace::at(&data("guard")).ok_or("a guard has a file")?;
    let disk = Arc::new(DataFolder::create(&data("guarded"))?);
    let mut guarded = SegmentLog::create_guarded(disk, options, ledger, &place)?;
    let disk = Arc::new(DataFolder::create(&data("alone"))?);
    let mut alone = SegmentLog::create(disk, options, ledger)?;
    let (mut maker, mut with, mut without) = (Maker::new(), Vec::new(), Vec::new());
    let batch = |time: Duration| time.as_secs_f64() * 1e6 / TURN as f64;
    for _ in 0..ROUNDS {
        let made: Vec<Made> = (0..TURN)
            .map(|_| maker.next(entries))
            .collect::<Result<_, _>>()?;
        with.push(batch(append(&mut guarded, &made)?));
        without.push(batch(append(&mut alone, &made)?));
    }
    let (with, without) = (median(with), median(without));
    println!("append with a guard on the same disk, {entries} entries a batch:");
    println!("  guarded              {with:>10.0} us a batch");
    println!("  not guarded          {without:>10.0} us a batch");
    println!("  ratio                {:>10.2}", without / with);
    Ok(())
}

fn starts(folder: &Path, key: &VerifierKey, end: (u64, TreeHash)) -> Result<(), Fault> {
    println!("start at {} entries:", end.0);
    let index = Evidence {
        source: EvidenceSource::Index,
        size: end.0,
        root: end.1,
    };
    let without_tree = || std::fs::remove_dir_all(folder.join("tree"));
    for (name, evidence, tree) in [
        ("index up to date", vec![index.clone()], true),
        ("without an index", Vec::new(), true),
        ("without the files of the tree", vec![index], false),
    ] {
        if !tree {
            without_tree()?;
        }
        let start = Instant::now();
        let disk = Arc::new(DataFolder::open(folder)?);
        let mut keys = FixedKeys(vec![key.clone()]);
        let log = SegmentLog::open(disk, LogOptions::default(), &evidence, &mut keys)?;
        println!("  {name:<30} {:>8.3} s", start.elapsed().as_secs_f64());
        drop(log);
    }
    Ok(())
}

fn reads(reader: &dyn LogReader, size: u64) -> Result<(), Fault> {
    let mut times = Vec::new();
    let mut at = 1u64;
    for _ in 0..20_000 {
        at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let start = Instant::now();
        reader.leaf((at >> 20) % size)?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    let of = |share: usize| times.get(times.len() * share / 100).copied();
    let (median, high) = (of(50).unwrap_or_default(), of(99).unwrap_or_default());
    println!("read one entry of {size} at random: median {median:.1} us, p99 {high:.1} us");
    Ok(())
}

fn main() -> Result<(), Fault> {
    // Cargo passes --bench; under `cargo test` there is nothing to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    // The target folder is on a disk; a temporary folder need not be.
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    std::fs::create_dir_all(&target)?;
    let folder = tempfile::tempdir_in(target)?;
    let data = folder.path().join("data");
    let mut maker = Maker::new();
    let key = VerifierKey {
        name: "log.example/bench".parse()?,
        key: maker.key.public_key(),
    };
    let disk = Arc::new(DataFolder::create(&data)?);
    let mut log = SegmentLog::create(disk, LogOptions::default(), LedgerId([1; 32]))?;
    appends(&mut log, &mut maker, folder.path())?;
    for entries in GUARDED_ENTRIES {
        guards(folder.path(), entries)?;
    }
    while log.size() < ENTRIES {
        append(&mut log, &[maker.next(BATCH_ENTRIES)?])?;
    }
    let end = (log.size(), log.tree().root());
    reads(log.reader().as_ref(), log.size())?;
    drop(log);
    starts(&data, &key, end)
}
