//! `fenrun log prove`.

use std::path::{Path, PathBuf};

use super::reference;
use crate::cli::report::{Report, facts};
use crate::cli::{CommandError, Context, Kind};
use crate::client::{Connection, EntryReference, InclusionProof, write_durably};
use crate::merkle::{LogProof, leaf_hash};

/// Proves that an entry is in the log, and verifies the proof under the pinned key
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The index, from 0, with # before one of 8 digits or more; or at least 8
    /// hex digits of the command's id
    #[arg(value_name = "ENTRY", required_unless_present = "content")]
    entry: Option<String>,
    /// The entry of the newest contribution with this content hash instead, 64 hex digits
    #[arg(long, value_name = "HASH", conflicts_with = "entry")]
    content: Option<String>,
    /// Writes entry and proof to this file, which `fenrun verify --proof` checks offline
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// The size of the tree to prove it in [default: the newest published checkpoint's that has
    /// the entry]
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
    let entry = match (args.content, args.entry) {
        (Some(hash), _) => EntryReference::Content(hash),
        (None, Some(entry)) => reference(&entry),
        (None, None) => return Err(CommandError::input("an entry or --content is needed")),
    };
    let proof = prove(&connection, &entry, args.size).await?;
    context.show(&proof)?;
    if proof.checkpoint.is_empty() {
        let error = format!(
            "no batch ended at size {}, so no checkpoint signs it",
            args.size
        );
        return Err(CommandError::new(Kind::Input, error)
            .hint("Leave --size out to prove it under the newest checkpoint."));
    }
    if let Some(path) = args.proof {
        let shown = connection
            .entry(&EntryReference::Index(proof.index))
            .await?;
        if leaf_hash(&shown.leaf) != proof.leaf_hash {
            let error = format!(
                "entry {} is shown with other bytes than proved",
                proof.index
            );
            return Err(CommandError::new(Kind::Finding, error));
        }
        if let Some(file) = proof.file(shown.leaf) {
            write_proof(&path, &file)?;
        }
    }
    Ok(())
}

/// Proves an entry under a checkpoint that everybody can have, where one has it.
async fn prove(
    connection: &Connection,
    entry: &EntryReference,
    size: u64,
) -> Result<InclusionProof, CommandError> {
    let newest = connection.prove_inclusion(entry, size).await?;
    let (published, note) = connection.published_checkpoint(0).await?;
    if size > 0 || published.size <= newest.index {
        return Ok(newest);
    }
    let mut proof = connection.prove_inclusion(entry, published.size).await?;
    // It is the same checkpoint, with the cosignatures that it has.
    proof.checkpoint = note;
    Ok(proof)
}

/// Writes a proof file.
pub(in crate::cli) fn write_proof(path: &Path, proof: &LogProof) -> Result<(), CommandError> {
    write_durably(path, proof.to_string().as_bytes(), false).map_err(|error| {
        CommandError::input(format!("{} cannot be written: {error}", path.display()))
    })
}
