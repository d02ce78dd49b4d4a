//! KNN values against numpy, pyDVL and OpenDataVal, and alone at larger sizes.
//!
//! `cargo bench --bench knn` values 50,000 rows with 128 features at 1,000 validation rows, K = 10,
//! in turns with a blocked numpy version (at least five times its rate wanted, below 300 MiB
//! resident), then owners of the same rows, 1,000 of them (at most 30 s wanted). With the argument
//! `million` it values 1,000,000 rows with 64 features instead (at most 90 s and 1.5 GiB wanted),
//! with `pydvl` or `opendataval` it runs that library once (at least 100 times pyDVL's rate is
//! wanted).
//!
//! The peers are skipped unless `benches/peers/knn-requirements.txt` is installed in
//! `target/peers`: `python3 -m venv target/peers`, then
//! `target/peers/bin/pip install -r benches/peers/knn-requirements.txt`. OpenDataVal wants older
//! libraries than the others, so it has `opendataval-requirements.txt` and `target/opendataval`.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use fenrun::valuation::knn::{Problem, provider_shapley, row_shapley};
use fenrun::valuation::{FeatureTable, TextColumn};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

mod measure;

const NEIGHBOURS: u64 = 10;
const LABELS: u64 = 10;
const POINTS: usize = 1_000;
const OWNERS: usize = 1_000;

fn main() {
    let asked = |what: &str| std::env::args().any(|argument| argument == what);
    if asked("million") {
        million();
        return;
    }
    let features = 128;
    let rows = Rows::random(50_000, features, 1);
    let points = Rows::random(POINTS, features, 2);
    let folder = tempfile::tempdir().unwrap();
    rows.write(folder.path(), "train");
    points.write(folder.path(), "validation");
    let (train, validation) = (rows.table(), points.table());
    let problem = Problem::new(&train, &validation, neighbours(), None).unwrap();
    for library in [PYDVL, OPENDATAVAL] {
        if asked(library.name) {
            against(library, &problem, folder.path(), features);
            return;
        }
    }
    against_numpy(&problem, folder.path(), features);
    println!("most resident: {} MiB (at most 300)", most_resident());
    let owners = timed(|| provider_shapley(&problem).unwrap());
    println!("provider level, {OWNERS} owners: {owners:.1} s (at most 30)");
}

fn against(library: Peer, problem: &Problem<'_>, folder: &Path, features: usize) {
    let ours = timed(|| row_shapley(problem).unwrap());
    match peer(library, folder, features) {
        Some(theirs) => {
            let what = format!("row Shapley, {}", library.name);
            measure::print_ratio(&what, 1e3 / ours, 1e3 / theirs, 100.0, "validation rows/s");
        }
        None => println!("{} is not there", library.name),
    }
}

fn against_numpy(problem: &Problem<'_>, folder: &Path, features: usize) {
    let mut ours = || 1e3 / timed(|| row_shapley(problem).unwrap());
    if peer(NUMPY, folder, features).is_none() {
        println!(
            "row Shapley: {:.0} validation rows a second; numpy is not there",
            ours()
        );
        return;
    }
    let mut theirs = || 1e3 / peer(NUMPY, folder, features).unwrap();
    let medians = measure::medians(&mut [("ours", &mut ours), ("numpy", &mut theirs)]);
    let what = "row Shapley, 50,000 x 1,000 x 128, numpy";
    measure::print_ratio(what, medians[0], medians[1], 5.0, "validation rows/s");
}

fn million() {
    let features = 64;
    let train = Rows::random(1_000_000, features, 3).table();
    let validation = Rows::random(POINTS, features, 4).table();
    let problem = Problem::new(&train, &validation, neighbours(), None).unwrap();
    let seconds = timed(|| row_shapley(&problem).unwrap());
    println!("row Shapley, 1,000,000 x 1,000 x 64: {seconds:.1} s (at most 90)");
    println!("most resident: {} MiB (at most 1536)", most_resident());
}

fn neighbours() -> NonZero<u64> {
    NonZero::new(NEIGHBOURS).unwrap()
}

fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let begin = Instant::now();
    std::hint::black_box(work());
    begin.elapsed().as_secs_f64()
}

/// Returns the most memory that this process had resident so far, in MiB.
fn most_resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.map_or(0, |kib| kib / 1024)
}

/// Another library that values rows.
#[derive(Clone, Copy)]
struct Peer {
    /// Its script is called after it.
    name: &'static str,
    /// Where it is installed.
    place: &'static str,
}

const NUMPY: Peer = Peer {
    name: "numpy",
    place: "target/peers",
};
const PYDVL: Peer = Peer {
    name: "pydvl",
    place: "target/peers",
};
const OPENDATAVAL: Peer = Peer {
    name: "opendataval",
    place: "target/opendataval",
};

/// Runs a peer's script over the files in a folder; returns the seconds that it says.
fn peer(peer: Peer, folder: &Path, features: usize) -> Option<f64> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let script = format!("benches/peers/knn_{}.py", peer.name);
    let output = Command::new(root.join(peer.place).join("bin/python"))
        .arg(root.join(script))
        .args([
            folder.as_os_str().to_str()?,
            &features.to_string(),
            &NEIGHBOURS.to_string(),
        ])
        .output()
        .ok()?;
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    let printed = String::from_utf8(output.stdout).ok()?;
    printed.split_whitespace().next()?.parse().ok()
}

/// Rows around the centres of their labels.
struct Rows {
    features: usize,
    cells: Vec<f64>,
    labels: Vec<u32>,
}

impl Rows {
    fn random(rows: usize, features: usize, seed: u64) -> Self {
        let mut random = ChaCha20Rng::seed_from_u64(seed);
        let mut centres = ChaCha20Rng::seed_from_u64(0);
        let uniform = |random: &mut ChaCha20Rng| random.next_u32() as f64 / 2f64.powi(32);
        let centres: Vec<f64> = (0..LABELS as usize * features)
            .map(|_| uniform(&mut centres))
            .collect();
        let mut made = Self {
            features,
            cells: Vec::with_capacity(rows * features),
            labels: Vec::with_capacity(rows),
        };
        for _ in 0..rows {
            let label = random.next_u64() % LABELS;
            let centre = &centres[label as usize * features..][..features];
            let cells = centre.iter().map(|x| x + 4.0 * uniform(&mut random));
            made.cells.extend(cells);
            made.labels.push(label as u32);
        }
        made
    }

    fn write(&self, folder: &Path, name: &str) {
        let cells: Vec<u8> = self.cells.iter().flat_map(|x| x.to_le_bytes()).collect();
        let labels: Vec<u8> = self.labels.iter().flat_map(|x| x.to_le_bytes()).collect();
        std::fs::write(folder.join(format!("{name}.f64")), cells).unwrap();
        std::fs::write(folder.join(format!("{name}.labels.u32")), labels).unwrap();
    }

    /// Row i belongs to owner i mod [`OWNERS`].
    fn table(self) -> FeatureTable {
        let names: Vec<String> = (0..OWNERS).map(|owner| owner.to_string()).collect();
        let text = |number: usize| names[number % OWNERS].as_str();
        let labels: TextColumn = self
            .labels
            .iter()
            .map(|label| text(*label as usize))
            .collect();
        let owners: TextColumn = (0..self.labels.len()).map(text).collect();
        let features = (0..self.features).map(|f| format!("x{f}")).collect();
        FeatureTable::from_rows(features, self.cells, labels, Some(owners)).unwrap()
    }
}
