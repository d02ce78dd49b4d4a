//! `fenrun contribution upload`.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::contribute::upload_attachment;
use crate::cli::report::Report;
use crate::cli::{CommandError, Context};
use crate::domain::ContentHash;

/// Uploads the bytes of a contribution that was recorded as a bare commitment
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Serialize)]
struct Uploaded {
    content_hash: ContentHash,
}

impl Report for Uploaded {
    fn text(&self) -> String {
        format!("the bytes with hash {} are stored", self.content_hash)
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let session = context.session().await?;
    let terminal = context.streams.terminal;
    let content_hash = upload_attachment(&args.file, &session, terminal).await?;
    context.show(&Uploaded { content_hash })
}
