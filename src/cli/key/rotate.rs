//! `fenrun key rotate`: replaces the party's own key by a new one.

use std::path::PathBuf;

use super::{make, write_key};
use crate::cli::connect::absolute;
use crate::cli::context::read_key;
use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::client::random;
use crate::config::ConfigFile;
use crate::domain::{Nonce, RotateKey, Signer};
use crate::wire::prove_possession;

/// Replaces the party's key by a new one, which the profile then uses
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The new key's file; made if it is not there
    #[arg(value_name = "FILE")]
    new_key: PathBuf,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let session = context.session().await?;
    // On disk before the command is sent: a killed client must not lose the only key.
    if !args.new_key.exists() {
        write_key(&args.new_key, &make()?)?;
    }
    let new_key = read_key(&args.new_key)?;
    let nonce = Nonce(random()?);
    let party = context.party()?;
    let public_key = new_key.public_key();
    let ledger = session.ledger();
    let action = RotateKey {
        new_key: public_key,
        possession: prove_possession(&new_key, Some(&ledger), party.as_str(), &nonce),
    };
    let signed = session.sign_with(nonce, action)?;
    let recorded = session.send(&signed).await?;
    let name = context.settings.profile.value.clone();
    ConfigFile::change(&context.settings.folder.value, |file| {
        let profile = file.profiles.entry(name).or_default();
        profile.key = Some(absolute(&args.new_key));
    })?;
    let what = format!("{party} now signs with {}", args.new_key.display());
    context.show(&RecordedReport::new(what, &recorded))
}
