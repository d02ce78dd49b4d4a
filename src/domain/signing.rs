//! What signing and checking mean to modules that must not know how keys are kept.
//!
//! The bytes that are signed are always the DSSE pre-authentication encoding of a payload and its
//! type, so that a signature made for one purpose never serves another.

use super::{PublicKey, Signature};

/// The payload type of a signed command.
pub const COMMAND_TYPE: &str = "application/vnd.fenrun.command.v1+protobuf";
/// The payload type of a proof that somebody holds a key.
pub const POSSESSION_TYPE: &str = "application/vnd.fenrun.possession.v1+protobuf";
/// The payload type of a party's application.
pub const APPLICATION_TYPE: &str = "application/vnd.fenrun.application.v1+protobuf";

/// Holds an Ed25519 secret key and signs with it.
pub trait Signer: Send + Sync {
    /// Returns the public key that checks this signer's signatures.
    fn public_key(&self) -> PublicKey;

    /// Signs `message` as it stands; nothing is prepended.
    fn sign(&self, message: &[u8]) -> Signature;
}

/// Judges Ed25519 signatures, by the one strict rule for all of the project.
pub trait Verifier: Send + Sync {
    /// Tells whether `signature` over `message` is good under `key`.
    ///
    /// The rule is RFC 8032 section 5.1.7 without cofactor, with a reduced scalar and with
    /// canonical points that are not of small order. Any bytes may be passed.
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool;
}

/// Returns the bytes to sign for a payload: `DSSEv1 len(type) type len(payload) payload`.
///
/// Lengths are in bytes, in ASCII decimal. Source: the DSSE protocol, version 1.
pub fn signing_bytes(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    );
    [head.as_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_as_the_protocol_says() {
        let bytes = signing_bytes("http://example.com/HelloWorld", b"hello world");
        let expected = "DSSEv1 29 http://example.com/HelloWorld 11 hello world";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        assert_eq!(signing_bytes("", b""), b"DSSEv1 0  0 ");
    }

    #[test]
    fn types_keep_payloads_apart() {
        let types = [COMMAND_TYPE, POSSESSION_TYPE, APPLICATION_TYPE];
        let encoded = types.map(|kind| signing_bytes(kind, b"same"));
        assert_ne!(encoded[0], encoded[1]);
        assert_ne!(encoded[1], encoded[2]);
        assert_ne!(encoded[0], encoded[2]);
    }
}
