//! Cosignatures of C2SP tlog-cosignature, version 1: a witness says that it has seen the log grow.

use std::fmt;
use std::str::FromStr;

use crate::domain::{Origin, PublicKey, Signature, Signer, Verifier};

use super::note::{NoteSignature, SignedNote};
use super::verifier_key::{KeyHint, VerifierKeyError, key_hint, parse, show};

/// The first byte of an encoded key: an Ed25519 key that cosigns.
const ED25519_COSIGNS: u8 = 4;
/// The bytes of a cosignature behind its hint: time and signature.
const TIME_BYTES: usize = 8;
/// The latest time that a cosignature may have, in seconds since 1970.
const SECONDS_MAX: u64 = u64::MAX >> 1;

/// A witness: its name and the key that it cosigns with; shown and parsed as `name+hint+key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessKey {
    /// The name.
    pub name: Origin,
    /// The key.
    pub key: PublicKey,
}

impl WitnessKey {
    /// Returns the hint of its signature lines.
    pub fn hint(&self) -> KeyHint {
        key_hint(&self.name, ED25519_COSIGNS, &self.key)
    }

    /// Returns when the witness has cosigned a note, in seconds since 1970; none where it has not,
    /// or where its signature is wrong.
    pub fn cosigned(&self, note: &SignedNote, verifier: &dyn Verifier) -> Option<u64> {
        let hint = self.hint();
        let mut lines = note.signatures().iter();
        lines.find_map(|line| {
            let its = line.name == self.name.as_str() && line.hint == hint;
            let (seconds, signature) = line.bytes.split_first_chunk::<TIME_BYTES>()?;
            let seconds = u64::from_be_bytes(*seconds);
            let signature = Signature::try_from(signature).ok()?;
            let text = statement(note.text(), seconds);
            let good = its
                && seconds <= SECONDS_MAX
                && verifier.verify(&self.key, text.as_bytes(), &signature);
            good.then_some(seconds)
        })
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, &self.name, ED25519_COSIGNS, &self.key)
    }
}

impl FromStr for WitnessKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        let (name, key) = parse(text, ED25519_COSIGNS)?;
        Ok(Self { name, key })
    }
}

/// Returns what a witness signs: that it saw this text, its newlines included, at this time.
fn statement(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

/// Cosigns the text of a checkpoint under the name of a witness, at a time in seconds since 1970.
pub fn cosign(name: &Origin, signer: &dyn Signer, text: &str, seconds: u64) -> NoteSignature {
    let key = WitnessKey {
        name: name.clone(),
        key: signer.public_key(),
    };
    let signature = signer.sign(statement(text, seconds).as_bytes());
    NoteSignature {
        name: name.to_string(),
        hint: key.hint(),
        bytes: [&seconds.to_be_bytes(), signature.0.as_slice()].concat(),
    }
}
