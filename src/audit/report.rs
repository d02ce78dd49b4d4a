//! What an audit says in the end, for people and for programs.

use std::fmt;

use serde_json::{Value, json};

use super::finding::{FINDINGS_MAX, Finding, NotChecked};
use crate::domain::{ContentHash, LedgerId, Origin, TreeHash};

/// How much was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Entries that decode and stand under a root.
    pub entries: u64,
    /// Signatures of entries.
    pub signatures: u64,
    /// Checkpoints with their signatures and roots.
    pub checkpoints: u64,
    /// Commands that were decided again.
    pub commands: u64,
    /// Valuations that were worked out again from the rows.
    pub valuations: u64,
    /// Settlements that were worked out again.
    pub settlements: u64,
    /// Accounts that were compared with what the server says.
    pub accounts: u64,
    /// Kept receipts.
    pub receipts: u64,
    /// Lines of settlements with their proofs.
    pub lines: u64,
    /// Tiles of a static log that were compared with its entries.
    pub tiles: u64,
    /// Blobs that were hashed again, besides those that the replay reads.
    pub blobs: u64,
}

impl Checked {
    /// Returns the counts with their names, in the order in which they are shown.
    pub fn counts(&self) -> [(&'static str, u64); 11] {
        [
            ("entries", self.entries),
            ("signatures", self.signatures),
            ("checkpoints", self.checkpoints),
            ("commands", self.commands),
            ("valuations", self.valuations),
            ("settlements", self.settlements),
            ("accounts", self.accounts),
            ("receipts", self.receipts),
            ("lines", self.lines),
            ("tiles", self.tiles),
            ("blobs", self.blobs),
        ]
    }
}

/// A blob that was chosen to be hashed again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenBlob {
    /// Its hash.
    pub hash: ContentHash,
    /// The index of the first entry that names it.
    pub index: u64,
    /// What came of it: `equal`, `different`, `missing`, `not shown` or `not at hand`.
    pub result: &'static str,
}

/// Which blobs were hashed again, so that another auditor can choose the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobsChecked {
    /// What was asked for: `all` or `sample:N`.
    pub wanted: String,
    /// Only blobs that entries below this index name took part.
    pub below: u64,
    /// How many distinct ones there are.
    pub named: u64,
    /// The seed of the sample.
    pub seed: Option<[u8; 32]>,
    /// The signed note that the seed comes from.
    pub seed_checkpoint: Option<String>,
    /// The blobs of the sample, in the order of their ranks.
    pub chosen: Vec<ChosenBlob>,
}

impl BlobsChecked {
    fn json(&self) -> Value {
        let chosen = |one: &ChosenBlob| {
            json!({
                "hash": one.hash.to_string(),
                "index": one.index,
                "result": one.result,
            })
        };
        json!({
            "wanted": self.wanted,
            "below": self.below,
            "named": self.named,
            "seed": self.seed.map(hex::encode),
            "seed_checkpoint": self.seed_checkpoint,
            "chosen": self.chosen.iter().map(chosen).collect::<Vec<_>>(),
        })
    }
}

/// What the audit comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was checked that the auditor may see, and all of it is equal.
    Equal,
    /// Something is not as it must be.
    Different,
    /// Nothing wrong was found, but the replay could not go to the end, or something else that was
    /// asked for was not to be had.
    Incomplete,
}

impl Verdict {
    /// Returns the verdict as reports have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Different => "different",
            Self::Incomplete => "incomplete",
        }
    }
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The ledger that was asked for.
    pub ledger: LedgerId,
    /// The name of its log, where the pins or the log say it.
    pub origin: Option<Origin>,
    /// How many entries were shown, or the size of the checkpoint for a party's own audit.
    pub size: u64,
    /// The root over them.
    pub root: TreeHash,
    /// How many of the entries an earlier audit has verified, so that this one began after them.
    pub resumed_at: u64,
    /// How much was checked.
    pub checked: Checked,
    /// Which blobs were hashed again, where that was asked for.
    pub blobs: Option<BlobsChecked>,
    /// What is wrong, at most [`FINDINGS_MAX`], in the order of the log.
    pub findings: Vec<Finding>,
    /// How many more findings there were.
    pub findings_left_out: u64,
    /// What could not be checked.
    pub not_checked: Vec<NotChecked>,
    /// Whether all that was asked for was checked.
    pub complete: bool,
}

impl Report {
    /// Returns a report without findings.
    pub(super) fn new(ledger: LedgerId, origin: Option<Origin>, root: TreeHash) -> Self {
        Self {
            ledger,
            origin,
            size: 0,
            root,
            resumed_at: 0,
            checked: Checked::default(),
            blobs: None,
            findings: Vec::new(),
            findings_left_out: 0,
            not_checked: Vec::new(),
            complete: true,
        }
    }

    /// Adds a finding, or counts it where there are too many.
    pub fn find(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.findings_left_out = self.findings_left_out.saturating_add(1);
        }
    }

    /// Says what could not be checked, once.
    pub fn leave_out(&mut self, what: impl Into<String>, why: impl Into<String>) {
        let (what, why) = (what.into(), why.into());
        let left_out = NotChecked { what, why };
        if !self.not_checked.contains(&left_out) {
            self.not_checked.push(left_out);
        }
    }

    /// Returns what the audit comes to.
    pub fn verdict(&self) -> Verdict {
        match (self.findings.is_empty(), self.complete) {
            (false, _) => Verdict::Different,
            (true, true) => Verdict::Equal,
            (true, false) => Verdict::Incomplete,
        }
    }

    /// Returns the report as JSON.
    pub fn json(&self) -> Value {
        let counts = self.checked.counts();
        let counts = counts.map(|(name, count)| (name.to_owned(), json!(count)));
        let left_out = |one: &NotChecked| json!({"what": one.what, "why": one.why});
        json!({
            "ledger": self.ledger.to_string(),
            "origin": self.origin.as_ref().map(ToString::to_string),
            "size": self.size,
            "root": self.root.to_string(),
            "resumed_at": self.resumed_at,
            "verdict": self.verdict().as_str(),
            "checked": Value::Object(counts.into_iter().collect()),
            "blobs": self.blobs.as_ref().map(BlobsChecked::json),
            "findings": self.findings.iter().map(Finding::json).collect::<Vec<_>>(),
            "findings_left_out": self.findings_left_out,
            "not_checked": self.not_checked.iter().map(left_out).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "ledger       {}", self.ledger)?;
        if let Some(origin) = &self.origin {
            writeln!(f, "log          {origin}")?;
        }
        writeln!(f, "size         {} entries, root {}", self.size, self.root)?;
        if self.resumed_at > 0 {
            writeln!(f, "remembered   {} entries", self.resumed_at)?;
        }
        let counts = self.checked.counts();
        let counts = counts.iter().filter(|(_, count)| *count > 0);
        let counts: Vec<String> = counts.map(|(name, n)| format!("{n} {name}")).collect();
        writeln!(f, "checked      {}", counts.join(", "))?;
        if let Some(blobs) = &self.blobs {
            let (wanted, named) = (&blobs.wanted, blobs.named);
            writeln!(
                f,
                "blobs        {wanted} of {named} named below entry {}",
                blobs.below
            )?;
            if let Some(seed) = &blobs.seed {
                writeln!(f, "             seed {}", hex::encode(seed))?;
            }
            for ChosenBlob {
                hash,
                index,
                result,
            } in &blobs.chosen
            {
                writeln!(f, "             {hash} of entry {index}: {result}")?;
            }
        }
        for left_out in &self.not_checked {
            writeln!(f, "not checked  {left_out}")?;
        }
        for finding in &self.findings {
            writeln!(f, "finding      {finding}")?;
        }
        if self.findings_left_out > 0 {
            writeln!(
                f,
                "             and {} more findings",
                self.findings_left_out
            )?;
        }
        let verdict = match self.verdict() {
            Verdict::Equal if self.not_checked.is_empty() => "all is equal",
            Verdict::Equal => "all that could be checked is equal",
            Verdict::Different => "not equal",
            Verdict::Incomplete => {
                "nothing wrong found, but not all that was asked for was checked"
            }
        };
        writeln!(f, "verdict      {verdict}")
    }
}
