//! Building and signing commands; the bytes that are signed are the bytes that are sent.

use bytes::Bytes;
use prost::Message;

use super::ClientError;
use crate::domain::{
    Action, COMMAND_TYPE, Command, CommandId, LedgerId, Nonce, PartyName, PublicKey, Signature,
    Signer, UnixMillis, signing_bytes,
};
use crate::wire::{encode_command, proto};

/// A command's exact bytes with the key and the signature over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCommand {
    /// The serialized command.
    pub command: Bytes,
    /// The key that signed.
    pub public_key: PublicKey,
    /// The signature over the DSSE encoding of the command.
    pub signature: Signature,
}

impl SignedCommand {
    /// Returns the id of the command.
    pub fn command_id(&self) -> CommandId {
        CommandId::of(&self.command)
    }

    /// Returns the bytes of a file that holds it: the message `SignedCommand`.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.message().encode_to_vec()
    }

    /// Reads the bytes of a file that holds a signed command; only its form is checked.
    ///
    /// # Errors
    /// The bytes are no such message, or key or signature have another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ClientError> {
        let not_one = |error: &dyn std::fmt::Display| ClientError::Form {
            what: "a signed command".to_owned(),
            detail: error.to_string(),
        };
        let message = proto::SignedCommand::decode(bytes).map_err(|error| not_one(&error))?;
        let public_key = PublicKey::try_from(message.public_key.as_ref());
        let signature = Signature::try_from(message.signature.as_ref());
        Ok(Self {
            command: message.command,
            public_key: public_key.map_err(|error| not_one(&error))?,
            signature: signature.map_err(|error| not_one(&error))?,
        })
    }

    pub(super) fn message(&self) -> proto::SignedCommand {
        proto::SignedCommand {
            command: self.command.clone(),
            public_key: Bytes::copy_from_slice(&self.public_key.0),
            signature: Bytes::copy_from_slice(&self.signature.0),
        }
    }
}

/// Builds, encodes and signs a command; `ledger` is none in `Found` only.
pub fn sign_command(
    signer: &dyn Signer,
    actor: &PartyName,
    ledger: Option<LedgerId>,
    nonce: Nonce,
    created_at: UnixMillis,
    action: Action,
) -> SignedCommand {
    let command = encode_command(&Command {
        ledger,
        actor: actor.clone(),
        nonce,
        created_at,
        action,
    });
    SignedCommand {
        signature: signer.sign(&signing_bytes(COMMAND_TYPE, &command)),
        public_key: signer.public_key(),
        command: Bytes::from(command),
    }
}

/// Returns random bytes of the system, for nonces and keys.
///
/// # Errors
/// The system has none.
pub fn random<const SIZE: usize>() -> Result<[u8; SIZE], ClientError> {
    let mut bytes = [0; SIZE];
    getrandom::fill(&mut bytes).map_err(ClientError::Random)?;
    Ok(bytes)
}
