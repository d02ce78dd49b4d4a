//! Auditing a log of recorded contributions against verifying its signatures alone, strictly and on
//! all threads (at least 0.5).
//!
//! `FENRUN_BENCH_ENTRIES` sets the size of the log; signing it is not measured.

use std::time::Instant;

use bytes::Bytes;
use fenrun::audit::{Absent, Auditor, Pins, Sources, Verdict};
use fenrun::domain::{
    APPLICATION_TYPE, Action, AdmitParty, Application, COMMAND_TYPE, Command, CommandId,
    ContentHash, ContributionKind, ContributionTerms, DerivationConsent, Entry, Found, LedgerId,
    Licence, Nonce, POSSESSION_TYPE, PoolConsent, RecordContribution, Role, Signer, UnixMillis,
    Verifier, signing_bytes,
};
use fenrun::keys::{SecretKey, VerifyingKeys};
use fenrun::merkle::{Checkpoint, Frontier, VerifierKey, leaf_hash, sign_checkpoint};
use fenrun::valuation::FeatureTable;
use fenrun::wire::{encode_application, encode_command, encode_possession};
use rayon::prelude::*;

mod measure;

const ORIGIN: &str = "log.example/bench";
const NOW: UnixMillis = UnixMillis(1_767_225_600_000);
/// How many entries one push takes in, as a part of a stream has them.
const PART: usize = 2_048;

/// A log without attachments has nothing to be asked for.
struct NoSources;

impl Sources for NoSources {
    fn blob(&self, _: &ContentHash) -> Result<Bytes, Absent> {
        Err(Absent("there are none".to_owned()))
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
    let keys = VerifyingKeys::new(16);
    let good = log.leaves.par_iter().all(|leaf| {
        let entry = Entry::from_leaf(leaf).unwrap();
        let signed = signing_bytes(COMMAND_TYPE, &entry.command);
        keys.verify(&entry.public_key, &signed, &entry.signature)
    });
    assert!(good);
    log.leaves.len() as f64 / begin.elapsed().as_secs_f64()
}

fn signed_log(entries: usize) -> Log {
    let [operator, log, school] = [1, 2, 3].map(|seed| SecretKey::from_seed(&[seed; 32]));
    let found = leaf(
        &operator,
        &command(None, "operator", 0, founding(&operator, &log)),
    );
    let ledger = LedgerId::from(CommandId::of(&Entry::from_leaf(&found).unwrap().command));
    let admission = admission(&school, ledger);
    let admit = leaf(&operator, &command(Some(ledger), "operator", 1, admission));
    let records = (2..entries as u64).into_par_iter().map(|number| {
        let command = command(Some(ledger), "school", number, contribution(number));
        leaf(&school, &command)
    });
    let mut leaves = vec![found, admit];
    leaves.extend(records.collect::<Vec<_>>());
    let mut frontier = Frontier::new();
    let mut notes = Vec::new();
    for part in leaves.chunks(PART) {
        part.iter().for_each(|leaf| frontier.push(leaf_hash(leaf)));
        let checkpoint = Checkpoint {
            origin: ORIGIN.parse().unwrap(),
            size: frontier.size(),
            root: frontier.root(),
        };
        notes.push((frontier.size(), sign_checkpoint(&checkpoint, &[&log])));
    }
    let log_key = VerifierKey {
        name: ORIGIN.parse().unwrap(),
        key: log.public_key(),
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

fn nonce(number: u64) -> Nonce {
    let mut nonce = [7; 16];
    nonce[..8].copy_from_slice(&number.to_be_bytes());
    Nonce(nonce)
}

fn command(ledger: Option<LedgerId>, actor: &str, number: u64, action: Action) -> Command {
    Command {
        ledger,
        actor: actor.parse().unwrap(),
        nonce: nonce(number),
        created_at: NOW,
        action,
    }
}

fn leaf(key: &SecretKey, command: &Command) -> Bytes {
    let command = Bytes::from(encode_command(command));
    let entry = Entry {
        recorded_at: NOW,
        public_key: key.public_key(),
        signature: key.sign(&signing_bytes(COMMAND_TYPE, &command)),
        command,
    };
    entry.leaf().unwrap()
}

fn founding(operator: &SecretKey, log: &SecretKey) -> Action {
    let possession = encode_possession(None, ORIGIN, &log.public_key(), &nonce(0));
    Action::from(Found {
        origin: ORIGIN.parse().unwrap(),
        operator: "operator".parse().unwrap(),
        operator_key: operator.public_key(),
        log_key: log.public_key(),
        log_key_possession: log.sign(&signing_bytes(POSSESSION_TYPE, &possession)),
        rules_version: 1,
        time_window_ms: 600_000,
        approvals: Vec::new(),
        terms_hash: ContentHash::of(b"terms"),
    })
}

fn admission(school: &SecretKey, ledger: LedgerId) -> Action {
    let application = Application {
        ledger,
        name: "school".parse().unwrap(),
        roles: vec![Role::Provider],
        public_key: school.public_key(),
        terms_hash: ContentHash::of(b"terms"),
    };
    let application_bytes = encode_application(&application);
    Action::from(AdmitParty {
        signature: school.sign(&signing_bytes(APPLICATION_TYPE, &application_bytes)),
        application,
        application_bytes,
        beneficial_owner: None,
    })
}

fn contribution(number: u64) -> Action {
    Action::from(RecordContribution {
        dataset: "digits".parse().unwrap(),
        version: u32::try_from(number).unwrap(),
        kind: ContributionKind::Original,
        content_hash: ContentHash::of(&number.to_be_bytes()),
        content_bytes: 1_000,
        rows: 10,
        parents: Vec::new(),
        terms: ContributionTerms {
            pools: PoolConsent::Any,
            derivation: DerivationConsent::Free,
            upstream_bps_min: 0,
            licence: Licence::Spdx("CC-BY-4.0".to_owned()),
        },
        // So that an entry has about 512 bytes.
        description: "x".repeat(170),
    })
}
