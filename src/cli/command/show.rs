//! `fenrun command show`: what a signed command or a kept receipt says, and whether it holds.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::cli::report::{Report, facts};
use crate::cli::{CommandError, Context};
use crate::client::SignedCommand;
use crate::domain::{
    COMMAND_BYTES_MAX, COMMAND_TYPE, CommandId, KeptReceipt, PublicKey, Signature, Verifier,
    signing_bytes,
};
use crate::keys::StrictVerifier;
use crate::wire::{command_json, decode_command};

/// Shows a signed command from its file, or the command of a kept receipt
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// What `fenrun command sign --out` wrote, a file of the outbox, or a kept receipt
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Everything about a signed command that can be said without a server.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    command_id: CommandId,
    /// The id of the first thing that it creates.
    thing_id: String,
    public_key: PublicKey,
    signature: Signature,
    signature_valid: bool,
    /// What a server would refuse it for on its form alone.
    refused: Option<String>,
    command: Value,
    command_hex: String,
    signed_bytes_hex: String,
}

impl Shown {
    pub(super) fn new(signed: &SignedCommand) -> Self {
        let bytes = signing_bytes(COMMAND_TYPE, &signed.command);
        let json = command_json(&signed.command);
        let id = signed.command_id();
        Self {
            command_id: id,
            thing_id: id.thing(0).to_string(),
            public_key: signed.public_key,
            signature: signed.signature,
            signature_valid: StrictVerifier.verify(&signed.public_key, &bytes, &signed.signature),
            refused: decode_command(&signed.command)
                .err()
                .map(|rejection| rejection.to_string()),
            command: json
                .and_then(|json| serde_json::from_str(&json).ok())
                .unwrap_or(Value::Null),
            command_hex: hex::encode(&signed.command),
            signed_bytes_hex: hex::encode(bytes),
        }
    }
}

impl Report for Shown {
    fn text(&self) -> String {
        let valid = if self.signature_valid {
            "valid"
        } else {
            "not valid"
        };
        let head = facts(&[
            ("command", self.command_id.to_string()),
            ("first thing", self.thing_id.clone()),
            ("public key", self.public_key.to_string()),
            ("signature", format!("{valid}, {}", self.signature)),
            (
                "form",
                self.refused
                    .clone()
                    .unwrap_or_else(|| "in order".to_owned()),
            ),
            ("bytes", self.command_hex.clone()),
        ]);
        let json = serde_json::to_string_pretty(&self.command).unwrap_or_default();
        format!("{head}\n{json}")
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let signed = read(&args.file)?;
    context.show(&Shown::new(&signed))
}

/// Reads a signed command from its file, or from a kept receipt.
pub(super) fn read(path: &Path) -> Result<SignedCommand, CommandError> {
    if let Ok(kept) = KeptReceipt::read(path) {
        return Ok(SignedCommand {
            command: kept.command,
            public_key: kept.receipt.public_key,
            signature: kept.receipt.signature,
        });
    }
    let shown = path.display();
    let size_max = COMMAND_BYTES_MAX.saturating_mul(2);
    let bytes = std::fs::read(path)
        .map_err(|error| CommandError::input(format!("{shown} cannot be read: {error}")))?;
    if bytes.len() > size_max {
        return Err(CommandError::input(format!(
            "{shown} is too large for a command"
        )));
    }
    SignedCommand::from_bytes(&bytes)
        .map_err(|error| CommandError::input(format!("{shown} is no signed command: {error}")))
}
