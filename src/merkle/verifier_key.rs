//! Who signs notes: verifier keys in the C2SP form.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::domain::{NameError, Origin, PublicKey};

/// The first byte of an encoded key: a plain Ed25519 key, as logs have.
const ED25519: u8 = 1;

/// Why a text is not a verifier key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifierKeyError {
    /// It is not three parts.
    #[error("a verifier key is written name+hint+key; this is not: {text:?}")]
    Form {
        /// The start of the text as given.
        text: String,
    },
    /// The name is not one.
    #[error("the name in the verifier key is refused")]
    Name(#[source] NameError),
    /// The middle part is not eight lower-case hex digits.
    #[error("the key hint of a verifier key is 8 lower-case hex digits; this is not: {text:?}")]
    Hint {
        /// The start of the part as given.
        text: String,
    },
    /// The last part is not canonical base64.
    #[error("the key in a verifier key is standard base64 with padding; this is not: {text:?}")]
    Encoding {
        /// The start of the part as given.
        text: String,
    },
    /// The key is of another algorithm, or has another length.
    #[error("the verifier key of {name} is not an Ed25519 key of type {expected} and 32 bytes")]
    Algorithm {
        /// The name in the verifier key.
        name: Origin,
        /// The type: 1 for keys of logs, 4 for keys of witnesses.
        expected: u8,
    },
    /// Hint and key contradict each other.
    #[error(
        "the verifier key of {name} says {found}, but its key gives {expected}: a typing error"
    )]
    HintMismatch {
        /// The name in the verifier key.
        name: Origin,
        /// The hint that name and key give.
        expected: KeyHint,
        /// The hint as given.
        found: KeyHint,
    },
}

/// Four bytes that tell the keys of one name apart in a note; they prove nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHint(pub [u8; 4]);

impl fmt::Display for KeyHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHint({self})")
    }
}

/// A name and the Ed25519 key that signs under it; shown and parsed as `name+hint+key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    /// The name: the origin of the log that signs with the key.
    pub name: Origin,
    /// The key.
    pub key: PublicKey,
}

impl VerifierKey {
    /// Returns the first bytes of SHA-256 over name, newline, algorithm and key.
    pub fn hint(&self) -> KeyHint {
        key_hint(&self.name, ED25519, &self.key)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, &self.name, ED25519, &self.key)
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        let (name, key) = parse(text, ED25519)?;
        Ok(Self { name, key })
    }
}

/// Returns the hint of a key of some algorithm.
pub(super) fn key_hint(name: &Origin, algorithm: u8, key: &PublicKey) -> KeyHint {
    let digest = Sha256::new()
        .chain_update(name.as_str())
        .chain_update(b"\n")
        .chain_update([algorithm])
        .chain_update(key.0)
        .finalize();
    let [a, b, c, d, ..] = <[u8; 32]>::from(digest);
    KeyHint([a, b, c, d])
}

/// Shows a key of some algorithm.
pub(super) fn show(
    f: &mut fmt::Formatter<'_>,
    name: &Origin,
    algorithm: u8,
    key: &PublicKey,
) -> fmt::Result {
    let hint = key_hint(name, algorithm, key);
    let key = [&[algorithm], key.0.as_slice()].concat();
    write!(f, "{name}+{hint}+{}", STANDARD.encode(key))
}

/// Reads a key that has to be of some algorithm.
pub(super) fn parse(text: &str, algorithm: u8) -> Result<(Origin, PublicKey), VerifierKeyError> {
    let start = |text: &str| text.chars().take(80).collect::<String>();
    // The base64 part may hold plus signs of its own.
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(hint), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(VerifierKeyError::Form { text: start(text) });
    };
    let name: Origin = name.parse().map_err(VerifierKeyError::Name)?;
    let found = hex::decode(hint).ok();
    let found = found.and_then(|bytes| Some(KeyHint(bytes.try_into().ok()?)));
    let Some(found) = found.filter(|found| found.to_string() == hint) else {
        return Err(VerifierKeyError::Hint { text: start(hint) });
    };
    let bytes = STANDARD.decode(key);
    let bytes = bytes.map_err(|_| VerifierKeyError::Encoding { text: start(key) })?;
    let key = match bytes.split_first() {
        Some((first, key)) if *first == algorithm => PublicKey::try_from(key).ok(),
        _ => None,
    };
    let Some(key) = key else {
        let expected = algorithm;
        return Err(VerifierKeyError::Algorithm { name, expected });
    };
    let expected = key_hint(&name, algorithm, &key);
    if expected != found {
        return Err(VerifierKeyError::HintMismatch {
            name,
            expected,
            found,
        });
    }
    Ok((name, key))
}
