//! The result of a run as it is kept: canonical JSON, and the tree over its lines.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::Reason;
use crate::domain::{ContentHash, TreeHash};
use crate::ledger::decide::{Stop, refuse};
use crate::ledger::view::ViewFault;
use crate::merkle::{MemoryTree, leaf_hash};
use crate::settlement::{Outcome, canonical_json};

/// A result with what names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlementResult {
    /// What the run came to.
    pub outcome: Outcome,
    /// The result as canonical JSON, its newline included.
    pub json: Bytes,
    /// BLAKE3 of these bytes.
    pub hash: ContentHash,
    /// The root of the RFC 6962 tree over the lines, each of them canonical JSON.
    pub output_root: TreeHash,
    /// How many lines there are.
    pub lines: u64,
}

impl SettlementResult {
    /// Writes an outcome down.
    ///
    /// # Errors
    /// `INTERNAL` where it cannot be written, which no outcome can bring about.
    pub(crate) fn of(outcome: Outcome) -> Result<Self, Stop> {
        let written = || -> Result<_, serde_json::Error> {
            let json = canonical_json(&outcome)?;
            let mut lines = Vec::new();
            if let Outcome::Settled(settlement) = &outcome {
                for line in &settlement.lines {
                    lines.push(serde_json::to_string(line)?);
                }
            }
            Ok((json, lines))
        };
        let (json, lines) = match written() {
            Ok(written) => written,
            Err(error) => {
                let message = format!("the result cannot be written: {error}");
                return refuse(Reason::Internal, message);
            }
        };
        let tree = line_tree(lines.iter().map(String::as_str));
        Ok(Self {
            hash: ContentHash::of(json.as_bytes()),
            json: json.into(),
            output_root: tree.root(),
            lines: tree.size(),
            outcome,
        })
    }
}

/// Returns the tree over lines, each a leaf of its canonical JSON without a newline.
pub(crate) fn line_tree<'a>(lines: impl Iterator<Item = &'a str>) -> MemoryTree {
    lines.map(|line| leaf_hash(line.as_bytes())).collect()
}

/// A result as it is read back: the lines keep their exact bytes.
#[derive(Debug, Deserialize)]
pub(crate) struct ResultDocument<'a> {
    /// What each contribution was given by value, after the cap.
    #[serde(default)]
    pub shares: BTreeMap<String, i64>,
    /// What each contribution holds after upstream.
    #[serde(default)]
    pub after_upstream: BTreeMap<String, i64>,
    /// What came back on each claim, and what is outstanding.
    #[serde(default)]
    pub claims: BTreeMap<String, ClaimDocument>,
    /// What each party gets.
    #[serde(default)]
    pub parties: BTreeMap<String, PartyDocument>,
    /// Why each amount is what it is.
    #[serde(default, borrow)]
    pub lines: Vec<&'a RawValue>,
}

/// What came back on a claim, in minor units.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct ClaimDocument {
    /// What came back in the run.
    pub paid: i64,
    /// What is outstanding after it.
    pub outstanding: i64,
}

/// What a party gets, in minor units.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct PartyDocument {
    pub carried: i64,
    pub held_cost: i64,
    pub held_profit: i64,
    pub offset: i64,
    pub payable: i64,
    pub reserve: i64,
    pub tax: i64,
}

/// A line as it is read back.
#[derive(Debug, Deserialize)]
pub(crate) struct LineDocument<'a> {
    pub step: u8,
    pub name: String,
    pub amount: i64,
    #[serde(default)]
    pub contribution: Option<String>,
    #[serde(default)]
    pub party: Option<String>,
    /// The inputs by name; numbers and texts, as they are written.
    #[serde(borrow)]
    pub because: BTreeMap<String, &'a RawValue>,
}

impl<'a> ResultDocument<'a> {
    /// Reads a result that the ledger has produced.
    ///
    /// # Errors
    /// A fault where the bytes are no result: what the ledger produced is kept unchanged.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ViewFault> {
        serde_json::from_slice(bytes)
            .map_err(|error| ViewFault::because("a stored result is no result", error))
    }
}

impl<'a> LineDocument<'a> {
    /// Reads a line of a result.
    ///
    /// # Errors
    /// As [`ResultDocument::parse`].
    pub fn parse(line: &'a RawValue) -> Result<Self, ViewFault> {
        serde_json::from_str(line.get())
            .map_err(|error| ViewFault::because("a line of a stored result is none", error))
    }

    /// Returns an input as it is shown: a number, or a text without its quotes.
    pub fn input(&self, name: &str) -> Option<&'a str> {
        let text = self.because.get(name)?.get();
        Some(text.trim_matches('"'))
    }
}
