//! What keys sign besides commands: that they are held, and applications.

use super::{encode_application, encode_possession};
use crate::domain::{
    APPLICATION_TYPE, AdmitParty, Application, LedgerId, Nonce, POSSESSION_TYPE, Signature, Signer,
    signing_bytes,
};

/// Returns the proof that a key is held, for a command with this nonce.
///
/// `ledger` is none in `Found` only; `party_or_origin` is the name of the party that the key is
/// for, or the origin of the log.
pub fn prove_possession(
    key: &dyn Signer,
    ledger: Option<&LedgerId>,
    party_or_origin: &str,
    nonce: &Nonce,
) -> Signature {
    let payload = encode_possession(ledger, party_or_origin, &key.public_key(), nonce);
    key.sign(&signing_bytes(POSSESSION_TYPE, &payload))
}

/// Returns the admission of a party on its application, which its key signs; without a beneficial
/// owner.
pub fn sign_application(key: &dyn Signer, application: Application) -> AdmitParty {
    let application_bytes = encode_application(&application);
    AdmitParty {
        signature: key.sign(&signing_bytes(APPLICATION_TYPE, &application_bytes)),
        application,
        application_bytes,
        beneficial_owner: None,
    }
}
