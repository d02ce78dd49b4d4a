//! Replay and recomputation of a log that somebody else keeps, and the findings of it.
//!
//! An [`Auditor`] is handed the whole log as somebody shows it, leaf by leaf, with the checkpoints
//! of its batches. It trusts the pinned keys of the log and the ledger's id, and nothing else: it
//! checks every signature and root, decides every command again, works out every valuation and
//! settlement again, and compares every account with what the server says. A party that may not
//! see all of that hands what it sees to an [`OwnAuditor`].
//!
//! All of it is pure: bytes that a command names come through [`Sources`], and what cannot be had
//! is said in the report and not passed over.

mod accounts;
mod auditor;
mod differences;
mod finding;
mod memory;
mod named_blobs;
mod own;
mod progress;
mod receipts;
mod replay;
mod report;
mod signed;
mod sources;
#[cfg(test)]
mod tests;
mod tiles;
mod valuations;
mod verified;

pub use accounts::AccountBalance;
pub use auditor::{Auditor, Ended, Pins};
pub use finding::{FINDINGS_MAX, Finding, FindingKind, NotChecked, Place};
pub use memory::{Memory, MemoryError};
pub use named_blobs::{BlobUse, NamedBlob, distinct, sample, sample_seed};
pub use own::{OwnAuditor, ShownEntry, ShownLine, ShownSettlement};
pub use report::{BlobsChecked, Checked, ChosenBlob, Report, Verdict};
pub use sources::{Absent, Sources};
pub use tiles::{ReadTile, audit_tree, check_tiles};
