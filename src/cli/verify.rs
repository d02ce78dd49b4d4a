//! `fenrun verify`: whether a file has the bytes that were recorded.

use std::path::PathBuf;

use serde::Serialize;

use super::report::Report;
use super::{CommandError, Context, Kind};
use crate::domain::{ContentHash, ContributionName};

/// Checks that a file has the bytes of a contribution
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The file
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// A name such as school/digits@2, an id, or at least 8 digits of one
    #[arg(long, value_name = "NAME")]
    contribution: String,
}

#[derive(Debug, Serialize)]
struct Verified {
    path: String,
    contribution: ContributionName,
    content_hash: ContentHash,
    recorded_index: u64,
}

impl Report for Verified {
    fn text(&self) -> String {
        let (path, name, index) = (&self.path, &self.contribution, self.recorded_index);
        format!(
            "{path} is {name}, as entry {index} records it: {}",
            self.content_hash
        )
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let hashed = super::hash::of_file(&args.path)?;
    let recorded = context
        .connect()
        .await?
        .contribution(&args.contribution)
        .await?;
    let path = args.path.display().to_string();
    if hashed.hash != recorded.content_hash || hashed.size != recorded.content_bytes {
        let error = format!(
            "{path} has hash {} and {} bytes; {} was recorded with hash {} and {} bytes",
            hashed.hash, hashed.size, recorded.name, recorded.content_hash, recorded.content_bytes
        );
        return Err(CommandError::new(Kind::Finding, error)
            .hint("The file was changed, or is another version."));
    }
    context.show(&Verified {
        path,
        contribution: recorded.name,
        content_hash: hashed.hash,
        recorded_index: recorded.recorded_index,
    })
}
