//! The audit of the whole log: entries stream in while those before are replayed.

use indicatif::ProgressBar;

use super::fork::{Relation, find, relate};
use super::pins_of;
use super::source::{Accounts, LogSource, Newest, Read};
use super::sources::BlobSources;
use super::state_file::StateFile;
use crate::audit::{Auditor, Ended, Memory, Pins, Report};
use crate::cli::{CommandError, Kind};
use crate::client::{Connection, LogPart};
use crate::domain::KeptReceipt;
use crate::merkle::Checkpoint;

/// An audit of a whole log.
pub(super) struct Whole<'a> {
    /// Where the log is read from.
    pub source: LogSource,
    /// Where the bytes are that its entries name.
    pub blobs: BlobSources,
    /// What is trusted.
    pub pins: Pins,
    /// Receipts that the log must agree with.
    pub kept: &'a [KeptReceipt],
    /// Where what is remembered lies.
    pub state: &'a StateFile,
    /// Whether all is replayed, however far earlier audits went.
    pub replay_all: bool,
    /// Whether a person watches standard error.
    pub terminal: bool,
}

/// An audit that has taken in all there is, and the accounts of then.
pub(super) struct Begun {
    pub auditor: Auditor<BlobSources>,
    pub accounts: Accounts,
    /// The checkpoint up to which entries were taken in.
    pub newest: Newest,
    /// Whether the log contradicts what is remembered.
    pub contradicted: bool,
}

impl Begun {
    /// Ends the audit.
    pub fn end(self) -> Ended {
        let accounts = self.accounts.as_deref().map_err(Clone::clone);
        tokio::task::block_in_place(|| self.auditor.end(accounts))
    }
}

/// Audits the whole log of a service up to its newest checkpoint, as an operator or auditor, and
/// remembers nothing.
///
/// Runs on the current thread of a runtime with threads of its own; `terminal` says whether a
/// person watches standard error.
///
/// # Errors
/// The service is not reached or answers no; what is wrong with its answers is in the report.
pub(in crate::cli) async fn audit_whole(
    connection: &Connection,
    kept: &[KeptReceipt],
    terminal: bool,
) -> Result<Report, CommandError> {
    let whole = Whole {
        source: LogSource::Service(Box::new(connection.clone())),
        blobs: BlobSources::service(connection),
        pins: pins_of(connection),
        kept,
        state: &StateFile::none(),
        replay_all: true,
        terminal,
    };
    Ok(whole.begin(None).await?.end().report)
}

impl Whole<'_> {
    /// Takes in all entries up to the newest checkpoint, from what is remembered on.
    ///
    /// # Errors
    /// The log is not reached or answers no; what is wrong with its answers is in the report.
    pub async fn begin(
        &self,
        remembered: Option<(Memory, Checkpoint)>,
    ) -> Result<Begun, CommandError> {
        let (accounts, newest) = self.source.accounts(&self.pins.log_keys).await?;
        let mut found = None;
        let mut memory = None;
        if let Some((mut known, seen)) = remembered {
            found = self.contradiction(&known, &seen, &newest).await?;
            if self.replay_all {
                known.forget_replay();
            }
            // Another history than the one remembered is audited from its own beginning.
            memory = found.is_none().then_some(known);
        }
        let (pins, blobs, kept) = (self.pins.clone(), self.blobs.clone(), self.kept);
        let promised = newest.trusted.then_some(newest.note.as_str());
        let mut auditor = match memory {
            Some(memory) => Auditor::resume(pins, blobs, kept, promised, memory),
            None => Auditor::new(pins, blobs, kept, promised),
        };
        let contradicted = found.is_some();
        found.into_iter().for_each(|finding| auditor.find(finding));
        if let LogSource::Tiles(_) = &self.source {
            auditor = auditor.with_sparse_checkpoints();
        }
        self.take_in(&mut auditor, &newest).await?;
        Ok(Begun {
            auditor,
            accounts,
            newest,
            contradicted,
        })
    }

    /// Returns the finding where the newest checkpoint is not one of the log that is remembered.
    async fn contradiction(
        &self,
        memory: &Memory,
        seen: &Checkpoint,
        newest: &Newest,
    ) -> Result<Option<crate::audit::Finding>, CommandError> {
        // What no known key has signed is no word of the log; the replay says who has signed it.
        if !newest.trusted {
            return Ok(None);
        }
        match relate(&self.source, memory, seen, newest).await? {
            Relation::Extended => Ok(None),
            Relation::Contradicted {
                kind,
                message,
                evidence,
            } => {
                let both = (seen, &newest.checkpoint);
                find(kind, &message, both, &evidence, self.state).map(Some)
            }
        }
    }

    /// Takes in the entries up to a checkpoint, and compares the tiles with them where there are.
    pub async fn take_in(
        &self,
        auditor: &mut Auditor<BlobSources>,
        newest: &Newest,
    ) -> Result<(), CommandError> {
        let before = auditor.taken();
        let bar = progress(newest.checkpoint.size, self.terminal);
        let (mut parts, reading) = self.source.read(before, newest);
        while let Some(read) = parts.recv().await {
            match read {
                Read::Part(part) => {
                    let LogPart {
                        first_index,
                        leaves,
                        checkpoints,
                        ..
                    } = part;
                    tokio::task::block_in_place(|| {
                        auditor.push(first_index, leaves, &checkpoints);
                    });
                }
                Read::Wrong(finding) => auditor.find(finding),
            }
            bar.set_position(auditor.taken());
        }
        let read = reading.await;
        read.map_err(|error| CommandError::new(Kind::Fault, error))??;
        bar.finish_and_clear();
        tokio::task::block_in_place(|| {
            auditor.catch_up();
            let leaves = auditor.leaves().to_vec();
            self.source
                .check_tiles(&leaves, before, auditor.report_mut());
        });
        Ok(())
    }
}

fn progress(size: u64, terminal: bool) -> ProgressBar {
    let template = "auditing {wide_bar} {pos}/{len} entries, {per_sec}, {eta}";
    crate::cli::progress::bar(size, template, terminal)
}
