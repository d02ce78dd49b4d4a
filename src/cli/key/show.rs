//! `fenrun key show`: the public side of a key.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::context::read_key;
use crate::cli::report::{Report, facts};
use crate::cli::{CommandError, Context};
use crate::domain::{KeyId, PublicKey, Signer};
use crate::keys::SecretKey;

/// Prints public key and key id of a key file
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The file [default: the key in use]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// The public side of a key.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    file: String,
    public_key: PublicKey,
    key_id: KeyId,
}

impl Shown {
    pub(super) fn new(path: &Path, key: &SecretKey) -> Self {
        Self {
            file: path.display().to_string(),
            public_key: key.public_key(),
            key_id: key.key_id(),
        }
    }
}

impl Report for Shown {
    fn text(&self) -> String {
        facts(&[
            ("file", self.file.clone()),
            ("public key", self.public_key.to_string()),
            ("key id", self.key_id.to_string()),
        ])
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let path = match args.file {
        Some(path) => path,
        None => context.key_path()?,
    };
    let key = read_key(&path)?;
    context.show(&Shown::new(&path, &key))
}
