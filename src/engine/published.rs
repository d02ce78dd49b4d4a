//! What readers see: one durable state, its checkpoint and its rows, switched together.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::{Reason, Rejection, TreeHash, UnixMillis, Violation};
use crate::ledger::CharterRow;
use crate::store::index::IndexView;

/// How long a read waits for the log size that it asks for.
pub const READ_WAIT_MAX: Duration = Duration::from_secs(5);

/// One durable state of the ledger. It does not change while it is held, but holds memory.
#[derive(Clone)]
pub struct Published {
    /// The number of entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: TreeHash,
    /// The checkpoint of this size and root, as a signed note.
    pub checkpoint: Arc<str>,
    /// When the last entry was recorded.
    pub recorded_at: UnixMillis,
    /// The rows after the last entry.
    pub view: IndexView,
    /// The charter in force after the last entry.
    pub charter: CharterRow,
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Published({} entries, root {})", self.size, self.root)
    }
}

/// The place where the writer puts a new state and readers find it.
pub(super) struct Publication {
    current: RwLock<Arc<Published>>,
    sizes: watch::Sender<u64>,
}

impl Publication {
    /// Shows a first state.
    pub(super) fn new(first: Published) -> Self {
        let sizes = watch::Sender::new(first.size);
        Self {
            current: RwLock::new(Arc::new(first)),
            sizes,
        }
    }

    /// Returns the newest state.
    pub(super) fn current(&self) -> Arc<Published> {
        let current = self.current.read();
        // Only whole states are put in, so a poisoned lock holds one, too.
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows a new state to whoever asks from now on.
    pub(super) fn publish(&self, next: Published) {
        let size = next.size;
        let next = Arc::new(next);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, next);
        drop(current);
        // The old state may be the last to hold its rows: readers need not wait for its end.
        drop(before);
        self.sizes.send_replace(size);
    }

    /// Returns the sizes of the states that are shown, as they change.
    pub(super) fn sizes(&self) -> watch::Receiver<u64> {
        self.sizes.subscribe()
    }

    /// Returns a state of at least `size` entries, waiting up to [`READ_WAIT_MAX`] for it.
    pub(super) async fn at_least(&self, size: u64) -> Result<Arc<Published>, Rejection> {
        let current = self.current();
        if current.size >= size {
            return Ok(current);
        }
        let mut sizes = self.sizes.subscribe();
        let reached = sizes.wait_for(|now| *now >= size);
        match tokio::time::timeout(READ_WAIT_MAX, reached).await {
            Ok(Ok(_)) => Ok(self.current()),
            Ok(Err(_)) | Err(_) => {
                let now = self.current().size;
                let text = format!("is {size}, but the log has {now} entries");
                let violation = Violation::new("min_log_size", text);
                let violations = vec![violation];
                Err(Rejection::with_violations(
                    Reason::InvalidArgument,
                    violations,
                ))
            }
        }
    }
}
