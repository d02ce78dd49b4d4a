//! A log as a server would show it, made from a scenario of the core, with its real keys.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::audit::{Absent, AccountBalance, Auditor, Pins, Report, Sources};
use crate::domain::{
    COMMAND_TYPE, Command, ContentHash, Entry, KeptReceipt, PublicKey, Receipt, Signer, TreeHash,
    UnixMillis, signing_bytes,
};
use crate::keys::SecretKey;
use crate::ledger::testing::{ORIGIN, Scenario, secret_key};
use crate::merkle::{
    Checkpoint, MemoryTree, VerifierKey, inclusion_proof, leaf_hash, root_of_leaves,
    sign_checkpoint,
};
use crate::valuation::FeatureTable;
use crate::wire::encode_command;

/// How many entries a batch has.
const BATCH: usize = 3;

/// What a server shows: leaves, the notes of its batches by size, and blobs.
#[derive(Clone)]
pub(super) struct Shown {
    pub pins: Pins,
    pub leaves: Vec<Bytes>,
    pub notes: BTreeMap<u64, String>,
    pub newest: Option<String>,
    pub blobs: BTreeMap<ContentHash, Bytes>,
}

impl Sources for BTreeMap<ContentHash, Bytes> {
    fn blob(&self, hash: &ContentHash) -> Result<Bytes, Absent> {
        let bytes = self.get(hash).cloned();
        bytes.ok_or_else(|| Absent::NotShown("it is not stored".to_owned()))
    }

    fn table(&self, bytes: &[u8]) -> Result<FeatureTable, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = lines.next().unwrap();
        let features: Vec<String> = header[1..].iter().map(|name| (*name).to_owned()).collect();
        let rows: Vec<(&str, Vec<f64>)> = lines
            .map(|cells| {
                let numbers = cells[1..].iter().map(|cell| cell.parse().unwrap());
                (cells[0], numbers.collect())
            })
            .collect();
        let rows = rows.iter().map(|(label, cells)| (cells.as_slice(), *label));
        FeatureTable::gather(&features, rows).map_err(|violations| violations[0].to_string())
    }
}

/// Returns a ledger with some of everything that needs no money.
pub(super) fn scenario() -> Scenario {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator amend 500000 -> ok
         provider record digits@1 -> ok
         lab record clean@1 from=provider/digits@1:1000 -> ok
         provider rotate -> ok
         provider record digits@2 -> ok
         operator replace lab -> ok",
    );
    scenario
}

/// Returns a party's key by its public half, of which every test key has few.
fn secret_of(actor: &str, public_key: &PublicKey) -> SecretKey {
    let mut keys = (0..10).map(|number| secret_key(actor, number));
    keys.find(|key| key.public_key() == *public_key).unwrap()
}

/// Returns the leaf of a command, signed by a key of its actor.
fn leaf(command: &Command, public_key: PublicKey, recorded_at: UnixMillis) -> Bytes {
    let command_bytes = Bytes::from(encode_command(command));
    let secret = secret_of(command.actor.as_str(), &public_key);
    let signature = secret.sign(&signing_bytes(COMMAND_TYPE, &command_bytes));
    let entry = Entry {
        recorded_at,
        public_key,
        signature,
        command: command_bytes,
    };
    entry.leaf().unwrap()
}

impl Shown {
    /// Shows a scenario truthfully.
    pub fn of(scenario: &Scenario) -> Self {
        let leaves = scenario.accepted.iter();
        let leaves: Vec<Bytes> = leaves
            .map(|signed| {
                leaf(
                    &signed.command,
                    signed.public_key,
                    signed.command.created_at,
                )
            })
            .collect();
        let log_key = VerifierKey {
            name: ORIGIN.parse().unwrap(),
            key: secret_key("log", 0).public_key(),
        };
        let mut shown = Self {
            pins: Pins {
                ledger: scenario.ledger(),
                log_keys: vec![log_key],
            },
            leaves,
            notes: BTreeMap::new(),
            newest: None,
            blobs: scenario.attachments.clone(),
        };
        shown.sign();
        shown
    }

    /// Signs a checkpoint for each batch and the end, with the log's real key.
    pub fn sign(&mut self) {
        let size = self.leaves.len();
        let ends = (1..=size).filter(|end| end % BATCH == 0 || *end == size);
        self.notes = ends.map(|end| (end as u64, self.note(end))).collect();
        self.newest = Some(self.note(size));
    }

    fn note(&self, size: usize) -> String {
        self.note_by(size, &[0])
    }

    /// Returns the checkpoint of a size, signed by the log's keys with these numbers.
    pub fn note_by(&self, size: usize, numbers: &[u32]) -> String {
        let checkpoint = Checkpoint {
            origin: ORIGIN.parse().unwrap(),
            size: size as u64,
            root: root_of_leaves(self.leaves[..size].iter().map(Bytes::as_ref)),
        };
        let keys: Vec<SecretKey> = numbers.iter().map(|n| secret_key("log", *n)).collect();
        let keys: Vec<&dyn Signer> = keys.iter().map(|key| key as &dyn Signer).collect();
        sign_checkpoint(&checkpoint, &keys)
    }

    /// Changes a command, with a new signature by the key that signed it before.
    pub fn change(&mut self, index: usize, change: impl FnOnce(&mut Command)) {
        let entry = Entry::from_leaf(&self.leaves[index]).unwrap();
        let mut command = crate::wire::decode_command(&entry.command).unwrap();
        change(&mut command);
        self.leaves[index] = leaf(&command, entry.public_key, entry.recorded_at);
    }

    /// Returns the tree over the leaves.
    fn tree(&self) -> MemoryTree {
        let mut tree = MemoryTree::default();
        for leaf in &self.leaves {
            tree.push(leaf_hash(leaf));
        }
        tree
    }

    /// Returns the inclusion proof of an entry in the whole log.
    pub fn proof(&self, index: usize) -> Vec<TreeHash> {
        let size = self.leaves.len() as u64;
        inclusion_proof(index as u64, size, &self.tree()).unwrap()
    }

    /// Returns the receipt of an entry under the newest checkpoint.
    pub fn receipt(&self, index: usize) -> KeptReceipt {
        let entry = Entry::from_leaf(&self.leaves[index]).unwrap();
        KeptReceipt {
            ledger: self.pins.ledger,
            command_id: entry.command_id(),
            receipt: Receipt {
                index: index as u64,
                recorded_at: entry.recorded_at,
                public_key: entry.public_key,
                signature: entry.signature,
                inclusion_proof: self.proof(index),
                checkpoint: self.newest.clone().unwrap(),
            },
            command: entry.command,
        }
    }

    /// Audits what is shown, in parts of `part` entries.
    pub fn audit_in(&self, part: usize, kept: &[KeptReceipt]) -> Report {
        self.audit_with(part, kept, &[])
    }

    /// Audits what is shown with these accounts, in parts of `part` entries.
    pub fn audit_with(
        &self,
        part: usize,
        kept: &[KeptReceipt],
        accounts: &[AccountBalance],
    ) -> Report {
        let newest = self.newest.as_deref();
        let mut auditor = Auditor::new(self.pins.clone(), self.blobs.clone(), kept, newest);
        for (number, leaves) in self.leaves.chunks(part).enumerate() {
            let first = (number * part) as u64;
            let end = first + leaves.len() as u64;
            let notes = self.notes.range(first + 1..=end);
            let notes: Vec<(u64, String)> = notes.map(|(n, note)| (*n, note.clone())).collect();
            auditor.push(first, leaves.to_vec(), &notes);
        }
        assert_eq!(auditor.taken(), self.leaves.len() as u64);
        auditor.finish(Ok(accounts))
    }

    /// Audits what is shown, and returns the findings as `place: kind`.
    pub fn found(&self) -> Vec<String> {
        told(&self.audit_in(4, &[]))
    }
}

/// Returns the findings of a report as `place: kind`.
pub(super) fn told(report: &Report) -> Vec<String> {
    let findings = report.findings.iter();
    findings
        .map(|one| format!("{}: {}", one.place, one.kind))
        .collect()
}
