//! Proofs that somebody holds a key, as Found, RotateKey and ReplaceKey carry them.

use crate::domain::{
    LedgerId, Nonce, POSSESSION_TYPE, PublicKey, Reason, Signature, Verifier, signing_bytes,
};
use crate::ledger::decide::{Stop, refuse};

/// Checks that `key` signed for this ledger, for this party or log, and in this command.
///
/// The ledger is none in Found, whose ledger has no id yet.
pub(super) fn check_possession(
    verifier: &dyn Verifier,
    ledger: Option<&LedgerId>,
    party_or_origin: &str,
    key: &PublicKey,
    nonce: &Nonce,
    signature: &Signature,
) -> Result<(), Stop> {
    let payload = payload(ledger, party_or_origin, key, nonce);
    let signed = signing_bytes(POSSESSION_TYPE, &payload);
    if verifier.verify(key, &signed, signature) {
        return Ok(());
    }
    let message = format!(
        "the proof that {party_or_origin} holds the key {key} does not verify; \
         sign the possession anew, with this command's nonce"
    );
    refuse(Reason::PossessionInvalid, message)
}

/// Writes the protobuf form of `Possession`.
pub(crate) fn payload(
    ledger: Option<&LedgerId>,
    party_or_origin: &str,
    key: &PublicKey,
    nonce: &Nonce,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let ledger = ledger.map_or(&[][..], |ledger| ledger.as_bytes());
    for (tag, field) in [
        (0x0a_u8, ledger),
        (0x12, party_or_origin.as_bytes()),
        (0x1a, key.as_bytes()),
        (0x22, nonce.as_bytes()),
    ] {
        if field.is_empty() {
            continue;
        }
        bytes.push(tag);
        // At most 200 bytes, so that the length takes one or two bytes of seven bits.
        let low = u8::try_from(field.len() & 0x7f).unwrap_or_default();
        match u8::try_from(field.len() >> 7).unwrap_or_default() {
            0 => bytes.push(low),
            high => bytes.extend([low | 0x80, high]),
        }
        bytes.extend_from_slice(field);
    }
    bytes
}
