//! `fenrun command sign`: makes a signed command of JSON.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::Value;

use super::show::Shown;
use crate::cli::{CommandError, Context};
use crate::client::{SignedCommand, random, write_durably};
use crate::domain::{COMMAND_TYPE, Nonce, Signer, signing_bytes};
use crate::wire::{command_bytes, decode_command};

/// Signs a command that is written as JSON, with the field names of the protos and bytes in hex
///
/// What is missing of ledger, actor, nonce and created_at is filled in; give all of them to get
/// the same bytes again.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The command as JSON; - for standard input
    #[arg(value_name = "FILE.json")]
    json: PathBuf,
    /// Where the signed command goes, to be sent with `fenrun command send`
    #[arg(long, short = 'o', value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let text = read(&args.json, context)?;
    let json = fill_in(&text, context)?;
    let bytes = command_bytes(&json)?;
    decode_command(&bytes)?;
    let key = context.secret_key()?;
    let signed = SignedCommand {
        signature: key.sign(&signing_bytes(COMMAND_TYPE, &bytes)),
        public_key: key.public_key(),
        command: Bytes::from(bytes),
    };
    if let Some(out) = &args.out {
        write_durably(out, &signed.to_bytes(), false)
            .map_err(|error| CommandError::input(format!("{}: {error}", out.display())))?;
    }
    context.show(&Shown::new(&signed))
}

fn read(path: &Path, context: &mut Context<'_, '_>) -> Result<String, CommandError> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        context
            .streams
            .stdin
            .read_to_string(&mut text)
            .map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|error| CommandError::input(format!("{} cannot be read: {error}", path.display())))
}

/// Fills in what every command has and this one does not say.
fn fill_in(text: &str, context: &Context<'_, '_>) -> Result<String, CommandError> {
    let json: Value = serde_json::from_str(text)
        .map_err(|error| CommandError::input(format!("this is not JSON: {error}")))?;
    let Value::Object(mut fields) = json else {
        return Err(CommandError::input(
            "a command is written as one JSON object",
        ));
    };
    if !fields.contains_key("ledger") && !fields.contains_key("found") {
        let ledger = context.pins()?.ledger.to_string();
        fields.insert("ledger".to_owned(), Value::from(ledger));
    }
    if !fields.contains_key("actor") {
        let party = context.party()?.to_string();
        fields.insert("actor".to_owned(), Value::from(party));
    }
    if !fields.contains_key("nonce") {
        let nonce = Nonce(random()?).to_string();
        fields.insert("nonce".to_owned(), Value::from(nonce));
    }
    if !fields.contains_key("created_at") {
        let now = context.now().to_string();
        fields.insert("created_at".to_owned(), Value::from(now));
    }
    Ok(Value::Object(fields).to_string())
}
