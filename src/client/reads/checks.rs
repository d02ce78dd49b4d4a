//! What a server sees in a command before it is sent.

use serde::Serialize;

use crate::client::ClientError;
use crate::client::answer;
use crate::client::error::FieldViolation;
use crate::domain::CommandId;
use crate::wire::proto;

/// One thing for which a command would be refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The reason.
    pub reason: String,
    /// What is wrong, where, and what to do.
    pub message: String,
    /// The fields that are wrong.
    pub violations: Vec<FieldViolation>,
}

/// Everything that a server sees in a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandCheck {
    /// The id of the command.
    pub command_id: CommandId,
    /// The command as JSON; empty where the bytes do not decode.
    pub command_json: String,
    /// The bytes that the signature has to be over, in hex.
    pub signed_bytes: String,
    /// Everything for which it would be refused, in the order of precedence.
    pub refusals: Vec<Refused>,
}

impl CommandCheck {
    pub(in crate::client) fn read(
        message: proto::CheckCommandResponse,
    ) -> Result<Self, ClientError> {
        let refusals = message.refusals.into_iter().map(|refusal| Refused {
            reason: refusal.reason,
            message: refusal.message,
            violations: refusal
                .violations
                .into_iter()
                .map(|violation| FieldViolation {
                    field: violation.field,
                    description: violation.description,
                })
                .collect(),
        });
        Ok(Self {
            command_id: answer::bytes("command_id", &message.command_id)?,
            command_json: message.command_json,
            signed_bytes: hex::encode(&message.signed_bytes),
            refusals: refusals.collect(),
        })
    }
}
