//! The writer: what it decided is signed, made durable, published and answered, in this order.

use std::sync::Arc;

use bytes::Bytes;

use super::Engine;
use super::batch::{Batch, BatchTree, Reply};
use super::decider::{Decider, NoAttachments};
use super::door::Inspected;
use super::published::{Publication, Published};
use super::receipt::Receipt;
use crate::domain::{
    CommandId, Entry, EntryError, Origin, Reason, Rejection, Signer, TreeHash, UnixMillis,
};
use crate::keys::StrictVerifier;
use crate::ledger::{CharterRow, MemoryView, State, Submission, Verdict, View, ViewFault, decide};
use crate::merkle::{
    Checkpoint, Frontier, Nodes as _, ProveError, inclusion_proof, sign_checkpoint,
};
use crate::store::log::{self, LogFault, LogReader, LogStore, ReaderNodes};
use crate::wire::decode_command;

/// How many bytes of entries are read at once when they are decided again.
const REPLAY_BYTES: usize = 4 * 1024 * 1024;

/// The single writer.
pub(super) struct Writer {
    log: Box<dyn LogStore>,
    signer: Arc<dyn Signer>,
    frontier: Frontier,
    decider: Decider,
    publication: Arc<Publication>,
    rows: MemoryView,
    stopped: Option<Rejection>,
}

impl Writer {
    pub(super) fn new(
        log: Box<dyn LogStore>,
        signer: Arc<dyn Signer>,
        frontier: Frontier,
        decider: Decider,
        publication: Arc<Publication>,
        rows: MemoryView,
    ) -> Self {
        Self {
            log,
            signer,
            frontier,
            decider,
            publication,
            rows,
            stopped: None,
        }
    }

    /// Decides one submission, makes it durable and answers it.
    pub(super) fn submit(&mut self, inspected: Inspected, valid: bool, reply: Reply) {
        let mut batch = Batch::after(self.frontier.size());
        if let Some(rejection) = &self.stopped {
            batch.refuse(reply, rejection.clone());
            return batch.fail(rejection);
        }
        let decided = self
            .decider
            .decide(&self.rows, &mut batch, inspected, valid, reply);
        let done = match decided {
            Ok(()) => self.commit(batch),
            Err(fault) => Err(Box::new(fault) as Box<dyn std::error::Error + Send + Sync>),
        };
        if let Err(fault) = done {
            tracing::error!(%fault, "the log takes no more writes");
            let message = "a write failed; no writes until the server is restarted";
            self.stopped = Some(Rejection::new(Reason::StoreFault, message));
        }
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let before = self.publication.current();
        if batch.leaves.is_empty() {
            let (tree, _) = BatchTree::append(&self.frontier, &[]);
            return Ok(batch.answer(&tree, &before.checkpoint)?);
        }
        let origin = before.charter.origin.clone();
        let sealed = seal(&batch, &self.frontier, origin, self.signer.as_ref());
        let Sealed {
            tree, root, note, ..
        } = &sealed;
        let (size, root) = (tree.after.size(), *root);
        let appended = self.log.append(&sealed.of(&batch));
        if let Err(fault) = appended {
            let message = "the command could not be made durable; send it again later";
            batch.fail(&Rejection::new(Reason::StoreFault, message));
            return Err(fault.into());
        }
        self.frontier = tree.after.clone();
        self.rows.apply(&batch.changes);
        let recorded_at = batch.entries.last().map(|entry| entry.recorded_at);
        self.publication.publish(Published {
            size,
            root,
            checkpoint: Arc::clone(note),
            recorded_at: recorded_at.unwrap_or(before.recorded_at),
            view: Arc::new(self.rows.clone()),
            charter: charter(&self.rows)?,
        });
        self.log.published(size, &root);
        Ok(batch.answer(tree, note)?)
    }
}

/// What a batch becomes when it is closed: its place in the tree, and its signed checkpoint.
pub(super) struct Sealed {
    pub(super) tree: BatchTree,
    pub(super) root: TreeHash,
    pub(super) note: Arc<str>,
    hashes: Vec<TreeHash>,
}

/// Appends a batch to the tree and signs the checkpoint after it.
pub(super) fn seal(
    batch: &Batch,
    before: &Frontier,
    origin: Origin,
    signer: &dyn Signer,
) -> Sealed {
    let (tree, hashes) = BatchTree::append(before, &batch.leaves);
    let (size, root) = (tree.after.size(), tree.after.root());
    let checkpoint = Checkpoint { origin, size, root };
    Sealed {
        note: sign_checkpoint(&checkpoint, &[signer]).into(),
        tree,
        root,
        hashes,
    }
}

impl Sealed {
    /// Returns the batch as the log takes it.
    pub(super) fn of<'a>(&'a self, batch: &'a Batch) -> log::Batch<'a> {
        log::Batch {
            first_index: batch.first_index,
            leaves: &batch.leaves,
            hashes: &self.hashes,
            checkpoint: &self.note,
        }
    }
}

/// Returns the charter in force; its absence is a fault.
fn charter(view: &dyn View) -> Result<CharterRow, ViewFault> {
    let charter = State::new(view).get::<CharterRow>(&())?;
    charter.ok_or_else(|| ViewFault::new("the ledger has no charter"))
}

/// Returns the receipt of an entry that has been published.
pub(super) fn first_receipt(engine: &Engine, index: u64) -> Result<Receipt, Rejection> {
    let published = engine.published();
    let log = engine.log().as_ref();
    let made = log.leaf(index).map_err(ProveError::Nodes).and_then(|leaf| {
        let proof = inclusion_proof(index, published.size, &ReaderNodes(log))?;
        Ok((leaf, proof))
    });
    let (leaf, proof) = made.map_err(|fault| internal(&fault))?;
    let entry = Entry::from_leaf(&leaf).map_err(|fault| internal(&fault))?;
    let checkpoint = Arc::clone(&published.checkpoint);
    Ok(Receipt::of(index, &entry, proof, checkpoint))
}

fn internal(fault: &dyn std::error::Error) -> Rejection {
    tracing::error!(%fault, "an entry cannot be read back");
    Rejection::new(Reason::Internal, "an entry cannot be read back")
}

/// The rows that the log leads to.
pub(super) struct Rows {
    pub(super) view: MemoryView,
    pub(super) charter: CharterRow,
    pub(super) recorded_at: UnixMillis,
}

/// Why entries of the log cannot be decided again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayFault {
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] LogFault),
    /// The rows cannot be read.
    #[error("the rows cannot be read")]
    View(#[from] ViewFault),
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
    #[error("entry {index} is refused by the rules that this program has")]
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
}

/// Decides all entries of the log again.
pub(super) fn replay(log: &dyn LogReader) -> Result<Rows, ReplayFault> {
    let mut view = MemoryView::new();
    let (mut index, size) = (0, log.size());
    let mut recorded_at = UnixMillis(0);
    while index < size {
        for leaf in log.leaves(index, size, REPLAY_BYTES)? {
            recorded_at = replay_one(&mut view, index, &leaf)?;
            index = index.saturating_add(1);
        }
    }
    let charter = charter(&view)?;
    Ok(Rows {
        view,
        charter,
        recorded_at,
    })
}

fn replay_one(view: &mut MemoryView, index: u64, leaf: &Bytes) -> Result<UnixMillis, ReplayFault> {
    let entry = Entry::from_leaf(leaf).map_err(|source| ReplayFault::Entry { index, source })?;
    let refused = |source| ReplayFault::Refused { index, source };
    let command = decode_command(&entry.command).map_err(refused)?;
    let submission = Submission {
        index,
        recorded_at: entry.recorded_at,
        public_key: entry.public_key,
        signature_valid: true,
        id: CommandId::of(&entry.command),
        command: &command,
    };
    match decide(view, submission, &StrictVerifier, &NoAttachments)? {
        Verdict::Accepted(outcome) => view.apply(&outcome.changes),
        Verdict::Repeated { index: first } => return Err(ReplayFault::Twice { index, first }),
        Verdict::Rejected(rejection) => return Err(refused(rejection)),
    }
    Ok(entry.recorded_at)
}

/// Reads the right edge of the tree.
pub(super) fn frontier(
    size: u64,
    nodes: &ReaderNodes<'_>,
) -> Result<Frontier, ProveError<LogFault>> {
    let mut hashes: Vec<TreeHash> = Vec::new();
    for level in (0..u64::BITS).rev() {
        let rest = size >> level;
        if rest & 1 == 1 {
            let node = nodes.node(level, rest.saturating_sub(1));
            hashes.push(node.map_err(ProveError::Nodes)?);
        }
    }
    // One hash was read for each one bit, so that the number fits.
    Ok(Frontier::from_parts(size, hashes).unwrap_or_default())
}
