//! The way of a submission to its answer, as one shared place:
//!
//! ```text
//!  submitters ──push──► slots, in order ──take──► decider ──hand over──► committer
//!                         ▲      │                (fills a batch)        (one at a time)
//!                         └verify┘
//! ```
//!
//! Submissions stand in one order from the moment they are pushed. The verification pool takes
//! them in pieces and puts them back verified; the decider takes verified ones from the front
//! only, so the order stays. Everything is bounded: slots by [`QUEUE_UNITS_MAX`], the batch being
//! filled and the one being committed by the limits of a batch.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::batch::{Batch, Reply};
use super::door::Inspected;
use crate::domain::{Reason, Rejection};

/// The room of the queue, in units: a submission takes one, and one more for each KiB of it.
pub const QUEUE_UNITS_MAX: usize = 16 * 1024;
/// The most single submissions that wait for room; those of streams are bounded by their streams.
pub const QUEUE_WAITING_MAX: usize = 4_096;
/// How long a single submission waits for room.
pub const QUEUE_WAIT_MAX: Duration = Duration::from_secs(5);
/// How many submissions the pool takes at once.
const VERIFY_PIECE: usize = 16;
/// How many submissions the decider takes at once.
const DECIDE_PIECE: usize = 256;

/// What is known of a submission's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignatureState {
    /// It verifies.
    Valid,
    /// It does not.
    Invalid,
    /// The key was not known when it was looked at, so no work was spent on it.
    KeyUnknown,
}

/// A submission in the queue.
#[derive(Debug)]
pub(super) struct Submitted {
    pub(super) inspected: Inspected,
    pub(super) reply: Reply,
    units: usize,
}

#[derive(Debug)]
enum Slot {
    Unverified(Box<Submitted>),
    Verifying,
    Verified(Box<Submitted>, SignatureState),
}

/// What the decider finds when it looks for work.
#[derive(Debug)]
pub(super) enum Work {
    /// Verified submissions, in order.
    Submissions(Vec<(Box<Submitted>, SignatureState)>),
    /// Nothing is verified, and the committer is free for the batch.
    CommitterFree,
    /// What the committer had in hand was not recorded, so that everything pending is void.
    Dropped(Rejection),
    /// Nothing is left and nothing will come.
    Finished,
}

#[derive(Debug, Default)]
struct Flow {
    slots: VecDeque<Slot>,
    /// How many slots from the front have been taken by the pool.
    looked_at: usize,
    closed: bool,
    handed: Option<Batch>,
    committing: bool,
    dropped: Option<Rejection>,
    stopped: Option<Rejection>,
    decider_gone: bool,
}

/// See the module comment.
#[derive(Debug)]
pub(super) struct Intake {
    flow: Mutex<Flow>,
    /// Signals the pool that there is something to verify.
    unverified: Condvar,
    /// Signals the decider that something is verified or the committer is free.
    ready: Condvar,
    /// Signals the committer that a batch was handed over.
    handed: Condvar,
    room: Semaphore,
    waiting: Semaphore,
}

impl Intake {
    pub(super) fn new() -> Self {
        Self {
            flow: Mutex::default(),
            unverified: Condvar::new(),
            ready: Condvar::new(),
            handed: Condvar::new(),
            room: Semaphore::new(QUEUE_UNITS_MAX),
            waiting: Semaphore::new(QUEUE_WAITING_MAX),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Flow> {
        // Each critical section moves whole submissions, so a panic elsewhere leaves none halfway.
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a submission at the end, waiting for room up to [`QUEUE_WAIT_MAX`].
    ///
    /// # Errors
    /// `QUEUE_FULL` where there is none, `SHUTTING_DOWN`, or why writing has stopped.
    pub(super) async fn push(&self, inspected: Inspected, reply: Reply) -> Result<(), Rejection> {
        let units = units_of(&inspected);
        if let Ok(permits) = self.room.try_acquire_many(units) {
            permits.forget();
            return self.append(inspected, reply, units);
        }
        let Ok(_turn) = self.waiting.try_acquire() else {
            return Err(queue_full());
        };
        let room = self.room.acquire_many(units);
        match tokio::time::timeout(QUEUE_WAIT_MAX, room).await {
            Ok(Ok(permits)) => permits.forget(),
            Ok(Err(_)) => return Err(self.refusal()),
            Err(_) => return Err(queue_full()),
        }
        self.append(inspected, reply, units)
    }

    /// Puts a submission at the end, waiting for room as long as it takes.
    ///
    /// # Errors
    /// `SHUTTING_DOWN`, or why writing has stopped.
    pub(super) async fn push_patiently(
        &self,
        inspected: Inspected,
        reply: Reply,
    ) -> Result<(), Rejection> {
        let units = units_of(&inspected);
        match self.room.acquire_many(units).await {
            Ok(permits) => permits.forget(),
            Err(_) => return Err(self.refusal()),
        }
        self.append(inspected, reply, units)
    }

    fn append(&self, inspected: Inspected, reply: Reply, units: u32) -> Result<(), Rejection> {
        let units = units as usize;
        let submitted = Box::new(Submitted {
            inspected,
            reply,
            units,
        });
        let mut flow = self.lock();
        if flow.closed || flow.stopped.is_some() {
            drop(flow);
            self.room.add_permits(units);
            return Err(self.refusal());
        }
        flow.slots.push_back(Slot::Unverified(submitted));
        drop(flow);
        self.unverified.notify_one();
        Ok(())
    }

    /// Says why nothing is taken in.
    fn refusal(&self) -> Rejection {
        let stopped = self.lock().stopped.clone();
        stopped.unwrap_or_else(|| {
            Rejection::new(Reason::ShuttingDown, "the server takes no more commands")
        })
    }

    /// Takes a piece to verify, for [`Self::verified`]; none when nothing will come any more.
    ///
    /// The number says where the piece stands, counted from `taken` submissions ago.
    pub(super) fn to_verify(&self) -> Option<Piece> {
        let mut flow = self.lock();
        loop {
            let start = flow.looked_at;
            let mut piece = Vec::new();
            for slot in flow.slots.iter_mut().skip(start).take(VERIFY_PIECE) {
                if let Slot::Unverified(submitted) = std::mem::replace(slot, Slot::Verifying) {
                    piece.push(submitted);
                }
            }
            if !piece.is_empty() {
                flow.looked_at = start.saturating_add(piece.len());
                return Some(piece);
            }
            if flow.closed {
                return None;
            }
            flow = wait(&self.unverified, flow);
        }
    }
}
