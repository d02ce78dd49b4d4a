//! What can be wrong with a file of rows, and the list of it.

use std::fmt;

use crate::valuation::TableViolation;

/// How many violations of one file are listed.
pub const MAX_VIOLATIONS: usize = 1_000;

/// The most text of a cell or name that a message repeats, in characters.
const MAX_QUOTED: usize = 60;

/// Where in a file a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The line of a text file, from 1.
    Line(u64),
    /// The row, from 0.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(formatter, "line {line}"),
            Self::Row(row) => write!(formatter, "row {row} (from 0)"),
        }
    }
}

/// What is wrong with a file of rows.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FileViolation {
    /// The file is empty.
    #[error("the file is empty; its first line must name the columns")]
    NoHeader,
    /// A column has no name or one that is not UTF-8.
    #[error("column {number} (from 1) has no readable name")]
    NoName {
        /// The column, from 1.
        number: usize,
    },
    /// A column that must be there is missing.
    #[error("there is no column {column:?}")]
    Missing {
        /// The name of the column.
        column: String,
    },
    /// A column is asked for as a feature, but has another role.
    #[error("column {column:?} is the label or the owner and cannot be a feature")]
    NotAFeature {
        /// The name of the column.
        column: String,
    },
    /// A line has more or fewer cells than the header.
    #[error("{place}: {found} cells, but the header names {expected} columns")]
    Ragged {
        /// Where.
        place: Place,
        /// How many cells it has.
        found: usize,
        /// How many columns the header names.
        expected: usize,
    },
    /// A cell is empty.
    #[error("{place}, column {column:?}: the cell is empty")]
    Empty {
        /// Where.
        place: Place,
        /// The name of the column.
        column: String,
    },
    /// A cell is not UTF-8.
    #[error("{place}, column {column:?}: the cell is not UTF-8")]
    NotText {
        /// Where.
        place: Place,
        /// The name of the column.
        column: String,
    },
    /// A cell of a feature column is not a number.
    #[error(
        "{place}, column {column:?}: {cell:?} is not a number; name the feature columns to \
         leave text out"
    )]
    NotANumber {
        /// Where.
        place: Place,
        /// The name of the column.
        column: String,
        /// The cell.
        cell: String,
    },
    /// A cell of a feature column is infinite, beyond the range of an `f64`, or not a number.
    #[error("{place}, column {column:?}: {cell:?} is not a finite number")]
    NotFinite {
        /// Where.
        place: Place,
        /// The name of the column.
        column: String,
        /// The cell.
        cell: String,
    },
    /// A column is of a type that has no numbers.
    #[error(
        "column {column:?} is of type {kind}, not numeric; name the feature columns to leave it out"
    )]
    NotNumeric {
        /// The name of the column.
        column: String,
        /// The type, in Arrow's words.
        kind: String,
    },
    /// A label or owner column is of a type that is compared neither as text nor as integers.
    #[error("column {column:?} is of type {kind}; labels and owners are texts or integers")]
    NotALabel {
        /// The name of the column.
        column: String,
        /// The type, in Arrow's words.
        kind: String,
    },
    /// A list has more or fewer elements than that of the first row.
    #[error("{place}, column {column:?}: {found} elements, but the first row has {expected}")]
    ListLength {
        /// Where.
        place: Place,
        /// The name of the column.
        column: String,
        /// How many elements there are.
        found: usize,
        /// How many the first row has.
        expected: usize,
    },
    /// The file is not what its first bytes say.
    #[error("the {kind} file cannot be read: {problem}")]
    Unreadable {
        /// The kind of file.
        kind: &'static str,
        /// What the reader says.
        problem: String,
    },
    /// The file holds more than is read into memory.
    #[error("the rows need more than {limit} bytes of memory; divide the file")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The columns do not make a table.
    #[error("{0}")]
    Table(TableViolation),
    /// There are more violations than are listed.
    #[error("and {more} more")]
    More {
        /// How many are not listed.
        more: usize,
    },
}

/// Shortens what a message repeats.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(MAX_QUOTED).collect()
}

/// The violations found so far.
#[derive(Default)]
pub(super) struct Violations {
    listed: Vec<FileViolation>,
    more: usize,
}

impl Violations {
    /// Lists one more.
    pub fn push(&mut self, violation: FileViolation) {
        if self.listed.len() < MAX_VIOLATIONS {
            self.listed.push(violation);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// Returns the list, which says at its end how many are missing from it.
    pub fn into_list(mut self) -> Vec<FileViolation> {
        if self.more > 0 {
            self.listed.push(FileViolation::More { more: self.more });
        }
        self.listed
    }
}
