//! `fenrun log consistency`.

use std::path::PathBuf;

use crate::cli::report::{Report, facts};
use crate::cli::{CommandError, Context, Kind};
use crate::client::{ClientError, ConsistencyProof};
use crate::keys::StrictVerifier;
use crate::merkle::open_checkpoint;

/// Proves that the log was only appended to since a checkpoint that was kept
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The file of the kept checkpoint, signed by a pinned key
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// The size to prove it for [default: the newest checkpoint's]
    #[arg(
        long,
        value_name = "SIZE",
        default_value_t = 0,
        hide_default_value = true
    )]
    size: u64,
}

impl Report for ConsistencyProof {
    fn text(&self) -> String {
        let mut text = facts(&[
            ("before", format!("{} entries", self.old_size)),
            ("now", format!("{} entries", self.new_size)),
            ("proof", format!("{} hashes", self.proof.len())),
        ]);
        for hash in &self.proof {
            text.push_str(&format!("\n        {hash}"));
        }
        format!("{text}\n\n{}", self.checkpoint)
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let path = args.checkpoint.display();
    let note = std::fs::read(&args.checkpoint)
        .map_err(|error| CommandError::input(format!("{path} cannot be read: {error}")))?;
    let keys = context.pins()?.log_keys;
    let kept = open_checkpoint(&note, &keys, &StrictVerifier)
        .map_err(|error| CommandError::new(Kind::Finding, error))?;
    let connection = context.connect_freely().await?;
    let proved = connection.prove_consistency(kept.size, &kept.root, args.size);
    let proved = proved.await.map_err(|error| match error {
        ClientError::Form { .. } => CommandError::new(Kind::Finding, error)
            .hint("The log is not the one that the kept checkpoint is of. Keep both checkpoints."),
        error => error.into(),
    })?;
    context.show(&proved)
}
