//! Whether a log is an extension of what an earlier audit has seen, and the evidence if it is not.

use super::source::{LogSource, Newest};
use super::state_file::StateFile;
use crate::audit::{Finding, FindingKind, Memory, Place};
use crate::cli::CommandError;
use crate::merkle::{Checkpoint, ForkEvidence, MemoryTree, consistency_proof, root_at};

/// What a log is to the checkpoint that is remembered.
pub(super) enum Relation {
    /// It goes on from there.
    Extended,
    /// It does not; what it is, and both checkpoints.
    Contradicted {
        /// What kind of contradiction.
        kind: FindingKind,
        /// In words.
        message: String,
        /// Both signed checkpoints, with what is proved between them.
        evidence: ForkEvidence,
    },
}

/// Compares the newest checkpoint of a log with the one that is remembered.
///
/// # Errors
/// The source is not reached.
pub(super) async fn relate(
    source: &LogSource,
    memory: &Memory,
    seen: &Checkpoint,
    newest: &Newest,
) -> Result<Relation, CommandError> {
    let shown = &newest.checkpoint;
    if shown.size < seen.size {
        return Ok(shrunk(memory, seen, newest));
    }
    let evidence = ForkEvidence::new(memory.checkpoint.clone(), newest.note.clone());
    if shown.size == seen.size {
        if shown.root == seen.root {
            return Ok(Relation::Extended);
        }
        let message = format!("it has signed two roots at {} entries", seen.size);
        return Ok(forked(message, evidence));
    }
    let (old, new) = (seen.size, shown.size);
    match source.prove(old, shown).await? {
        Some((root, _)) if root == seen.root => Ok(Relation::Extended),
        Some((root, proof)) => {
            let message = format!(
                "its tree of {new} entries does not begin with the one of {old} that it had signed"
            );
            Ok(forked(message, evidence.proved(root, proof)))
        }
        None => {
            let message = format!(
                "it proves in no way that its {new} entries begin with the {old} that it had signed"
            );
            Ok(forked(message, evidence))
        }
    }
}

/// Judges a log that has fewer entries than it had.
fn shrunk(memory: &Memory, seen: &Checkpoint, newest: &Newest) -> Relation {
    let shown = &newest.checkpoint;
    let evidence = ForkEvidence::new(newest.note.clone(), memory.checkpoint.clone());
    let tree: MemoryTree = memory.leaves.iter().copied().collect();
    let (old, new) = (shown.size, seen.size);
    let rolled_back = format!("it shows {old} entries, and had signed {new}");
    let root = root_at(old, &tree).ok();
    let proof = consistency_proof(old, new, &tree).ok();
    match root.zip(proof) {
        Some((root, proof)) if root == shown.root => Relation::Contradicted {
            kind: FindingKind::LogRolledBack,
            message: format!("{rolled_back}, of which these are the first"),
            evidence: evidence.proved(root, proof),
        },
        Some((root, proof)) => forked(
            format!("{rolled_back}, of which these are not the first"),
            evidence.proved(root, proof),
        ),
        None => Relation::Contradicted {
            kind: FindingKind::LogRolledBack,
            message: rolled_back,
            evidence,
        },
    }
}

fn forked(message: String, evidence: ForkEvidence) -> Relation {
    Relation::Contradicted {
        kind: FindingKind::LogForked,
        message,
        evidence,
    }
}

/// Writes the evidence down and returns the finding that names it.
///
/// # Errors
/// The evidence cannot be written.
pub(super) fn find(
    kind: FindingKind,
    message: &str,
    (seen, shown): (&Checkpoint, &Checkpoint),
    evidence: &ForkEvidence,
    state: &StateFile,
) -> Result<Finding, CommandError> {
    let path = state.write_evidence(evidence)?;
    let message = format!(
        "{message}; both signed checkpoints are in {}, which `fenrun verify --fork` checks",
        path.display()
    );
    let told = |one: &Checkpoint| format!("{} entries, root {}", one.size, one.root);
    let finding = Finding::new(kind, Place::Checkpoint(shown.size), message);
    Ok(finding.differs(told(seen), told(shown)))
}
