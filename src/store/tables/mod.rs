//! Readers of the files that people keep their rows in.
//!
//! They read bytes, so that a file and a stored blob go through the same code, and they report
//! everything that is wrong with them, not only the first thing. What kind a file is, is told by
//! its first bytes and not by its name.

mod arrays;
mod batches;
mod builder;
mod columns;
mod csv;
mod ipc;
mod parquet;
#[cfg(test)]
mod tests;
mod violations;

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;

use crate::valuation::FeatureTable;

pub use builder::MAX_CELL_BYTES;
pub use columns::{Columns, OwnerColumn};
pub use csv::read_csv;
pub use violations::{FileViolation, MAX_VIOLATIONS, Place};

/// Reads a table from the bytes of a Parquet file, an Arrow IPC file or stream, or else CSV.
///
/// # Errors
/// Everything that is wrong with the file, at most [`MAX_VIOLATIONS`] and how many more.
pub fn read_table(bytes: Bytes, columns: &Columns) -> Result<FeatureTable, Vec<FileViolation>> {
    read_within(bytes, columns, MAX_CELL_BYTES)
}

fn read_within(
    bytes: Bytes,
    columns: &Columns,
    limit: u64,
) -> Result<FeatureTable, Vec<FileViolation>> {
    if bytes.starts_with(parquet::MAGIC) {
        guarded("Parquet", || parquet::read_parquet(bytes, columns, limit))
    } else if bytes.starts_with(ipc::FILE_MAGIC) || bytes.starts_with(ipc::STREAM_MAGIC) {
        guarded("Arrow IPC", || ipc::read_ipc(bytes, columns, limit))
    } else {
        read_csv(&bytes, columns)
    }
}

/// Reads by a library that panics at some damaged files, and makes a violation of that.
fn guarded(
    kind: &'static str,
    read: impl FnOnce() -> Result<FeatureTable, Vec<FileViolation>>,
) -> Result<FeatureTable, Vec<FileViolation>> {
    // What was half read is dropped, so nothing that was broken is seen again.
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let problem = "it is damaged".to_owned();
        Err(vec![FileViolation::Unreadable { kind, problem }])
    })
}
