//! `fenrun valuation commit`.

use std::path::{Path, PathBuf};

use crate::cli::choices::pool_name;
use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::client::{random, write_durably};
use crate::domain::{CommitReveal, ContentHash, Reveal};

/// Commits to 32 random bytes from which a seed will be made; by evaluator, payer or auditor
///
/// The bytes are kept in the configuration folder, secret until `valuation reveal` uploads them:
/// do that once the operator's request is in the log, and not before.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The pool
    #[arg(value_name = "POOL")]
    pool: String,
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let pool = pool_name(&args.pool)?;
    let reveal = Reveal(random()?);
    let commitment = reveal.commitment();
    let session = context.session().await?;
    let path = reveal_path(&context.settings.folder.value, &commitment);
    // On disk before anybody is told of it: without the bytes the commitment is worth nothing.
    write_durably(&path, &reveal.0, true)
        .map_err(|error| CommandError::input(format!("{}: {error}", path.display())))?;
    let what = format!("the commitment {commitment} for pools/{pool} is made");
    let recorded = session.submit(CommitReveal { pool, commitment }).await?;
    let report = RecordedReport::new(what, &recorded).about("commitment", commitment);
    context.show(&report)
}

/// Returns where the bytes of a commitment are kept.
pub(super) fn reveal_path(folder: &Path, commitment: &ContentHash) -> PathBuf {
    folder.join("reveals").join(commitment.to_string())
}
