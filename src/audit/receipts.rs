//! Receipts that a party kept: whether each proves what it says, and whether the log shown agrees.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::auditor::Pins;
use super::differences::differences;
use super::finding::{Finding, FindingKind, Place};
use crate::domain::{COMMAND_TYPE, Entry, KeptReceipt, TreeHash, Verifier, signing_bytes};
use crate::merkle::{Checkpoint, leaf_hash, open_checkpoint, verify_inclusion};

/// What a receipt proves.
#[derive(Debug)]
struct Proven {
    entry: Entry,
    leaf: TreeHash,
    checkpoint: Checkpoint,
}

/// The receipts of an audit, and what the log must show because of them.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    proven: BTreeMap<u64, Proven>,
}

impl Receipts {
    /// Checks receipts by themselves; those that prove nothing are findings.
    pub fn open(
        kept: &[KeptReceipt],
        pins: &Pins,
        verifier: &dyn Verifier,
    ) -> (Self, Vec<Finding>) {
        let mut receipts = Self::default();
        let mut findings = Vec::new();
        for kept in kept {
            let index = kept.receipt.index;
            match prove(kept, pins, verifier) {
                Ok(proven) => {
                    receipts.proven.insert(index, proven);
                }
                Err(why) => {
                    let place = Place::Receipt(index);
                    findings.push(Finding::new(FindingKind::ReceiptInvalid, place, why));
                }
            }
        }
        (receipts, findings)
    }

    /// Returns how many receipts prove something.
    pub fn len(&self) -> u64 {
        u64::try_from(self.proven.len()).unwrap_or(u64::MAX)
    }

    /// Returns the roots that the checkpoints of the receipts promise, by size.
    pub fn roots(&self) -> impl Iterator<Item = (u64, TreeHash)> {
        let checkpoints = self.proven.values().map(|proven| &proven.checkpoint);
        checkpoints.map(|checkpoint| (checkpoint.size, checkpoint.root))
    }

    /// Compares a leaf of the log with the receipt of its index, if there is one.
    pub fn compare(&self, index: u64, leaf: &Bytes, hash: &TreeHash) -> Option<Finding> {
        let proven = self.proven.get(&index)?;
        if proven.leaf == *hash {
            return None;
        }
        let what = match Entry::from_leaf(leaf) {
            Ok(shown) => differences(&proven.entry, &shown),
            Err(error) => error.to_string(),
        };
        let message = format!("the log shows another entry than the receipt proves: {what}");
        let finding = Finding::new(
            FindingKind::ReceiptContradicted,
            Place::Receipt(index),
            message,
        );
        Some(finding.differs(proven.leaf, hash))
    }

    /// Compares the hash of a leaf that an earlier audit saw with the receipt of its index.
    pub fn compare_hash(&self, index: u64, hash: &TreeHash) -> Option<Finding> {
        let proven = self.proven.get(&index)?;
        let message = "the log showed another entry to an earlier audit than the receipt proves";
        let kind = FindingKind::ReceiptContradicted;
        let finding = Finding::new(kind, Place::Receipt(index), message);
        (proven.leaf != *hash).then(|| finding.differs(proven.leaf, hash))
    }

    /// Finds the receipts whose entries the log did not reach.
    pub fn beyond(&self, size: u64) -> Vec<Finding> {
        let beyond = self.proven.range(size..);
        let finding = |(index, _): (&u64, &Proven)| {
            Finding::new(
                FindingKind::ReceiptContradicted,
                Place::Receipt(*index),
                format!("the log shown ends before the entry, at {size} entries"),
            )
        };
        beyond.map(finding).collect()
    }
}

fn prove(kept: &KeptReceipt, pins: &Pins, verifier: &dyn Verifier) -> Result<Proven, String> {
    let receipt = &kept.receipt;
    let entry = receipt.entry(kept.command.clone());
    let leaf = entry.leaf().map_err(|error| error.to_string())?;
    let signed = signing_bytes(COMMAND_TYPE, &entry.command);
    if !verifier.verify(&entry.public_key, &signed, &entry.signature) {
        return Err("the signature in the receipt does not verify".to_owned());
    }
    let note = receipt.checkpoint.as_bytes();
    let checkpoint = open_checkpoint(note, &pins.log_keys, verifier)
        .map_err(|error| format!("its checkpoint is not one of the log: {}", chain(&error)))?;
    let leaf = leaf_hash(&leaf);
    let (size, root) = (checkpoint.size, &checkpoint.root);
    verify_inclusion(receipt.index, size, &leaf, &receipt.inclusion_proof, root)
        .map_err(|error| format!("its proof proves nothing: {error}"))?;
    Ok(Proven {
        entry,
        leaf,
        checkpoint,
    })
}

/// Returns an error with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
