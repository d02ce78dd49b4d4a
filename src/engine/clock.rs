//! The one place that asks what time it is; everything else is told.
//!
//! Two clocks are read together: the wall clock, which an entry's recorded time comes from, and
//! the monotonic clock, which nobody sets. [`ClockWatch`] compares them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::domain::UnixMillis;

/// The most milliseconds that wall clock and monotonic clock may be apart, since they were first
/// compared.
pub const CLOCK_DRIFT_MAX_MS: u64 = 60_000;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Returns the wall clock's time.
    fn now(&self) -> UnixMillis;

    /// Returns the time since some fixed moment, by a clock that nobody sets.
    fn monotonic(&self) -> Duration;
}

/// The machine's own clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// Returns the machine's clocks.
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the place that the lint sends everybody to"
    )]
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        // A clock before 1970 is far from every command's time, which refuses all of them.
        let millis = since.map_or(0, |since| since.as_millis());
        UnixMillis(u64::try_from(millis).unwrap_or(u64::MAX)).min(UnixMillis::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// Clocks that stand still until they are moved: for tests and for replays that show a time.
#[derive(Debug)]
pub struct ManualClock(Mutex<(UnixMillis, Duration)>);

impl ManualClock {
    /// Returns clocks that show this time.
    pub fn at(now: UnixMillis) -> Self {
        Self(Mutex::new((now, Duration::ZERO)))
    }

    /// Lets time pass, for both clocks.
    pub fn advance(&self, by: Duration) {
        self.change(|(now, monotonic)| {
            let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
            now.0 = now.0.saturating_add(millis);
            *monotonic = monotonic.saturating_add(by);
        });
    }

    /// Sets the wall clock, as an administrator or a broken time service does.
    pub fn set(&self, wall: UnixMillis) {
        self.change(|(now, _)| *now = wall);
    }

    fn change(&self, change: impl FnOnce(&mut (UnixMillis, Duration))) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn read(&self) -> (UnixMillis, Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        self.read().0
    }

    fn monotonic(&self) -> Duration {
        self.read().1
    }
}

/// Notices when the wall clock was set while the service runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClockWatch {
    wall: UnixMillis,
    monotonic: Duration,
}

impl ClockWatch {
    /// Takes the clocks as they are now for right.
    pub(super) fn start(clock: &dyn Clock) -> Self {
        Self {
            wall: clock.now(),
            monotonic: clock.monotonic(),
        }
    }

    /// Returns the wall clock's time; none while the clocks are more than
    /// [`CLOCK_DRIFT_MAX_MS`] apart.
    ///
    /// Nothing is recorded while they are, so when they agree again, because the clock was set
    /// right, writing may go on.
    /// A process that is stopped between the two readings finds them apart though they are not:
    /// so they are read once more.
    pub(super) fn now(&self, clock: &dyn Clock) -> Option<UnixMillis> {
        self.compare(clock).or_else(|| self.compare(clock))
    }

    fn compare(&self, clock: &dyn Clock) -> Option<UnixMillis> {
        let passed = clock.monotonic().saturating_sub(self.monotonic);
        let passed = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        let expected = UnixMillis(self.wall.0.saturating_add(passed));
        let now = clock.now();
        (now.abs_diff(expected) <= CLOCK_DRIFT_MAX_MS).then_some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_be_apart_by_the_limit_and_no_more() {
        let clock = ManualClock::at(UnixMillis(1_000_000));
        let watch = ClockWatch::start(&clock);
        clock.advance(Duration::from_secs(3_600));
        let right = UnixMillis(4_600_000);
        assert_eq!(watch.now(&clock), Some(right));
        for (by, good) in [(60_000, true), (60_001, false)] {
            for wall in [UnixMillis(right.0 + by), UnixMillis(right.0 - by)] {
                clock.set(wall);
                assert_eq!(watch.now(&clock), good.then_some(wall));
            }
        }
        clock.set(right);
        assert_eq!(watch.now(&clock), Some(right));
    }

    /// The machine's clocks as a process sees them that is stopped for an hour after each of the
    /// next readings of the monotonic clock.
    struct Stopped(ManualClock, Mutex<u32>);

    impl Clock for Stopped {
        fn now(&self) -> UnixMillis {
            self.0.now()
        }

        fn monotonic(&self) -> Duration {
            let read = self.0.monotonic();
            let mut stops = self.1.lock().unwrap();
            if let Some(left) = stops.checked_sub(1) {
                *stops = left;
                self.0.advance(Duration::from_secs(3_600));
            }
            read
        }
    }

    #[test]
    fn a_process_that_was_stopped_between_the_clocks_reads_them_again() {
        let clock = Stopped(ManualClock::at(UnixMillis(0)), Mutex::new(0));
        let watch = ClockWatch::start(&clock);
        *clock.1.lock().unwrap() = 1;
        assert_eq!(watch.now(&clock), Some(UnixMillis(3_600_000)));
        // Twice in a row is no accident.
        *clock.1.lock().unwrap() = 2;
        assert_eq!(watch.now(&clock), None);
        assert_eq!(watch.now(&clock), Some(UnixMillis(3 * 3_600_000)));
    }

    #[test]
    fn the_system_clock_is_past_the_day_this_was_written() {
        let clock = SystemClock::new();
        assert!(clock.now() > UnixMillis(1_760_000_000_000));
        assert!(clock.monotonic() <= clock.monotonic());
    }
}
