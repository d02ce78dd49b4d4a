//! `fenrun key new`: makes a key, in a file that only its owner may read.

use std::path::{Path, PathBuf};

use super::show::Shown;
use crate::cli::{CommandError, Context};
use crate::client::{random, write_durably};
use crate::keys::SecretKey;

/// Makes a key in a file that only its owner may read; prints the public key
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The file to make [default: as set by --key, or NAME.pem of --party in the configuration]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let path = match args.file {
        Some(path) => path,
        None => context.key_path()?,
    };
    let key = make()?;
    write_key(&path, &key)?;
    context.show(&Shown::new(&path, &key))
}

/// Makes a key from random bytes of the system.
pub(in crate::cli) fn make() -> Result<SecretKey, CommandError> {
    let seed = zeroize::Zeroizing::new(random::<32>()?);
    Ok(SecretKey::from_seed(&seed))
}

/// Writes a key to a new file; never over one that is there.
pub(in crate::cli) fn write_key(path: &Path, key: &SecretKey) -> Result<(), CommandError> {
    let shown = path.display();
    if path.exists() {
        return Err(CommandError::input(format!(
            "{shown} is there already; a key is not overwritten"
        ))
        .hint("Name another file, or move that one away."));
    }
    let pem = key.to_pem().map_err(CommandError::input)?;
    write_durably(path, pem.as_bytes(), true)
        .map_err(|error| CommandError::input(format!("the key {shown} cannot be written: {error}")))
}
