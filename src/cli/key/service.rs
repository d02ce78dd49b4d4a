//! `fenrun key service`: makes the key with which the service itself signs, and its application.
//!
//! The service is a party like any other: it applies, and the operator admits it. Its key lies on
//! the server, beside the log's, because the server signs with it when nobody is there.

use std::path::PathBuf;

use super::{make, write_key};
use crate::cli::context::read_key;
use crate::cli::data_folder::open_error;
use crate::cli::party::{ApplicationFile, sign};
use crate::cli::service_keys::service_key_path;
use crate::cli::{CommandError, Context};
use crate::client::write_durably;
use crate::domain::{Application, ContentHash, PartyName, Role, Signer};
use crate::engine::{founding_of, founding_terms};
use crate::store::log::RealDisk;

/// Makes the key of the service's own party in the data folder, and its application
///
/// Valuations that the service computes are signed with it. Admit the application like any other:
/// `fenrun party admit FILE`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The name of the service's party
    #[arg(long, value_name = "NAME", default_value = "service")]
    name: PartyName,
    /// Where the application goes [default: NAME.application.json]
    #[arg(long, short = 'o', value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let dir = context.settings.dir.value.clone();
    let disk = RealDisk::read_only(&dir);
    let (ledger, _) = founding_of(&disk).map_err(open_error)?;
    let terms_hash: ContentHash = founding_terms(&disk).map_err(open_error)?;
    let path = service_key_path(&dir);
    if !path.exists() {
        write_key(&path, &make()?)?;
    }
    let key = read_key(&path)?;
    let application = Application {
        ledger,
        name: args.name.clone(),
        roles: vec![Role::Service],
        public_key: key.public_key(),
        terms_hash,
    };
    let file: ApplicationFile = sign(&application, &key);
    let signed = file.verified()?;
    let out = args
        .out
        .unwrap_or_else(|| PathBuf::from(format!("{}.application.json", args.name)));
    let text = serde_json::to_string_pretty(&file).map_err(CommandError::input)?;
    write_durably(&out, text.as_bytes(), false)
        .map_err(|error| CommandError::input(format!("{}: {error}", out.display())))?;
    context.show(&signed)?;
    context.note(&format!("Admit it: fenrun party admit {}", out.display()))
}
