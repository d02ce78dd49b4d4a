//! Deciding the log's entries again, through the code that decided them the first time: how the
//! index catches up and is rebuilt.
//!
//! Signatures are not verified again. They were before the entries were recorded, and the roots
//! that the start has verified are signed by the log's key: whoever holds that key could as well
//! write a log of its own. `fenrun audit` verifies every signature, and kept receipts expose it.

use std::time::Duration;

use bytes::Bytes;

use super::attachments::{AttachmentStore, Handed, HandedFault, Produced};
use crate::domain::{CommandId, Entry, EntryError, Reason, Rejection};
use crate::keys::StrictVerifier;
use crate::ledger::{Changes, Layered, Submission, Verdict, View, ViewFault, decide};
use crate::merkle::{ProveError, root_at};
use crate::store::index::{Index, IndexError};
use crate::store::log::{LogFault, LogReader, ReaderNodes};
use crate::wire::decode_command;

/// How many bytes of entries are decided before they are published together.
const REPLAY_BYTES: usize = 1024 * 1024;
/// How long one look at whether the index has room lasts; there may be several.
pub(super) const ROOM_WAIT: Duration = Duration::from_secs(1);

/// Why entries of the log cannot be decided again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayFault {
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] LogFault),
    /// The tree cannot be read.
    #[error("the tree of the log cannot be read")]
    Tree(#[from] ProveError<LogFault>),
    /// The rows cannot be read.
    #[error("the rows cannot be read")]
    View(#[from] ViewFault),
    /// The index does not take the rows.
    #[error("the index does not take the rows")]
    Index(#[from] IndexError),
    /// An attachment or a root cannot be read.
    #[error("entry {index} cannot be decided again")]
    Attachment {
        /// The index of the entry.
        index: u64,
        /// What the storage said.
        #[source]
        source: HandedFault,
    },
    /// The bytes are not an entry.
    #[error("entry {index} is not one")]
    Entry {
        /// The index of the entry.
        index: u64,
        /// What is wrong.
        #[source]
        source: EntryError,
    },
    /// The rules refuse what the log has accepted.
    #[error("entry {index}, which the log has accepted, is refused by the rules of this program")]
    Refused {
        /// The index of the entry.
        index: u64,
        /// Why.
        #[source]
        source: Rejection,
    },
    /// The log has a command twice.
    #[error("entry {index} is the command of entry {first} once more")]
    Twice {
        /// The index of the entry.
        index: u64,
        /// The index where the command stood first.
        first: u64,
    },
    /// An entry asks for rules that this program does not have.
    #[error("entry {index} is too new for this program; install a newer one")]
    TooNew {
        /// The index of the entry.
        index: u64,
    },
}

/// Decides the entries that the index does not have yet, and publishes what they change.
pub(super) fn catch_up(
    log: &dyn LogReader,
    index: &Index,
    attachments: &dyn AttachmentStore,
) -> Result<(), ReplayFault> {
    let size = log.size();
    let mut next = index.view().size();
    while next < size {
        let view = index.view();
        let mut replay = Replay {
            durable: &view,
            log,
            attachments,
            changes: Changes::new(),
            produced: Vec::new(),
        };
        for leaf in log.leaves(next, size, REPLAY_BYTES)? {
            replay.decide(next, &leaf)?;
            next = next.saturating_add(1);
        }
        let changes = replay.changes;
        while !index.wait_for_room(ROOM_WAIT)? {}
        index.publish(&changes, next, root_at(next, &ReaderNodes(log))?)?;
    }
    Ok(())
}

struct Replay<'a> {
    durable: &'a dyn View,
    log: &'a dyn LogReader,
    attachments: &'a dyn AttachmentStore,
    changes: Changes,
    produced: Produced,
}

impl Replay<'_> {
    fn decide(&mut self, index: u64, leaf: &Bytes) -> Result<(), ReplayFault> {
        let entry =
            Entry::from_leaf(leaf).map_err(|source| ReplayFault::Entry { index, source })?;
        let command = decode_command(&entry.command).map_err(|source| refused(index, source))?;
        let submission = Submission {
            index,
            recorded_at: entry.recorded_at,
            public_key: entry.public_key,
            signature_valid: true,
            id: CommandId::of(&entry.command),
            command: &command,
        };
        let view = Layered {
            base: self.durable,
            changes: &self.changes,
        };
        let pending = [&self.produced];
        let handed = Handed::new(self.attachments, Some(self.log), &pending);
        let verdict = decide(&view, submission, &StrictVerifier, &handed)?;
        if let Some(source) = handed.into_fault() {
            return Err(ReplayFault::Attachment { index, source });
        }
        match verdict {
            Verdict::Accepted(outcome) => {
                self.changes.merge(outcome.changes);
                self.produced.extend(outcome.produced);
                Ok(())
            }
            Verdict::Repeated { index: first } => Err(ReplayFault::Twice { index, first }),
            Verdict::Rejected(rejection) => Err(refused(index, rejection)),
        }
    }
}

fn refused(index: u64, source: Rejection) -> ReplayFault {
    match source.reason {
        Reason::RulesVersionUnknown => ReplayFault::TooNew { index },
        _ => ReplayFault::Refused { index, source },
    }
}
