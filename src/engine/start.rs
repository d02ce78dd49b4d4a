//! Starting: the index catches up with the log, and what is durable becomes what is published.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use tokio::sync::watch;

use super::answers::{self, BATCHES_WAITING_MAX};
use super::attachments::AttachmentStore;
use super::clock::Clock;
use super::commit::{Committer, charter};
use super::decider::Decider;
use super::intake::{EngineLimits, Intake};
use super::published::{Publication, Published};
use super::replay::{ReplayFault, catch_up};
use super::signers::LogSigners;
use super::verify::{self, Checker};
use super::writer::Writer;
use super::{Engine, Inner};
use crate::domain::{Entry, EntryError, Reason, Rejection, Signer, TreeHash, UnixMillis, Verifier};
use crate::keys::VerifyingKeys;
use crate::ledger::{RULES_VERSION, ViewFault};
use crate::merkle::{CheckpointError, Frontier, ProveError, VerifierKey, open_checkpoint, root_at};
use crate::store::index::Index;
use crate::store::log::{LogFault, LogReader, LogStore, ReaderNodes};

/// How many decoded keys are kept for verification, of about 230 bytes each.
const KEYS_KEPT: usize = 65_536;

/// What an engine is started with.
pub struct EngineOptions {
    /// The log, opened and verified.
    pub log: Box<dyn LogStore>,
    /// The index, which may be behind the log.
    pub index: Index,
    /// Where attachments lie.
    pub attachments: Arc<dyn AttachmentStore>,
    /// The log's keys.
    pub signers: Arc<dyn LogSigners>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// How much may wait.
    pub limits: EngineLimits,
}

/// Why an engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no entry 0.
    #[error("the ledger is not founded; run `fenrun init` first")]
    NotFounded,
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] LogFault),
    /// The tree's hashes cannot be read.
    #[error("the tree of the log cannot be read")]
    Tree(#[from] ProveError<LogFault>),
    /// The index has a state that the log does not lead to.
    #[error(
        "the index has seen {size} entries with root {root}, which this log does not have; bring \
         the missing segments back"
    )]
    Rollback {
        /// The size that the index is as of.
        size: u64,
        /// The root that it knows of that size.
        root: TreeHash,
    },
    /// What the log says cannot be decided again.
    #[error("the log's entries do not lead to a state")]
    Replay(#[from] ReplayFault),
    /// The rows cannot be read.
    #[error("the rows cannot be read")]
    View(#[from] ViewFault),
    /// The last entry is not one.
    #[error("the last entry is not one")]
    Entry(#[from] EntryError),
    /// The newest checkpoint does not verify.
    #[error("the newest checkpoint does not verify under the key in the charter")]
    Checkpoint(#[source] CheckpointError),
    /// The newest checkpoint is missing or of another tree.
    #[error("the log has {size} entries with root {root}, but no checkpoint of that")]
    CheckpointMissing {
        /// The size of the log.
        size: u64,
        /// The root of the log.
        root: TreeHash,
    },
    /// The secret of the log's key is missing.
    #[error("the log is signed by {expected}, whose secret key is not among those that were given")]
    WrongLogKey {
        /// The key in the charter.
        expected: VerifierKey,
    },
    /// The last entry is from the future.
    #[error(
        "the last entry was recorded at {last}, which is more than {window_ms} ms ahead of the \
         clock ({now}); set the clock right, then start again"
    )]
    ClockBehind {
        /// The time of the last entry.
        last: UnixMillis,
        /// The clock's time.
        now: UnixMillis,
        /// The time window of the charter, in milliseconds.
        window_ms: u64,
    },
    /// The ledger's rules are newer than this program.
    #[error(
        "the ledger has rules version {found}, this program knows up to {RULES_VERSION}: it is \
         too new for this program; install a newer one"
    )]
    RulesTooNew {
        /// The version in force.
        found: u32,
    },
    /// The system gives no threads.
    #[error("a thread could not be started")]
    Thread(#[source] io::Error),
}

pub(super) fn start(options: EngineOptions) -> Result<Engine, StartError> {
    let reader = options.log.reader();
    if reader.size() == 0 {
        return Err(StartError::NotFounded);
    }
    check_index(&options.index, reader.as_ref())?;
    catch_up(
        reader.as_ref(),
        &options.index,
        options.attachments.as_ref(),
    )?;
    let verifier: Arc<dyn Verifier> = Arc::new(VerifyingKeys::new(KEYS_KEPT));
    let frontier = options.log.tree();
    let published = durable_state(&options, reader.as_ref(), &frontier, verifier.as_ref())?;
    let (last, now) = (published.recorded_at, options.clock.now());
    let window_ms = published.charter.time_window_ms;
    if last.0.saturating_sub(now.0) > window_ms {
        return Err(StartError::ClockBehind {
            last,
            now,
            window_ms,
        });
    }
    let charter = &published.charter;
    let Some(signer) = options.signers.signer(&charter.log_key) else {
        let (name, key) = (charter.origin.clone(), charter.log_key);
        let expected = VerifierKey { name, key };
        return Err(StartError::WrongLogKey { expected });
    };
    run(options, signer, reader, frontier, published, verifier)
}

/// Checks that the index is of this log.
fn check_index(index: &Index, log: &dyn LogReader) -> Result<(), StartError> {
    let view = index.view();
    let (size, root) = (view.size(), view.root());
    let nodes = ReaderNodes(log);
    if size > log.size() || (size > 0 && root_at(size, &nodes)? != root) {
        return Err(StartError::Rollback { size, root });
    }
    Ok(())
}

/// Returns what is durable, with the newest checkpoint verified.
fn durable_state(
    options: &EngineOptions,
    log: &dyn LogReader,
    frontier: &Frontier,
    verifier: &dyn Verifier,
) -> Result<Published, StartError> {
    let (size, root) = (frontier.size(), frontier.root());
    let view = options.index.view();
    let charter = charter(&view)?;
    if charter.rules_version > RULES_VERSION {
        let found = charter.rules_version;
        return Err(StartError::RulesTooNew { found });
    }
    let log_key = VerifierKey {
        name: charter.origin.clone(),
        key: charter.log_key,
    };
    let missing = StartError::CheckpointMissing { size, root };
    let Some(note) = log.checkpoint(size)? else {
        return Err(missing);
    };
    let checkpoint =
        open_checkpoint(note.as_bytes(), &[log_key], verifier).map_err(StartError::Checkpoint)?;
    if (checkpoint.size, checkpoint.root) != (size, root) {
        return Err(missing);
    }
    let last = Entry::from_leaf(&log.leaf(size.saturating_sub(1))?)?;
    Ok(Published {
        size,
        root,
        checkpoint: note.into(),
        recorded_at: last.recorded_at,
        view,
        charter,
    })
}

/// Starts the threads.
fn run(
    options: EngineOptions,
    signer: Arc<dyn Signer>,
    reader: Arc<dyn LogReader>,
    frontier: Frontier,
    published: Published,
    verifier: Arc<dyn Verifier>,
) -> Result<Engine, StartError> {
    let EngineOptions {
        log,
        index,
        attachments,
        signers,
        clock,
        limits,
    } = options;
    let recorded_at = published.recorded_at;
    let publication = Arc::new(Publication::new(published));
    let intake = Arc::new(Intake::new(limits));
    let decider = Decider::new(
        Arc::clone(&clock),
        Arc::clone(&verifier),
        Arc::clone(&attachments),
        Arc::clone(&signers),
        Arc::clone(&reader),
        recorded_at,
    );
    let writer = Writer::new(
        Arc::clone(&intake),
        index.clone(),
        Arc::clone(&publication),
        decider,
        limits.batch_entries,
    );
    let stored = Arc::clone(&attachments);
    let log = Arc::new(Mutex::new(log));
    let cosigned = Arc::downgrade(&log);
    let (recorded, to_answer) = mpsc::sync_channel(BATCHES_WAITING_MAX);
    let committer = Committer {
        intake: Arc::clone(&intake),
        log,
        signer,
        signers,
        frontier,
        index,
        attachments,
        publication: Arc::clone(&publication),
        recorded,
    };
    let (running, ended) = watch::channel(());
    let engine = Engine(Arc::new(Inner {
        publication: Arc::clone(&publication),
        log: reader,
        cosigned,
        attachments: stored,
        clock,
        intake: Arc::clone(&intake),
        ended,
    }));
    // Where a thread cannot be started, dropping the engine ends those that were.
    let checker = Arc::new(Checker::new(verifier, publication));
    for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
        let (checker, pool) = (Arc::clone(&checker), Arc::clone(&intake));
        spawn("verify", &intake, move || verify::run(&checker, &pool))?;
    }
    spawn("decide", &intake, move || writer.run())?;
    spawn("commit", &intake, move || committer.run())?;
    let asked_why = Arc::clone(&intake);
    spawn("answer", &intake, move || {
        answers::run(&to_answer, &asked_why);
        drop(running);
    })?;
    Ok(engine)
}

/// Starts a thread; if it panics, which is a mistake in this program, writing stops and reads go
/// on: what it was doing was not durable, and what is durable is verified at the next start.
fn spawn(
    name: &'static str,
    intake: &Arc<Intake>,
    body: impl FnOnce() + Send + 'static,
) -> Result<(), StartError> {
    let intake = Arc::clone(intake);
    let guarded = move || {
        if panic::catch_unwind(AssertUnwindSafe(body)).is_err() {
            let message = "a fault of ours; no writes until the server is restarted";
            intake.stop(Rejection::new(Reason::Internal, message));
            intake.decider_ends();
        }
    };
    let started = thread::Builder::new().name(name.to_owned()).spawn(guarded);
    started.map(drop).map_err(StartError::Thread)
}
