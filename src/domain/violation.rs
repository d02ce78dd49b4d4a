//! What is wrong with something that was handed in, by place: all of it at once, not the first.

use std::fmt;

/// One thing that is wrong, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The path of the field, such as `contributions[3].parents[0].upstream_bps`.
    pub path: String,
    /// What is wrong there and what would be right, as one clause without a full stop.
    pub description: String,
}

impl Violation {
    /// Returns a violation from its place and its text.
    pub fn new(path: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            description: description.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.description)
        } else {
            write!(f, "{}: {}", self.path, self.description)
        }
    }
}
