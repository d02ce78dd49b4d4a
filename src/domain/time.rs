//! Points in time as unix milliseconds; nothing here asks a clock.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z. Shows as RFC 3339 in UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// The last millisecond of the year 9999, beyond which times are refused.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// Returns the distance between two points, in milliseconds.
    pub fn abs_diff(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = i64::try_from(self.0)
            .ok()
            .and_then(chrono::DateTime::from_timestamp_millis)
            .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
        f.pad(&shown.unwrap_or_else(|| format!("{} ms", self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_as_rfc_3339() {
        assert_eq!(UnixMillis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(UnixMillis::MAX.to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(UnixMillis(u64::MAX).to_string(), "18446744073709551615 ms");
    }
}
