//! What `CheckCommand` answers: every check of the write door, and what the server read.

use bytes::Bytes;

use super::reads::Reading;
use super::status::Failure;
use crate::domain::{
    COMMAND_TYPE, Command, CommandId, PublicKey, Reason, Rejection, Signature, Verifier, Violation,
    signing_bytes,
};
use crate::engine::SignedBytes;
use crate::keys::StrictVerifier;
use crate::ledger::{Submission, Trial, check as check_rows};
use crate::wire::{check_command_bytes, command_json, proto};

/// Checks a command as `Submit` would, and writes nothing.
pub(super) fn check(
    reading: &Reading,
    signed: &SignedBytes,
) -> Result<proto::CheckCommandResponse, Failure> {
    let (command, mut refusals) = check_command_bytes(&signed.command);
    let unsigned = signed.public_key.is_empty() && signed.signature.is_empty();
    let key = if unsigned {
        None
    } else {
        key(signed, &mut refusals)
    };
    if let Some(command) = &command {
        refusals.extend(check_state(reading, signed, command, key)?);
    }
    refusals.sort_by_key(|refusal| refusal.reason);
    let signed_bytes = signing_bytes(COMMAND_TYPE, &signed.command);
    Ok(proto::CheckCommandResponse {
        command_id: Bytes::copy_from_slice(&CommandId::of(&signed.command).0),
        command_json: command_json(&signed.command).unwrap_or_default(),
        signed_bytes: signed_bytes.into(),
        refusals: refusals.iter().map(refusal_message).collect(),
        read_at_size: reading.size(),
    })
}

/// Reads key and signature; what is wrong with their form is added to the refusals.
fn key(signed: &SignedBytes, refusals: &mut Vec<Rejection>) -> Option<(PublicKey, Signature)> {
    let mut violations = Vec::new();
    let mut wrong = |field: &str, error: crate::domain::IdError| {
        violations.push(Violation::new(field, error.to_string()));
    };
    let public_key = PublicKey::try_from(signed.public_key.as_ref());
    let public_key = public_key.map_err(|error| wrong("signed_command.public_key", error));
    let signature = Signature::try_from(signed.signature.as_ref());
    let signature = signature.map_err(|error| wrong("signed_command.signature", error));
    if !violations.is_empty() {
        refusals.push(Rejection::with_violations(Reason::Malformed, violations));
    }
    public_key.ok().zip(signature.ok())
}

fn check_state(
    reading: &Reading,
    signed: &SignedBytes,
    command: &Command,
    key: Option<(PublicKey, Signature)>,
) -> Result<Vec<Rejection>, Failure> {
    let signature_valid = key.is_some_and(|(public_key, signature)| {
        let message = signing_bytes(COMMAND_TYPE, &signed.command);
        StrictVerifier.verify(&public_key, &message, &signature)
    });
    let identity = reading.identity_if_any()?;
    let vouched = identity.is_some_and(|identity| identity.caller.sees_party(&command.actor));
    let trial = Trial {
        submission: Submission {
            index: reading.size(),
            recorded_at: reading
                .engine()
                .clock()
                .now()
                .max(reading.state.recorded_at),
            // Never looked up where the command came without one.
            public_key: key.map_or(PublicKey([0; 32]), |(public_key, _)| public_key),
            signature_valid,
            id: CommandId::of(&signed.command),
            command,
        },
        signed: key.is_some(),
        vouched,
    };
    let view = reading.view();
    reading.with_attachments(|attachments| check_rows(view, &trial, &StrictVerifier, attachments))
}

fn refusal_message(rejection: &Rejection) -> proto::Refusal {
    let violations = rejection.violations.iter();
    let facts = rejection.facts.iter();
    proto::Refusal {
        reason: rejection.reason.as_str().to_owned(),
        message: rejection.message.clone(),
        violations: violations
            .map(|violation| proto::FieldViolation {
                field: violation.path.clone(),
                description: violation.description.clone(),
            })
            .collect(),
        facts: facts
            .map(|(name, value)| proto::Fact {
                name: (*name).to_owned(),
                value: value.clone(),
            })
            .collect(),
    }
}
