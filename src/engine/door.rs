//! The cheap checks of a submission: those that need nothing but its bytes.

use bytes::Bytes;

use super::receipt::SignedBytes;
use crate::domain::{
    COMMAND_TYPE, Command, CommandId, ContentHash, PublicKey, Reason, Rejection, Signature,
    Verifier, Violation, signing_bytes,
};
use crate::wire::decode_command;

/// A submission whose bytes are in order.
#[derive(Debug, Clone)]
pub(super) struct Inspected {
    pub(super) id: CommandId,
    pub(super) command: Command,
    pub(super) bytes: Bytes,
    pub(super) public_key: PublicKey,
    pub(super) signature: Signature,
}

/// Checks size, form and byte rule, in this order.
///
/// # Errors
/// `TOO_LARGE`, `MALFORMED`, `NON_CANONICAL`.
pub(super) fn inspect(signed: &SignedBytes) -> Result<Box<Inspected>, Rejection> {
    let command = decode_command(&signed.command);
    let early = |rejection: &Rejection| rejection.reason <= Reason::Malformed;
    if let Err(rejection) = &command
        && early(rejection)
    {
        return Err(rejection.clone());
    }
    let (public_key, signature) = read_signature(signed)?;
    // A command is large as a value, and on its way through a queue moves often.
    Ok(Box::new(Inspected {
        id: CommandId::of(&signed.command),
        command: command?,
        bytes: signed.command.clone(),
        public_key,
        signature,
    }))
}

fn read_signature(signed: &SignedBytes) -> Result<(PublicKey, Signature), Rejection> {
    let public_key = PublicKey::try_from(signed.public_key.as_ref());
    let signature = Signature::try_from(signed.signature.as_ref());
    let mut violations = Vec::new();
    if let Err(error) = &public_key {
        violations.push(Violation::new(
            "signed_command.public_key",
            error.to_string(),
        ));
    }
    if let Err(error) = &signature {
        violations.push(Violation::new(
            "signed_command.signature",
            error.to_string(),
        ));
    }
    match (public_key, signature) {
        (Ok(public_key), Ok(signature)) => Ok((public_key, signature)),
        _ => Err(Rejection::with_violations(Reason::Malformed, violations)),
    }
}

impl Inspected {
    /// Tells whether the signature is good, strictly, over the DSSE encoding of the command.
    pub(super) fn verify(&self, verifier: &dyn Verifier) -> bool {
        let message = signing_bytes(COMMAND_TYPE, &self.bytes);
        verifier.verify(&self.public_key, &message, &self.signature)
    }

    /// Adds to the refusal of a signature what was verified, so that an author can compare.
    pub(super) fn explain(&self, rejection: Rejection) -> Rejection {
        if rejection.reason != Reason::SignatureInvalid {
            return rejection;
        }
        let verified = signing_bytes(COMMAND_TYPE, &self.bytes);
        rejection
            .fact("payload_type", COMMAND_TYPE)
            .fact("signed_bytes_blake3", ContentHash::of(&verified))
    }
}
