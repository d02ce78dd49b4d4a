//! `fenrun party apply`: writes a signed application for the operator.

use std::path::PathBuf;

use super::application::ApplicationFile;
use crate::cli::choices::Choice;
use crate::cli::key::{make, write_key};
use crate::cli::{CommandError, Context};
use crate::client::write_durably;
use crate::config::ConfigFile;
use crate::domain::{
    APPLICATION_TYPE, Application, ContentHash, PartyName, Role, Signer, signing_bytes,
};
use crate::keys::SecretKey;
use crate::wire::encode_application;

/// Writes an application to a file, for the operator to admit
///
/// Makes the key if there is none, and keeps name and key in the profile. Tell the operator the
/// fingerprint by another way than the file.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The name that you want; unique and immutable
    #[arg(value_name = "NAME")]
    name: PartyName,
    /// What you want to do; may be repeated
    #[arg(long, value_enum, value_name = "ROLE", required = true)]
    role: Vec<Choice<Role>>,
    /// The file with the terms that you accept, as the operator published them
    #[arg(long, value_name = "FILE", conflicts_with = "terms_hash")]
    terms: Option<PathBuf>,
    /// BLAKE3 of the terms instead of their file
    #[arg(long, value_name = "HASH", required_unless_present = "terms")]
    terms_hash: Option<ContentHash>,
    /// Where the application goes [default: NAME.application.json]
    #[arg(long, short = 'o', value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let terms_hash = match (&args.terms, args.terms_hash) {
        (_, Some(hash)) => hash,
        (Some(path), None) => crate::cli::hash::of_file(path)?.hash,
        (None, None) => return Err(CommandError::input("--terms or --terms-hash is needed")),
    };
    let key_path = match &context.settings.key {
        Some(key) => key.value.clone(),
        None => context.settings.key_file(args.name.as_str()),
    };
    if !key_path.exists() {
        write_key(&key_path, &make()?)?;
    }
    let key = crate::cli::context::read_key(&key_path)?;
    let mut roles: Vec<Role> = args.role.iter().map(|role| role.0).collect();
    roles.sort_unstable();
    roles.dedup();
    let application = Application {
        ledger: context.pins()?.ledger,
        name: args.name.clone(),
        roles,
        public_key: key.public_key(),
        terms_hash,
    };
    let file = sign(&application, &key);
    let signed = file.verified()?;
    let path = args
        .out
        .unwrap_or_else(|| PathBuf::from(format!("{}.application.json", args.name)));
    let text = serde_json::to_string_pretty(&file).map_err(CommandError::input)?;
    write_durably(&path, text.as_bytes(), false)
        .map_err(|error| CommandError::input(format!("{}: {error}", path.display())))?;
    let profile = context.settings.profile.value.clone();
    ConfigFile::change(&context.settings.folder.value, |config| {
        let profile = config.profiles.entry(profile).or_default();
        profile.party = Some(args.name.to_string());
        profile.key = Some(crate::cli::connect::absolute(&key_path));
    })?;
    context.show(&signed)?;
    context.note(&format!(
        "Give {} to the operator, and the fingerprint by another way.",
        path.display()
    ))
}

/// Signs an application.
pub(in crate::cli) fn sign(application: &Application, key: &SecretKey) -> ApplicationFile {
    let bytes = encode_application(application);
    ApplicationFile {
        signature: key.sign(&signing_bytes(APPLICATION_TYPE, &bytes)),
        application: hex::encode(bytes),
    }
}
