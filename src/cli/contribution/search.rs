//! `fenrun contribution search`: which contributions have these bytes.

use std::path::PathBuf;

use crate::cli::choices::LIMIT_DEFAULT;
use crate::cli::{CommandError, Context};
use crate::client::ContributionFilter;
use crate::domain::ContentHash;

/// Finds the contributions that have a content: a file, or its hash
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A file to hash, or 64 hex digits
    #[arg(value_name = "FILE|HASH")]
    content: String,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT)]
    limit: usize,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let hash = match args.content.parse::<ContentHash>() {
        Ok(hash) => hash,
        Err(_) => crate::cli::hash::of_file(&PathBuf::from(&args.content))?.hash,
    };
    let filter = ContributionFilter {
        content_hash: Some(hash),
        ..ContributionFilter::default()
    };
    let listed = context
        .connect()
        .await?
        .contributions(&filter, args.limit)
        .await?;
    context.show(&listed)
}
