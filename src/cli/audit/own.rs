//! The audit of a party that sees its own things only.

use std::collections::BTreeSet;

use super::fork::{Relation, find, relate};
use super::pins_of;
use super::source::LogSource;
use super::state_file::StateFile;
use crate::audit::{Memory, OwnAuditor, Report, ShownEntry, ShownLine, ShownSettlement};
use crate::cli::CommandError;
use crate::client::{ClientError, Connection, ContributionFilter, EntryReference};
use crate::domain::{KeptReceipt, PartyName, Reason};
use crate::merkle::Checkpoint;

/// The most things of one kind that are audited; a party with more is told so.
const THINGS_MAX: usize = 100_000;

/// Audits what a party may see: its entries under the newest checkpoint, its lines, and that the
/// log goes on from the checkpoint that is remembered.
///
/// # Errors
/// The service is not reached or answers no; what is wrong with its answers is in the report.
pub(super) async fn audit_remembering(
    connection: &Connection,
    party: &PartyName,
    kept: &[KeptReceipt],
    state: &StateFile,
    remembered: Option<(Memory, Checkpoint)>,
) -> Result<Report, CommandError> {
    let indices = own_indices(connection, party, kept).await?;
    let source = LogSource::Service(Box::new(connection.clone()));
    let pins = pins_of(connection);
    let newest = source.newest(&pins.log_keys).await?;
    let checkpoint = &newest.checkpoint;
    let mut auditor = OwnAuditor::new(&pins, party.clone(), kept, &newest.note);
    let mut contradicted = false;
    if remembered.is_none() {
        let what = "that the log only grew since an earlier audit";
        auditor.leave_out(what, "none is remembered");
    }
    if let Some((memory, seen)) = &remembered
        && let Relation::Contradicted {
            kind,
            message,
            evidence,
        } = relate(&source, memory, seen, &newest).await?
    {
        contradicted = true;
        auditor.find(find(kind, &message, (seen, checkpoint), &evidence, state)?);
    }
    for index in indices.range(..checkpoint.size) {
        let reference = EntryReference::Index(*index);
        let entry = match connection.entry(&reference).await {
            Ok(entry) => entry,
            Err(error) if is_not_found(&error) => {
                auditor.leave_out(format!("entry {index}"), "it is not shown to this party");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let proof = connection
            .prove_inclusion(&reference, checkpoint.size)
            .await?;
        auditor.entry(&ShownEntry {
            index: *index,
            leaf: entry.leaf,
            inclusion_proof: proof.proof,
        });
    }
    audit_settlements(connection, party, &mut auditor).await?;
    if !contradicted {
        state.write(&Memory::of_checkpoint(pins.ledger, newest.note))?;
    }
    Ok(auditor.finish())
}

/// Returns the entries that are about a party, as far as it can know of them.
async fn own_indices(
    connection: &Connection,
    party: &PartyName,
    kept: &[KeptReceipt],
) -> Result<BTreeSet<u64>, ClientError> {
    let admitted = connection.party(party).await?;
    let mut indices: BTreeSet<u64> = [0, admitted.admitted_index].into();
    for key in &admitted.keys {
        indices.insert(key.since_index);
        indices.extend(key.ended_index);
    }
    let filter = ContributionFilter {
        party: Some(party.clone()),
        ..ContributionFilter::default()
    };
    for contribution in connection.contributions(&filter, THINGS_MAX).await?.items {
        indices.insert(contribution.recorded_index);
        indices.extend(contribution.withdrawn_index);
    }
    for claim in connection
        .cost_claims(Some(party), false, THINGS_MAX)
        .await?
        .items
    {
        indices.insert(claim.claimed_index);
    }
    indices.extend(kept.iter().map(|kept| kept.receipt.index));
    Ok(indices)
}

async fn audit_settlements(
    connection: &Connection,
    party: &PartyName,
    auditor: &mut OwnAuditor,
) -> Result<(), ClientError> {
    for settlement in connection.settlements(None, THINGS_MAX).await?.items {
        let of = (&settlement.pool, &settlement.period);
        let shown = connection
            .settlement_lines(of, "", party.as_str(), THINGS_MAX)
            .await?;
        let lines: Vec<ShownLine> = shown
            .lines
            .items
            .into_iter()
            .map(|line| ShownLine {
                number: line.number,
                json: line.line_json,
                inclusion_proof: line.inclusion_proof,
            })
            .collect();
        let settlement = ShownSettlement {
            output_root: settlement.output_root,
            lines: settlement.lines,
            pool: settlement.pool,
            period: settlement.period,
            settled_index: settlement.settled_index,
        };
        auditor.settlement(&settlement, &lines);
    }
    Ok(())
}

fn is_not_found(error: &ClientError) -> bool {
    error.refusal().and_then(|refusal| refusal.reason) == Some(Reason::NotFound)
}
