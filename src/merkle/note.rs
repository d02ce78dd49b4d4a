//! C2SP signed notes: a text, an empty line, and one line for each signature.
//!
//! Parsing and formatting are exact inverses: what parses formats to the same bytes.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::domain::{Origin, Signature, Signer, Verifier};

use super::verifier_key::{KeyHint, VerifierKey};

/// The start of a signature line: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// Why bytes are not a signed note, or not one to trust.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The note is too large.
    #[error("a signed note has at most {limit} bytes, this one has {found}")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
        /// The size as given, in bytes.
        found: usize,
    },
    /// The bytes are not text.
    #[error("a signed note is UTF-8; byte {offset} is not")]
    NotText {
        /// The first byte that is not UTF-8, from 0.
        offset: usize,
    },
    /// A control character other than the newline.
    #[error("a signed note has no control characters but newlines; byte {offset} is one")]
    ControlCharacter {
        /// Where it stands, in bytes from 0.
        offset: usize,
    },
    /// The empty line before the signatures is missing.
    #[error("a signed note has an empty line before its signatures; this one has none")]
    NoSignatureBlock,
    /// There are no signatures after the empty line.
    #[error("the signed note has no signature line")]
    NoSignatures,
    /// The last line has no newline.
    #[error("the signed note ends without a newline: it was cut off")]
    CutOff,
    /// There are too many signatures.
    #[error("a signed note has at most {limit} signatures, this one has {found}")]
    TooManySignatures {
        /// The limit.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// A signature line has another form.
    #[error("signature line {line} is not an em dash, a name and base64 with single spaces")]
    SignatureForm {
        /// The number of the signature line, from 1.
        line: usize,
    },
    /// A known key has signed something else.
    #[error("the signature of {name} with key {hint} is wrong: the note was changed or forged")]
    BadSignature {
        /// The name in the signature line.
        name: String,
        /// Which key of that name.
        hint: KeyHint,
    },
    /// No key that is known has signed.
    #[error("no key that is trusted here has signed the note; check the pinned verifier keys")]
    NoKnownSignature,
}

/// One signature line of a note; who made it and whether it is good is not decided here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// The name of the key: not empty, without white space and plus signs.
    pub name: String,
    /// Which key of that name.
    pub hint: KeyHint,
    /// What follows the hint; other algorithms than Ed25519 have other lengths.
    pub bytes: Vec<u8>,
}

/// A text with signatures, well-formed but not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl SignedNote {
    /// The largest note, in bytes: it must fit a frame of the log.
    pub const SIZE_LIMIT: usize = 65_535;
    /// The most signatures: a log with many witnesses has a tenth of them.
    pub const SIGNATURE_LIMIT: usize = 100;

    /// Reads a note from its bytes.
    ///
    /// # Errors
    /// The form is not exactly that of a signed note, or a limit is passed.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let (limit, found) = (Self::SIZE_LIMIT, bytes.len());
        if found > limit {
            return Err(NoteError::TooLarge { limit, found });
        }
        let note = str::from_utf8(bytes).map_err(|error| NoteError::NotText {
            offset: error.valid_up_to(),
        })?;
        if let Some(offset) = note.bytes().position(|b| b < 0x20 && b != b'\n') {
            return Err(NoteError::ControlCharacter { offset });
        }
        if !note.ends_with('\n') {
            return Err(NoteError::CutOff);
        }
        // The last empty line counts: the text may have others.
        let split = note.rfind("\n\n").ok_or(NoteError::NoSignatureBlock)?;
        let (text, block) = note.split_at(split.saturating_add(1));
        let lines: Vec<&str> = block.split_terminator('\n').skip(1).collect();
        let (limit, found) = (Self::SIGNATURE_LIMIT, lines.len());
        if found > limit {
            return Err(NoteError::TooManySignatures { limit, found });
        }
        if lines.is_empty() {
            return Err(NoteError::NoSignatures);
        }
        let numbered = lines.into_iter().zip(1..);
        let signatures = numbered.map(|(text, line)| parse_signature(text, line));
        Ok(Self {
            text: text.to_owned(),
            signatures: signatures.collect::<Result<_, _>>()?,
        })
    }

    /// Returns the text that is signed, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the signatures, in the order of their lines.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a signature line.
    pub fn add(&mut self, signature: NoteSignature) {
        self.signatures.push(signature);
    }

    /// Signs `text` under `name` with each of the signers.
    ///
    /// `text` must be lines without control characters that end with a newline; a caller that
    /// makes it from checked parts, as a checkpoint is, cannot miss that.
    pub(super) fn sign(text: String, name: &Origin, signers: &[&dyn Signer]) -> Self {
        let sign = |signer: &&dyn Signer| {
            let key = signer.public_key();
            let name = name.clone();
            let signed_by = VerifierKey { name, key };
            NoteSignature {
                hint: signed_by.hint(),
                name: signed_by.name.to_string(),
                bytes: signer.sign(text.as_bytes()).0.to_vec(),
            }
        };
        let signatures = signers.iter().map(sign).collect();
        Self { text, signatures }
    }

    /// Checks the signatures of known keys and returns the keys that have signed.
    ///
    /// Signatures of keys that are not in `known` are ignored.
    ///
    /// # Errors
    /// A known key's signature is wrong, or no known key has signed.
    pub fn check<'k>(
        &self,
        known: &'k [VerifierKey],
        verifier: &dyn Verifier,
    ) -> Result<Vec<&'k VerifierKey>, NoteError> {
        let hints: Vec<KeyHint> = known.iter().map(VerifierKey::hint).collect();
        let mut signed = Vec::new();
        for line in &self.signatures {
            let named = known.iter().zip(&hints);
            let mut named = named
                .filter(|(key, hint)| key.name.as_str() == line.name && **hint == line.hint)
                .map(|(key, _)| key)
                .peekable();
            if named.peek().is_none() {
                continue;
            }
            let signature = Signature::try_from(line.bytes.as_slice()).ok();
            let good = named.find(|key| {
                signature.is_some_and(|s| verifier.verify(&key.key, self.text.as_bytes(), &s))
            });
            let (name, hint) = (line.name.clone(), line.hint);
            let key = good.ok_or(NoteError::BadSignature { name, hint })?;
            if !signed.contains(&key) {
                signed.push(key);
            }
        }
        if signed.is_empty() {
            return Err(NoteError::NoKnownSignature);
        }
        Ok(signed)
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            writeln!(f, "{signature}")?;
        }
        Ok(())
    }
}

impl FromStr for SignedNote {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        Self::parse(text.as_bytes())
    }
}

impl NoteSignature {
    /// Reads signature lines that stand alone, each with its newline, as a witness answers.
    ///
    /// # Errors
    /// A line has another form, or the last one was cut off.
    pub fn parse_lines(text: &str) -> Result<Vec<Self>, NoteError> {
        if !text.is_empty() && !text.ends_with('\n') {
            return Err(NoteError::CutOff);
        }
        let (limit, found) = (SignedNote::SIGNATURE_LIMIT, text.lines().count());
        if found > limit {
            return Err(NoteError::TooManySignatures { limit, found });
        }
        let numbered = text.split_terminator('\n').zip(1..);
        numbered
            .map(|(text, line)| parse_signature(text, line))
            .collect()
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.hint.0.as_slice(), &self.bytes].concat();
        write!(f, "{DASH}{} {}", self.name, STANDARD.encode(bytes))
    }
}

fn parse_signature(text: &str, line: usize) -> Result<NoteSignature, NoteError> {
    let form = || NoteError::SignatureForm { line };
    let text = text.strip_prefix(DASH).ok_or_else(form)?;
    let (name, encoded) = text.split_once(' ').ok_or_else(form)?;
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
        return Err(form());
    }
    let bytes = STANDARD.decode(encoded).map_err(|_| form())?;
    let (hint, bytes) = bytes.split_first_chunk().ok_or_else(form)?;
    if bytes.is_empty() {
        return Err(form());
    }
    Ok(NoteSignature {
        name: name.to_owned(),
        hint: KeyHint(*hint),
        bytes: bytes.to_vec(),
    })
}
