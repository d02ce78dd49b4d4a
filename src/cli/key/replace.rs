//! `fenrun key replace`: gives a party that lost its key a new one, in two steps.
//!
//! The party proves that it has the new key, over a nonce that it chooses; the operator sends the
//! proof under that nonce.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{make, write_key};
use crate::cli::context::read_key;
use crate::cli::recorded::RecordedReport;
use crate::cli::report::{Report, facts};
use crate::cli::{CommandError, Context};
use crate::client::{random, write_durably};
use crate::domain::{
    KeyId, LedgerId, Nonce, POSSESSION_TYPE, PartyName, PublicKey, ReplaceKey, Signature, Signer,
    Verifier, signing_bytes,
};
use crate::keys::StrictVerifier;
use crate::wire::encode_possession;

/// Gives a party that lost its key a new one
///
/// The party: `fenrun key replace --request FILE NEW-KEY`, then it hands FILE to the operator,
/// who checks by another way that it is from the party: `fenrun key replace FILE`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The party's request; with --request the new key's file, made if it is not there
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Writes the request of the party to this file instead
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,
}

/// A proof that a party has a new key, for the operator to send.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    ledger: LedgerId,
    party: PartyName,
    new_key: PublicKey,
    nonce: Nonce,
    possession: Signature,
}

impl Request {
    fn signed_bytes(&self) -> Vec<u8> {
        let possession = encode_possession(
            Some(&self.ledger),
            self.party.as_str(),
            &self.new_key,
            &self.nonce,
        );
        signing_bytes(POSSESSION_TYPE, &possession)
    }
}

impl Report for Request {
    fn text(&self) -> String {
        facts(&[
            ("party", self.party.to_string()),
            ("new key", self.new_key.to_string()),
            ("fingerprint", KeyId::of(&self.new_key).to_string()),
        ])
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    match &args.request {
        Some(request) => ask(&args.file, request, context),
        None => replace(&args.file, context).await,
    }
}

fn ask(key: &Path, path: &Path, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    if !key.exists() {
        write_key(key, &make()?)?;
    }
    let key = read_key(key)?;
    let mut request = Request {
        ledger: context.pins()?.ledger,
        party: context.party()?,
        new_key: key.public_key(),
        nonce: Nonce(random()?),
        possession: Signature([0; 64]),
    };
    request.possession = key.sign(&request.signed_bytes());
    let text = serde_json::to_string_pretty(&request).map_err(CommandError::input)?;
    write_durably(path, text.as_bytes(), false)
        .map_err(|error| CommandError::input(format!("{}: {error}", path.display())))?;
    context.show(&request)
}

async fn replace(path: &Path, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| CommandError::input(format!("{shown} cannot be read: {error}")))?;
    let request: Request = serde_json::from_str(&text)
        .map_err(|error| CommandError::input(format!("{shown} is no request: {error}")))?;
    let good = StrictVerifier.verify(
        &request.new_key,
        &request.signed_bytes(),
        &request.possession,
    );
    if !good {
        return Err(CommandError::input(format!(
            "the proof in {shown} does not verify: the file was changed"
        )));
    }
    let session = context.session().await?;
    if request.ledger != session.ledger() {
        let error = format!("{shown} is for ledger {}", request.ledger);
        return Err(CommandError::input(error));
    }
    let action = ReplaceKey {
        party: request.party.clone(),
        new_key: request.new_key,
        possession: request.possession,
    };
    let signed = session.sign_with(request.nonce, action)?;
    let recorded = session.send(&signed).await?;
    let what = format!("{} now signs with {}", request.party, request.new_key);
    context.show(&RecordedReport::new(what, &recorded))
}
