//! Readers of the files that people keep their rows in.
//!
//! They read bytes, so that a file and a stored blob go through the same code, and they report
//! everything that is wrong with them, not only the first thing.

mod csv;

pub use csv::{Columns, CsvViolation, MAX_VIOLATIONS, OwnerColumn, read_csv};
