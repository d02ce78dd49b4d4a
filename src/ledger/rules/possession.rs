//! Proofs that somebody holds a key, as Found, RotateKey and ReplaceKey carry them.

use crate::domain::{
    LedgerId, Nonce, POSSESSION_TYPE, PublicKey, Reason, Signature, Verifier, signing_bytes,
};
use crate::ledger::decide::{Stop, refuse};
use crate::wire::encode_possession;

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
    let payload = encode_possession(ledger, party_or_origin, key, nonce);
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
