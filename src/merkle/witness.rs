//! What a witness is asked, and when it cosigns, as C2SP tlog-witness has it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::checkpoint::Checkpoint;
use super::note::SignedNote;
use super::verifier_key::VerifierKey;
use super::verify::verify_consistency;
use crate::domain::{TreeHash, Verifier};

/// The most hashes of a consistency proof.
const HASHES_MAX: usize = 63;

/// A checkpoint for a witness, with the proof that it goes on from the last one that it cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size of the last checkpoint that the witness has cosigned; 0 for none.
    pub old_size: u64,
    /// The consistency proof from there.
    pub proof: Vec<TreeHash>,
    /// The checkpoint note.
    pub note: String,
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessRefusal {
    /// The request has another form, or its sizes make no sense.
    #[error("the request is not in order: {0}")]
    Form(String),
    /// The log is not one that it watches.
    #[error("this witness does not watch the log {0}")]
    UnknownLog(String),
    /// No key of the log that it knows has signed.
    #[error("no known key of the log has signed the checkpoint")]
    NotSigned,
    /// It has cosigned another size last, or another root at this size.
    #[error("the last checkpoint that was cosigned has {size} entries")]
    Conflict {
        /// That size.
        size: u64,
    },
    /// The log did not only grow.
    #[error("the checkpoint does not go on from the one that was cosigned: {0}")]
    NotConsistent(String),
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        for hash in &self.proof {
            writeln!(f, "{}", STANDARD.encode(hash.0))?;
        }
        write!(f, "\n{}", self.note)
    }
}

impl AddCheckpoint {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// [`WitnessRefusal::Form`].
    pub fn parse(body: &[u8]) -> Result<Self, WitnessRefusal> {
        let form = |what: &str| WitnessRefusal::Form(what.to_owned());
        let text = str::from_utf8(body).map_err(|_| form("it is not UTF-8"))?;
        let (head, note) = text
            .split_once("\n\n")
            .ok_or_else(|| form("there is no empty line before the checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old_size = old.and_then(|old| old.parse().ok());
        // What shows differently was written with a sign or with leading zeros.
        let old_size = old_size.filter(|size: &u64| Some(size.to_string().as_str()) == old);
        let hash = |line: &str| {
            let bytes = STANDARD.decode(line).ok()?;
            TreeHash::try_from(bytes.as_slice()).ok()
        };
        let proof: Option<Vec<TreeHash>> = lines.map(hash).collect();
        let proof = proof.filter(|proof| proof.len() <= HASHES_MAX);
        Ok(Self {
            old_size: old_size.ok_or_else(|| form("it does not begin with `old SIZE`"))?,
            proof: proof.ok_or_else(|| form("its proof is not at most 63 hashes in base64"))?,
            note: note.to_owned(),
        })
    }

    /// Opens the checkpoint under the keys of the logs that a witness watches.
    ///
    /// # Errors
    /// The first that is wrong: the form, the log, the signature, the sizes.
    pub fn open(
        &self,
        logs: &[VerifierKey],
        verifier: &dyn Verifier,
    ) -> Result<(SignedNote, Checkpoint), WitnessRefusal> {
        let form = |error: &dyn fmt::Display| WitnessRefusal::Form(error.to_string());
        let note = SignedNote::parse(self.note.as_bytes()).map_err(|error| form(&error))?;
        let checkpoint = Checkpoint::of_any_log(note.text()).map_err(|error| form(&error))?;
        let its = logs.iter().filter(|log| log.name == checkpoint.origin);
        let its: Vec<VerifierKey> = its.cloned().collect();
        if its.is_empty() {
            return Err(WitnessRefusal::UnknownLog(checkpoint.origin.to_string()));
        }
        if note.check(&its, verifier).is_err() {
            return Err(WitnessRefusal::NotSigned);
        }
        if self.old_size > checkpoint.size {
            return Err(form(&"the old size is above the checkpoint's"));
        }
        Ok((note, checkpoint))
    }

    /// Checks that the checkpoint goes on from the last one that was cosigned; none where none
    /// was.
    ///
    /// # Errors
    /// [`WitnessRefusal::Conflict`] or [`WitnessRefusal::NotConsistent`].
    pub fn goes_on(
        &self,
        checkpoint: &Checkpoint,
        last: Option<&Checkpoint>,
    ) -> Result<(), WitnessRefusal> {
        let size = last.map_or(0, |last| last.size);
        if self.old_size != size {
            return Err(WitnessRefusal::Conflict { size });
        }
        let (new, root) = (checkpoint.size, &checkpoint.root);
        match last {
            Some(last) if last.size == new && last.root != *root => {
                Err(WitnessRefusal::Conflict { size })
            }
            Some(last) if last.size > 0 => {
                verify_consistency(last.size, new, &self.proof, &last.root, root)
                    .map_err(|error| WitnessRefusal::NotConsistent(error.to_string()))
            }
            _ if self.proof.is_empty() => Ok(()),
            _ => {
                let what = "a proof from no entries is empty";
                Err(WitnessRefusal::NotConsistent(what.to_owned()))
            }
        }
    }
}
