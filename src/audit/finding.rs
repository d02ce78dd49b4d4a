//! What an audit finds, and where; and what it could not look at, and why.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::domain::ContentHash;
pub use crate::domain::FindingKind;

/// The most findings that a report lists; how many more there were is counted.
pub const FINDINGS_MAX: usize = 100;

/// Where something was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The log as a whole.
    Log,
    /// An entry, by its index.
    Entry(u64),
    /// The checkpoint of a size.
    Checkpoint(u64),
    /// An account, by its name.
    Account(String),
    /// The state after the last entry.
    State,
    /// A kept receipt, by the index that it proves.
    Receipt(u64),
    /// A line of the settlement that an entry booked, by its number.
    Line {
        /// The index of the settlement's entry.
        settled_index: u64,
        /// The number of the line, from 0.
        number: u64,
    },
    /// A tile or entry bundle of a static log, by its path.
    Tile(String),
    /// Bytes that the log names, by their hash.
    Blob {
        /// The index of the first entry that names them.
        index: u64,
        /// Their hash.
        hash: ContentHash,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log => f.write_str("log"),
            Self::Entry(index) => write!(f, "entry {index}"),
            Self::Checkpoint(size) => write!(f, "checkpoint of size {size}"),
            Self::Account(name) => write!(f, "account {name}"),
            Self::State => f.write_str("state"),
            Self::Receipt(index) => write!(f, "receipt of entry {index}"),
            Self::Line {
                settled_index,
                number,
            } => write!(
                f,
                "line {number} of the settlement in entry {settled_index}"
            ),
            Self::Tile(path) => f.write_str(path),
            Self::Blob { index, hash } => write!(f, "blob {hash} of entry {index}"),
        }
    }
}

impl Place {
    /// Returns the log index that a reader should look at, where there is one.
    pub fn index(&self) -> Option<u64> {
        match self {
            Self::Entry(index) | Self::Receipt(index) => Some(*index),
            Self::Line { settled_index, .. } => Some(*settled_index),
            Self::Blob { index, .. } => Some(*index),
            Self::Log | Self::Checkpoint(_) | Self::Account(_) | Self::State | Self::Tile(_) => {
                None
            }
        }
    }
}

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// Where.
    pub place: Place,
    /// What is wrong, as a sentence.
    pub message: String,
    /// What should be there, where that is one text.
    pub expected: Option<String>,
    /// What is there instead.
    pub found: Option<String>,
}

impl Finding {
    /// Returns a finding that one sentence says in full.
    pub fn new(kind: FindingKind, place: Place, message: impl Into<String>) -> Self {
        Self {
            kind,
            place,
            message: message.into(),
            expected: None,
            found: None,
        }
    }

    /// Adds what should be there and what is.
    #[must_use]
    pub fn differs(mut self, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        self.expected = Some(expected.to_string());
        self.found = Some(found.to_string());
        self
    }

    /// Returns the finding as JSON.
    pub fn json(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("kind".to_owned(), json!(self.kind.as_str()));
        fields.insert("place".to_owned(), json!(self.place.to_string()));
        fields.insert("message".to_owned(), json!(self.message));
        let texts = [("expected", &self.expected), ("found", &self.found)];
        for (name, text) in texts {
            if let Some(text) = text {
                fields.insert(name.to_owned(), json!(text));
            }
        }
        if let Some(index) = self.place.index() {
            fields.insert("index".to_owned(), json!(index));
        }
        Value::Object(fields)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.kind, self.message)?;
        if let (Some(expected), Some(found)) = (&self.expected, &self.found) {
            write!(f, "\n    expected {expected}\n    found    {found}")?;
        }
        Ok(())
    }
}

/// Something that could not be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotChecked {
    /// What.
    pub what: String,
    /// Why not.
    pub why: String,
}

impl fmt::Display for NotChecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}
