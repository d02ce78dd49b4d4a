//! `fenrun hash` against `b3sum` (at least 0.9): whole processes over one file in the page cache.
//!
//! Skipped where `b3sum` is not installed. `FENRUN_BENCH_MIB` sets the size of the file.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

mod measure;

fn main() {
    let installed = Command::new("b3sum").arg("--version").output().is_ok();
    if !installed {
        println!("hash: skipped, b3sum is not installed");
        return;
    }
    let mib: usize = std::env::var("FENRUN_BENCH_MIB")
        .map_or(1024, |text| text.parse().expect("FENRUN_BENCH_MIB"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("content");
    write_content(&path, mib);
    let fenrun = env!("CARGO_BIN_EXE_fenrun");
    assert_eq!(
        printed(&[fenrun, "hash"], &path),
        printed(&["b3sum"], &path),
        "both print the same line"
    );
    let mut ours = || rate(&[fenrun, "hash"], &path, mib);
    let mut theirs = || rate(&["b3sum"], &path, mib);
    let medians = measure::medians(&mut [("fenrun hash", &mut ours), ("b3sum", &mut theirs)]);
    let what = format!("hash, {mib} MiB");
    measure::print_ratio(&what, medians[0], medians[1], 0.9, "MiB/s");
}

fn write_content(path: &Path, mib: usize) {
    let mut file = std::fs::File::create(path).unwrap();
    let mut chunk = vec![0u8; 1 << 20];
    for number in 0..mib {
        let mut reader = blake3::Hasher::new()
            .update(&(number as u64).to_le_bytes())
            .finalize_xof();
        reader.fill(&mut chunk);
        file.write_all(&chunk).unwrap();
    }
    file.sync_all().unwrap();
}

fn printed(command: &[&str], path: &Path) -> Vec<u8> {
    let output = command_of(command, path).output().unwrap();
    assert!(output.status.success(), "{command:?}");
    output.stdout
}

/// Runs a command over the file; returns MiB a second.
fn rate(command: &[&str], path: &Path, mib: usize) -> f64 {
    let begin = Instant::now();
    let status = command_of(command, path).stdout(Stdio::null()).status();
    assert!(status.unwrap().success(), "{command:?}");
    mib as f64 / begin.elapsed().as_secs_f64()
}

fn command_of(words: &[&str], path: &Path) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(path);
    command
}
