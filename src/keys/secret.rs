//! A secret key in memory and its PEM form.

use std::fmt;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use crate::domain::{KeyId, PublicKey, Signature, Signer};

/// Why a text is not a secret key, or a key has no text.
#[derive(Debug, thiserror::Error)]
pub enum SecretKeyError {
    /// The text is not an Ed25519 key in PKCS#8 PEM.
    #[error("this is not an Ed25519 secret key in PKCS#8 PEM (BEGIN PRIVATE KEY)")]
    Decode(#[source] ed25519_dalek::pkcs8::Error),
    /// The key cannot be written.
    #[error("the key cannot be written as PKCS#8 PEM")]
    Encode(#[source] ed25519_dalek::pkcs8::Error),
}

/// An Ed25519 secret key; erased from memory when dropped and never shown.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// Makes the key that belongs to 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Reads a key from PKCS#8 PEM, as OpenSSL writes it.
    ///
    /// # Errors
    /// The text is not an Ed25519 key in that form.
    pub fn from_pem(pem: &str) -> Result<Self, SecretKeyError> {
        let decoded = SigningKey::from_pkcs8_pem(pem.trim_start());
        decoded.map(Self).map_err(SecretKeyError::Decode)
    }

    /// Writes the key as PKCS#8 PEM; the text is erased when dropped.
    ///
    /// The public key is left out, as OpenSSL does: some of its versions refuse it.
    ///
    /// # Errors
    /// The encoder fails, which no key is known to cause.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, SecretKeyError> {
        let pair = KeypairBytes {
            secret_key: self.0.to_bytes(),
            public_key: None,
        };
        let encoded = pair.to_pkcs8_pem(LineEnding::LF);
        encoded.map_err(SecretKeyError::Encode)
    }

    /// Returns the id of the public key.
    pub fn key_id(&self) -> KeyId {
        KeyId::of(&self.public_key())
    }
}

impl Signer for SecretKey {
    fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public_key())
    }
}
