//! Auditing a log of recorded contributions against verifying its signatures alone, strictly and on
//! all threads (at least 0.5).
//!
//! `FENRUN_BENCH_ENTRIES` sets the size of the log; signing it is not measured.

use std::time::Instant;

use bytes::Bytes;
use fenrun::audit::{Absent, Auditor, Pins, Sources, Verdict};
use fenrun::client::SignedCommand;
use fenrun::domain::{
    COMMAND_TYPE, ContentHash, Entry, Signer, UnixMillis, Verifier, signing_bytes,
};
use fenrun::engine::{Clock, SystemClock};
use fenrun::keys::VerifyingKeys;
use fenrun::merkle::{Checkpoint, Frontier, VerifierKey, leaf_hash, sign_checkpoint};
use fenrun::valuation::FeatureTable;
use rayon::prelude::*;

#[path = "load/author.rs"]
#[allow(dead_code, reason = "an audit needs a log and no load")]
mod author;
mod measure;

use author::{Author, ORIGIN, key, ledger_of};

/// How many entries one push takes in, as a part of a stream has them.
const PART: usize = 2_048;

/// A log without attachments has nothing to be asked for.
struct NoSources;

impl Sources for NoSources {
    fn blob(&self, _: &ContentHash) -> Result<Bytes, Absent> {
        Err(Absent::NotShown("there are none".to_owned()))
    }

    fn table(&self, _: &[u8]) -> Result<FeatureTable, String> {
        Err("there are none".to_owned())
    }
}

/// A signed log and the checkpoint of each part.
struct Log {
    pins: Pins,
    leaves: Vec<Bytes>,
    notes: Vec<(u64, String)>,
}

fn main() {
    let entries: usize = std::env::var("FENRUN_BENCH_ENTRIES")
        .map_or(100_000, |text| text.parse().expect("FENRUN_BENCH_ENTRIES"));
    let log = signed_log(entries);
    let mut audited = || audit(&log);
    let mut verified = || verify(&log);
    let medians = measure::medians(&mut [("audit", &mut audited), ("verification", &mut verified)]);
    let threads = rayon::current_num_threads();
    let what = format!("audit, {entries} entries, {threads} threads");
    measure::print_ratio(&what, medians[0], medians[1], 0.5, "entries/s");
}

/// Audits the log; returns entries a second.
fn audit(log: &Log) -> f64 {
    let begin = Instant::now();
    let mut auditor = Auditor::new(log.pins.clone(), NoSources, &[], None);
    for (number, leaves) in log.leaves.chunks(PART).enumerate() {
        let note = &log.notes[number..=number];
        auditor.push((number * PART) as u64, leaves.to_vec(), note);
    }
    let report = auditor.finish(Ok(&[]));
    let rate = log.leaves.len() as f64 / begin.elapsed().as_secs_f64();
    assert_eq!(report.verdict(), Verdict::Equal, "{report}");
    rate
}

/// Verifies every signature; returns entries a second.
fn verify(log: &Log) -> f64 {
    let begin = Instant::now();
    let keys = VerifyingKeys::new(1_024);
    let good = log.leaves.par_iter().all(|leaf| {
        let entry = Entry::from_leaf(leaf).unwrap();
        let signed = signing_bytes(COMMAND_TYPE, &entry.command);
        keys.verify(&entry.public_key, &signed, &entry.signature)
    });
    assert!(good);
    log.leaves.len() as f64 / begin.elapsed().as_secs_f64()
}

fn signed_log(entries: usize) -> Log {
    let founding = Author::founding();
    let ledger = ledger_of(&founding);
    let mut author = Author::new(Some(ledger));
    let mut commands = vec![founding];
    commands.extend(author.admissions());
    commands.extend(author.singles(entries.saturating_sub(commands.len())));
    let now = SystemClock::new().now();
    let leaves: Vec<Bytes> = commands.iter().map(|one| leaf(one, now)).collect();
    let mut frontier = Frontier::new();
    let mut notes = Vec::new();
    for part in leaves.chunks(PART) {
        part.iter().for_each(|leaf| frontier.push(leaf_hash(leaf)));
        let checkpoint = Checkpoint {
            origin: ORIGIN.parse().unwrap(),
            size: frontier.size(),
            root: frontier.root(),
        };
        notes.push((
            frontier.size(),
            sign_checkpoint(&checkpoint, &[&key("log")]),
        ));
    }
    let log_key = VerifierKey {
        name: ORIGIN.parse().unwrap(),
        key: key("log").public_key(),
    };
    Log {
        pins: Pins {
            ledger,
            log_keys: vec![log_key],
        },
        leaves,
        notes,
    }
}

/// Returns the entry of a command that was recorded now.
fn leaf(signed: &SignedCommand, now: UnixMillis) -> Bytes {
    let entry = Entry {
        recorded_at: now,
        public_key: signed.public_key,
        signature: signed.signature,
        command: signed.command.clone(),
    };
    entry.leaf().unwrap()
}
