//! `fenrun log prove`.

use super::reference;
use crate::cli::report::{Report, facts};
use crate::cli::{CommandError, Context, Kind};
use crate::client::InclusionProof;

/// Proves that an entry is in the log, and verifies the proof under the pinned key
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The index, from 0, with # before one of 8 digits or more; or at least 8
    /// hex digits of the command's id
    #[arg(value_name = "ENTRY")]
    entry: String,
    /// The size of the tree to prove it in [default: the newest checkpoint's]
    #[arg(
        long,
        value_name = "SIZE",
        default_value_t = 0,
        hide_default_value = true
    )]
    size: u64,
}

impl Report for InclusionProof {
    fn text(&self) -> String {
        let mut text = facts(&[
            ("entry", self.index.to_string()),
            ("in a log of", format!("{} entries", self.tree_size)),
            ("leaf hash", self.leaf_hash.to_string()),
        ]);
        for hash in &self.proof {
            text.push_str(&format!("\n           {hash}"));
        }
        format!("{text}\n\n{}", self.checkpoint)
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let connection = context.connect_freely().await?;
    let proof = connection
        .prove_inclusion(&reference(&args.entry), args.size)
        .await?;
    context.show(&proof)?;
    if proof.checkpoint.is_empty() {
        let error = format!(
            "no batch ended at size {}, so no checkpoint signs it",
            args.size
        );
        return Err(CommandError::new(Kind::Input, error)
            .hint("Leave --size out to prove it under the newest checkpoint."));
    }
    Ok(())
}
