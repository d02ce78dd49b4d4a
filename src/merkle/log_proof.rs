//! Proof files of C2SP tlog-proof, version 1: an entry, its place, and the checkpoint over it.
//!
//! Parsing and formatting are exact inverses, as for notes.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::domain::{TreeHash, Verifier};

use super::checkpoint::{Checkpoint, CheckpointError, open_checkpoint};
use super::hashing::leaf_hash;
use super::note::SignedNote;
use super::verifier_key::VerifierKey;
use super::verify::{ProofError, verify_inclusion};

/// The first line of a proof file.
const VERSION: &str = "c2sp.org/tlog-proof@v1";
/// The most hashes of an inclusion proof.
const HASHES_MAX: usize = 63;
/// The most bytes of a proof file: the largest entry in base64, the hashes, the largest note.
pub const LOG_PROOF_BYTES_MAX: usize = 96 * 1024 + HASHES_MAX * 45 + SignedNote::SIZE_LIMIT;

/// Why bytes are not a proof file, or one that proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogProofError {
    /// The file is too large.
    #[error("a proof file has at most {limit} bytes, this one has {found}")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
        /// The size as given, in bytes.
        found: usize,
    },
    /// The bytes are not text.
    #[error("a proof file is UTF-8; byte {offset} is not")]
    NotText {
        /// The first byte that is not UTF-8, from 0.
        offset: usize,
    },
    /// It is another kind of file.
    #[error("a proof file begins with the line {VERSION}; this is another kind of file")]
    Version,
    /// A line has another form.
    #[error("line {line} of the proof file is not {expected}")]
    Line {
        /// The number of the line, from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// The entry is not there.
    #[error("the proof file has no `extra` line with the entry, without which it proves nothing")]
    NoEntry,
    /// The checkpoint is not one of a known log.
    #[error("the checkpoint in the proof file is refused")]
    Checkpoint(#[source] CheckpointError),
    /// The proof leads elsewhere.
    #[error("the proof does not lead from entry {index} to the root that the checkpoint signs")]
    Proof {
        /// The index in the file.
        index: u64,
        /// What is wrong.
        #[source]
        source: ProofError,
    },
}

/// A proof that an entry is in a log, for a file; nothing in it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProof {
    /// The leaf bytes of the entry; other logs leave them out.
    pub leaf: Option<Bytes>,
    /// The index of the entry, from 0.
    pub index: u64,
    /// The inclusion proof, from the leaf to the root.
    pub hashes: Vec<TreeHash>,
    /// The checkpoint note, with the cosignatures that it has.
    pub checkpoint: String,
}

impl LogProof {
    /// Reads a proof file.
    ///
    /// # Errors
    /// The form is not exactly that of a proof file, or a limit is passed.
    pub fn parse(bytes: &[u8]) -> Result<Self, LogProofError> {
        let (limit, found) = (LOG_PROOF_BYTES_MAX, bytes.len());
        if found > limit {
            return Err(LogProofError::TooLarge { limit, found });
        }
        let text = str::from_utf8(bytes).map_err(|error| LogProofError::NotText {
            offset: error.valid_up_to(),
        })?;
        let rest = text.strip_prefix(VERSION);
        let rest = rest.and_then(|rest| rest.strip_prefix('\n'));
        let mut lines = Lines {
            rest: rest.ok_or(LogProofError::Version)?,
            number: 1,
        };
        let mut line = lines.next("a line `extra` or `index`")?;
        let mut leaf = None;
        if let Some(encoded) = line.strip_prefix("extra ") {
            let decoded = STANDARD.decode(encoded);
            let decoded = decoded.map_err(|_| lines.wrong("`extra` and base64"))?;
            leaf = Some(Bytes::from(decoded));
            line = lines.next(INDEX)?;
        }
        let number = line.strip_prefix("index ");
        let index = number.and_then(|number| number.parse().ok());
        // What shows differently was written with a sign or with leading zeros.
        let index = index.filter(|index: &u64| Some(index.to_string().as_str()) == number);
        let index = index.ok_or_else(|| lines.wrong(INDEX))?;
        let mut hashes = Vec::new();
        loop {
            let line = lines.next(HASH)?;
            if line.is_empty() {
                break;
            }
            let hash = STANDARD.decode(line).ok();
            let hash = hash.and_then(|bytes| TreeHash::try_from(bytes.as_slice()).ok());
            hashes.push(hash.ok_or_else(|| lines.wrong(HASH))?);
            if hashes.len() > HASHES_MAX {
                return Err(lines.wrong("the empty line that ends at most 63 hashes"));
            }
        }
        let checkpoint = lines.rest.to_owned();
        Ok(Self {
            leaf,
            index,
            hashes,
            checkpoint,
        })
    }

    /// Checks that a known log has the entry, and returns its leaf bytes and the checkpoint.
    ///
    /// # Errors
    /// The entry is not there, the checkpoint is refused, or the proof leads elsewhere.
    pub fn verify(
        &self,
        known: &[VerifierKey],
        verifier: &dyn Verifier,
    ) -> Result<(&Bytes, Checkpoint), LogProofError> {
        let leaf = self.leaf.as_ref().ok_or(LogProofError::NoEntry)?;
        let opened = open_checkpoint(self.checkpoint.as_bytes(), known, verifier);
        let checkpoint = opened.map_err(LogProofError::Checkpoint)?;
        let (index, size, root) = (self.index, checkpoint.size, &checkpoint.root);
        verify_inclusion(index, size, &leaf_hash(leaf), &self.hashes, root)
            .map_err(|source| LogProofError::Proof { index, source })?;
        Ok((leaf, checkpoint))
    }
}

impl fmt::Display for LogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{VERSION}")?;
        if let Some(leaf) = &self.leaf {
            writeln!(f, "extra {}", STANDARD.encode(leaf))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", STANDARD.encode(hash.0))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

const INDEX: &str = "`index` and a number";
const HASH: &str = "a hash in base64, nor the empty line behind the hashes";

/// The lines of a text, one after the other.
struct Lines<'t> {
    rest: &'t str,
    /// The number of the line that was read last, from 1.
    number: usize,
}

impl<'t> Lines<'t> {
    fn next(&mut self, expected: &'static str) -> Result<&'t str, LogProofError> {
        self.number = self.number.saturating_add(1);
        let split = self.rest.split_once('\n');
        let (line, rest) = split.ok_or_else(|| self.wrong(expected))?;
        self.rest = rest;
        Ok(line)
    }

    fn wrong(&self, expected: &'static str) -> LogProofError {
        let line = self.number;
        LogProofError::Line { line, expected }
    }
}
