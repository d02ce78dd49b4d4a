//! Starting: what is durable becomes what is published.

use std::sync::{Arc, Mutex};

use super::clock::Clock;
use super::decider::Decider;
use super::published::{Publication, Published};
use super::writer::{ReplayFault, Writer, frontier, replay};
use super::{Engine, Inner};
use crate::domain::{Signer, UnixMillis, Verifier};
use crate::keys::VerifyingKeys;
use crate::ledger::RULES_VERSION;
use crate::merkle::{CheckpointError, ProveError, VerifierKey, open_checkpoint};
use crate::store::log::{LogFault, LogStore, ReaderNodes};

/// How many decoded keys are kept for verification.
pub(super) const KEYS_KEPT: usize = 65_536;

/// What an engine is started with.
pub struct EngineOptions {
    /// The log, opened and verified.
    pub log: Box<dyn LogStore>,
    /// The log's key.
    pub signer: Arc<dyn Signer>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
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
    /// What the log says cannot be decided again.
    #[error("the log's entries do not lead to a state")]
    Replay(#[from] ReplayFault),
    /// The newest checkpoint does not verify.
    #[error("the newest checkpoint does not verify")]
    Checkpoint(#[source] CheckpointError),
    /// The newest checkpoint is missing.
    #[error("the log has {size} entries but no checkpoint of that size")]
    CheckpointMissing {
        /// The size of the log.
        size: u64,
    },
    /// The tree's hashes cannot be read.
    #[error("the tree of the log cannot be read")]
    Tree(#[source] ProveError<LogFault>),
    /// The signer is not the log's.
    #[error("the log is signed by {expected}, but the key that was given is {found}")]
    WrongLogKey {
        /// The key in the charter.
        expected: VerifierKey,
        /// The key that was given.
        found: VerifierKey,
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
        "the ledger has rules version {found}, this program knows up to {RULES_VERSION}; it is \
         too new for this program: install a newer one"
    )]
    RulesTooNew {
        /// The version in force.
        found: u32,
    },
}

pub(super) fn start(options: EngineOptions) -> Result<Engine, StartError> {
    let EngineOptions { log, signer, clock } = options;
    let reader = log.reader();
    let size = reader.size();
    if size == 0 {
        return Err(StartError::NotFounded);
    }
    let rows = replay(reader.as_ref())?;
    let nodes = ReaderNodes(reader.as_ref());
    let frontier = frontier(size, &nodes).map_err(StartError::Tree)?;
    let root = frontier.root();
    let charter = rows.charter.clone();
    let expected = VerifierKey {
        name: charter.origin.clone(),
        key: charter.log_key,
    };
    let found = VerifierKey {
        name: charter.origin.clone(),
        key: signer.public_key(),
    };
    if expected != found {
        return Err(StartError::WrongLogKey { expected, found });
    }
    let note = reader
        .checkpoint(size)?
        .ok_or(StartError::CheckpointMissing { size })?;
    let verifier = Arc::new(VerifyingKeys::new(KEYS_KEPT));
    open_checkpoint(note.as_bytes(), &[expected], verifier.as_ref())
        .map_err(StartError::Checkpoint)?;
    let (last, now, window_ms) = (rows.recorded_at, clock.now(), charter.time_window_ms);
    if last.0.saturating_sub(now.0) > window_ms {
        return Err(StartError::ClockBehind {
            last,
            now,
            window_ms,
        });
    }
    let publication = Arc::new(Publication::new(Published {
        size,
        root,
        checkpoint: note.into(),
        recorded_at: last,
        view: Arc::new(rows.view.clone()),
        charter,
    }));
    let decider = Decider::new(
        Arc::clone(&clock),
        Arc::clone(&verifier) as Arc<dyn Verifier>,
        last,
    );
    let shown = Arc::clone(&publication);
    let writer = Writer::new(log, signer, frontier, decider, shown, rows.view);
    Ok(Engine(Arc::new(Inner {
        publication,
        log: reader,
        clock,
        verifier,
        writer: Mutex::new(Some(writer)),
    })))
}
