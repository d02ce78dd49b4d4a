//! The way of a submission to its answer, as one shared place:
//!
//! ```text
//!  submitters ──push──► slots, in order ──take──► decider ──offer──► committer
//!                         ▲      │                (fills a batch)    (one at a time)
//!                         └verify┘
//! ```
//!
//! Submissions stand in one order from the moment they are pushed. The verification pool takes
//! them in pieces and puts them back verified; the decider takes verified ones from the front
//! only, so the order stays. When it has none it offers its batch, which the committer takes as
//! soon as it is free; until then the decider withdraws it to go on filling it, so that the disk
//! never waits for the decider and a batch is as large as the time allows. Everything is bounded:
//! slots by [`QUEUE_UNITS_MAX`], the batch being filled and the one being committed by the limits
//! of a batch.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use super::batch::{BATCH_ENTRIES_MAX, Batch, Reply};
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

/// How much may wait, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineLimits {
    /// The room of the queue, in units; at least 64, so that every command fits.
    pub queue_units: usize,
    /// The most single submissions that wait for room in the queue.
    pub queue_waiting: usize,
    /// How long they wait.
    pub queue_wait: Duration,
    /// The most entries, and the most answers, of one batch.
    pub batch_entries: usize,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            queue_units: QUEUE_UNITS_MAX,
            queue_waiting: QUEUE_WAITING_MAX,
            queue_wait: QUEUE_WAIT_MAX,
            batch_entries: BATCH_ENTRIES_MAX,
        }
    }
}

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
    pub(super) inspected: Box<Inspected>,
    pub(super) reply: Reply,
    units: usize,
}

#[derive(Debug)]
enum Slot {
    Unverified(Submitted),
    Verifying,
    Verified(Submitted, SignatureState),
}

/// What the decider finds when it looks for work.
#[derive(Debug)]
pub(super) enum Work {
    /// Verified submissions, in order, and the batch on offer, unless the committer has it.
    Submissions(Vec<(Submitted, SignatureState)>, Option<Batch>),
    /// Nothing is verified, so that the batch may go.
    Nothing,
    /// What the committer had in hand was not recorded, so that everything pending is void.
    Dropped(Rejection),
    /// Nothing is left and nothing will come.
    Finished,
}

#[derive(Debug, Default)]
struct Flow {
    slots: VecDeque<Slot>,
    /// The number of the front slot, counted from the first submission ever.
    first_ticket: u64,
    /// How many slots from the front the pool has taken.
    looked_at: usize,
    closed: bool,
    offered: Option<Batch>,
    committing: bool,
    /// How many threads of the pool wait for submissions.
    idle_verifiers: usize,
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
    /// Signals the decider that something is verified or a full batch was taken.
    ready: Condvar,
    /// Signals the committer that a batch is on offer.
    offered: Condvar,
    room: Semaphore,
    waiting: Semaphore,
    /// Whether writing has stopped for good.
    stopped: watch::Sender<bool>,
    limits: EngineLimits,
}

impl Intake {
    pub(super) fn new(limits: EngineLimits) -> Self {
        Self {
            flow: Mutex::default(),
            unverified: Condvar::new(),
            ready: Condvar::new(),
            offered: Condvar::new(),
            room: Semaphore::new(limits.queue_units),
            waiting: Semaphore::new(limits.queue_waiting),
            stopped: watch::Sender::new(false),
            limits,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Flow> {
        // Each critical section moves whole submissions, so a panic elsewhere leaves none halfway.
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a submission at the end, waiting for room up to [`EngineLimits::queue_wait`].
    ///
    /// # Errors
    /// `QUEUE_FULL` where there is none, `SHUTTING_DOWN`, or why writing has stopped.
    pub(super) async fn push(
        &self,
        inspected: Box<Inspected>,
        reply: Reply,
    ) -> Result<(), Rejection> {
        let units = units_of(&inspected);
        if let Ok(permits) = self.room.try_acquire_many(units) {
            permits.forget();
            return self.append(inspected, reply, units);
        }
        let Ok(_turn) = self.waiting.try_acquire() else {
            return Err(queue_full());
        };
        let room = self.room.acquire_many(units);
        match tokio::time::timeout(self.limits.queue_wait, room).await {
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
        inspected: Box<Inspected>,
        reply: Reply,
    ) -> Result<(), Rejection> {
        let units = units_of(&inspected);
        match self.room.acquire_many(units).await {
            Ok(permits) => permits.forget(),
            Err(_) => return Err(self.refusal()),
        }
        self.append(inspected, reply, units)
    }

    fn append(&self, inspected: Box<Inspected>, reply: Reply, units: u32) -> Result<(), Rejection> {
        let units = units as usize;
        let submitted = Submitted {
            inspected,
            reply,
            units,
        };
        let mut flow = self.lock();
        if flow.closed || flow.stopped.is_some() {
            drop(flow);
            self.room.add_permits(units);
            return Err(self.refusal());
        }
        flow.slots.push_back(Slot::Unverified(submitted));
        let somebody_waits = flow.idle_verifiers > 0;
        drop(flow);
        if somebody_waits {
            self.unverified.notify_one(); // A call of the system each, so not for nobody.
        }
        Ok(())
    }

    /// Says why nothing is taken in, or will be answered, any more.
    pub(super) fn refusal(&self) -> Rejection {
        let stopped = self.lock().stopped.clone();
        stopped.unwrap_or_else(|| {
            Rejection::new(Reason::ShuttingDown, "the server takes no more commands")
        })
    }

    /// Takes the next piece to verify; none when nothing will come any more.
    pub(super) fn to_verify(&self) -> Option<Piece> {
        let mut flow = self.lock();
        loop {
            if let Some(piece) = flow.take_unverified() {
                return Some(piece);
            }
            if flow.closed {
                return None;
            }
            flow.idle_verifiers = flow.idle_verifiers.saturating_add(1);
            flow = wait(&self.unverified, flow);
            flow.idle_verifiers = flow.idle_verifiers.saturating_sub(1);
        }
    }

    /// Puts a piece back, with what was found out.
    pub(super) fn verified(&self, piece: Piece, states: Vec<SignatureState>) {
        let mut flow = self.lock();
        // Where writing has stopped meanwhile, the slots are gone and the piece goes with them.
        let Some(offset) = piece.first_ticket.checked_sub(flow.first_ticket) else {
            return;
        };
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let slots = flow.slots.iter_mut().skip(offset);
        for ((slot, submitted), state) in slots.zip(piece.submitted).zip(states) {
            *slot = Slot::Verified(submitted, state);
        }
        let wanted = offset == 0;
        drop(flow);
        if wanted {
            self.ready.notify_one();
        }
    }

    /// Waits for something to do for the decider, which fills `batch` or has one on offer.
    pub(super) fn work(&self, batch: &Batch) -> Work {
        let mut flow = self.lock();
        loop {
            if let Some(rejection) = flow.dropped.take() {
                return Work::Dropped(rejection);
            }
            // What a batch has no room for stays in the queue, where it is counted.
            let fullest = flow.offered.as_ref().unwrap_or(batch);
            if fullest.has_room() {
                let count_max = fullest.room().min(DECIDE_PIECE);
                let (submissions, units) = flow.take_verified(count_max);
                if !submissions.is_empty() {
                    let withdrawn = flow.offered.take();
                    drop(flow);
                    self.room.add_permits(units);
                    return Work::Submissions(submissions, withdrawn);
                }
            }
            if !batch.is_empty() {
                return Work::Nothing;
            }
            if flow.is_drained() {
                return Work::Finished;
            }
            flow = wait(&self.ready, flow);
        }
    }

    /// Offers a batch to the committer.
    ///
    /// # Errors
    /// The batch comes back where the one before it was not recorded, so that this one is void.
    pub(super) fn offer(&self, batch: Batch) -> Result<(), Box<Batch>> {
        let mut flow = self.lock();
        if flow.dropped.is_some() || flow.stopped.is_some() {
            return Err(Box::new(batch));
        }
        flow.offered = Some(batch);
        drop(flow);
        self.offered.notify_one();
        Ok(())
    }

    /// Waits until the committer has taken what was offered, or everything pending is void.
    pub(super) fn wait_taken(&self) {
        let mut flow = self.lock();
        while flow.offered.is_some() && flow.dropped.is_none() {
            flow = wait(&self.ready, flow);
        }
    }

    /// Waits for a batch to commit; none when none will come.
    pub(super) fn to_commit(&self) -> Option<Batch> {
        let mut flow = self.lock();
        loop {
            if let Some(batch) = flow.offered.take() {
                flow.committing = true;
                drop(flow);
                if !batch.has_room() {
                    self.ready.notify_one();
                }
                return Some(batch);
            }
            if flow.decider_gone {
                return None;
            }
            flow = wait(&self.offered, flow);
        }
    }

    /// Says whether nothing waits to be verified or decided.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lock().slots.is_empty()
    }

    /// Notes that the batch in hand is recorded and visible.
    pub(super) fn committed(&self) {
        let mut flow = self.lock();
        flow.committing = false;
        let last = flow.closed;
        drop(flow);
        if last {
            self.ready.notify_one();
        }
    }

    /// Notes that the batch in hand was not recorded. What was decided upon it is void; where
    /// `for_good`, nothing more is taken in.
    pub(super) fn not_committed(&self, rejection: Rejection, for_good: bool) {
        let mut flow = self.lock();
        flow.committing = false;
        flow.dropped = Some(rejection.clone());
        let offered = flow.offered.take();
        drop(flow);
        if let Some(batch) = offered {
            batch.fail(&rejection);
        }
        if for_good {
            self.stop(rejection);
        }
        self.ready.notify_one();
    }

    /// Stops writing for good: what is in the queue is dropped, and its submitters are told why.
    pub(super) fn stop(&self, rejection: Rejection) {
        let mut flow = self.lock();
        let slots = std::mem::take(&mut flow.slots);
        flow.looked_at = 0;
        flow.first_ticket = flow.first_ticket.saturating_add(slots.len() as u64);
        flow.stopped.get_or_insert(rejection.clone());
        flow.dropped.get_or_insert(rejection);
        flow.committing = false;
        let offered = flow.offered.take();
        drop(flow);
        // Whoever waits for room waits in vain.
        self.room.close();
        self.stopped.send_replace(true);
        self.ready.notify_one();
        // Submitters find that they will not be answered, and ask why.
        drop((slots, offered));
    }

    /// Waits until writing has stopped for good, and says why; a shutdown alone is no reason.
    pub(super) async fn stopped(&self) -> Rejection {
        let mut stopped = self.stopped.subscribe();
        // The sender lives as long as this.
        let _ = stopped.wait_for(|stopped| *stopped).await;
        self.refusal()
    }

    /// Takes nothing more in; what is in is decided and committed.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.room.close();
        self.unverified.notify_all();
        self.ready.notify_one();
    }

    /// Notes that the decider offers no more.
    pub(super) fn decider_ends(&self) {
        self.lock().decider_gone = true;
        self.offered.notify_one();
    }
}

/// Submissions that are being verified.
pub(super) struct Piece {
    first_ticket: u64,
    pub(super) submitted: Vec<Submitted>,
}

impl Flow {
    fn take_unverified(&mut self) -> Option<Piece> {
        let start = self.looked_at;
        let mut submitted = Vec::new();
        for slot in self.slots.iter_mut().skip(start).take(VERIFY_PIECE) {
            if let Slot::Unverified(next) = std::mem::replace(slot, Slot::Verifying) {
                submitted.push(next);
            }
        }
        self.looked_at = start.saturating_add(submitted.len());
        (!submitted.is_empty()).then_some(Piece {
            first_ticket: self.first_ticket.saturating_add(start as u64),
            submitted,
        })
    }

    /// Takes verified submissions from the front, and says how many units they took.
    fn take_verified(&mut self, count_max: usize) -> (Vec<(Submitted, SignatureState)>, usize) {
        let (mut taken, mut units) = (Vec::new(), 0_usize);
        while taken.len() < count_max
            && let Some(Slot::Verified(..)) = self.slots.front()
            && let Some(Slot::Verified(submitted, state)) = self.slots.pop_front()
        {
            units = units.saturating_add(submitted.units);
            taken.push((submitted, state));
        }
        self.looked_at = self.looked_at.saturating_sub(taken.len());
        self.first_ticket = self.first_ticket.saturating_add(taken.len() as u64);
        (taken, units)
    }

    fn is_drained(&self) -> bool {
        self.closed && self.slots.is_empty() && !self.committing && self.offered.is_none()
    }
}

fn wait<'a>(signal: &Condvar, flow: MutexGuard<'a, Flow>) -> MutexGuard<'a, Flow> {
    signal.wait(flow).unwrap_or_else(PoisonError::into_inner)
}

/// Returns the room that a submission takes.
fn units_of(inspected: &Inspected) -> u32 {
    // A command has less than 64 KiB, so that this is at most 64.
    u32::try_from(inspected.bytes.len() / 1024).map_or(u32::MAX, |kib| kib.saturating_add(1))
}

fn queue_full() -> Rejection {
    let message = "more commands wait to be recorded than the service holds; send it again later";
    Rejection::new(Reason::QueueFull, message)
}
