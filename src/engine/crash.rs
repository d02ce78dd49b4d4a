//! Crash points: places between the steps of a commit, or of a valuation, where a test can end
//! the process.
//!
//! They are compiled in and do nothing unless `FENRUN_CRASH_AT=point` or `point:n` is set when
//! the process first reaches one; then it aborts there, the `n`-th time (from 1), without
//! cleaning up, as a power switch would.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The environment variable that arms a point.
pub const CRASH_VARIABLE: &str = "FENRUN_CRASH_AT";

macro_rules! points {
    ($($name:ident, $text:literal, $doc:literal;)*) => {
        /// Where a process can be ended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Point {
            $(#[doc = $doc] $name,)*
        }

        impl Point {
            /// All points: those of a commit in their order, then those of a valuation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the name that arms the point.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

points! {
    Produced, "produced", "Attachments that the rules computed are stored, the entries are not.";
    BeforeAppend, "before-append", "The checkpoint is signed, nothing is written.";
    Committed, "committed", "The batch is durable, nobody has seen it.";
    Indexed, "indexed", "The index has the batch, readers do not.";
    Published, "published", "Readers see the batch, nobody was answered.";
    Answered, "answered", "Everybody was answered.";
    Planned, "job-planned", "What a valuation reads is written down, nothing is read.";
    Valued, "job-valued", "A valuation's table is stored, the valuation is not recorded.";
}

struct Armed {
    point: Point,
    passes_left: AtomicU64,
}

impl Point {
    /// The points that every commit passes.
    pub const OF_A_COMMIT: &'static [Self] = &[
        Self::Produced,
        Self::BeforeAppend,
        Self::Committed,
        Self::Indexed,
        Self::Published,
        Self::Answered,
    ];
}

/// Reads `point` or `point:n`.
fn parse(text: &str) -> Option<(Point, u64)> {
    let (name, count) = text.split_once(':').unwrap_or((text, "1"));
    let point = Point::ALL.iter().find(|point| point.name() == name)?;
    let count = count.parse().ok().filter(|count| *count > 0)?;
    Some((*point, count))
}

/// Ends the process if this point is armed and its turn has come.
pub(super) fn at(point: Point) {
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    let armed = ARMED.get_or_init(|| {
        let text = std::env::var(CRASH_VARIABLE).ok()?;
        let (point, count) = parse(&text)?;
        let passes_left = AtomicU64::new(count);
        Some(Armed { point, passes_left })
    });
    if let Some(armed) = armed
        && armed.point == point
        && armed.passes_left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_armed_by_name_and_count() {
        for point in Point::ALL {
            assert_eq!(parse(point.name()), Some((*point, 1)));
            assert_eq!(parse(&format!("{}:7", point.name())), Some((*point, 7)));
        }
        for wrong in ["", "nowhere", "committed:0", "committed:x", ":1"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
