//! Parquet: what the file says of its size is checked before anything is unpacked.

use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;

use super::batches::BatchReader;
use super::columns::Columns;
use super::violations::FileViolation;
use crate::valuation::FeatureTable;

/// The first bytes of a file.
pub const MAGIC: &[u8] = b"PAR1";

/// The most rows that are unpacked at once.
const MAX_BATCH_ROWS: u64 = 8_192;
/// About the most values that are unpacked at once.
const BATCH_VALUES: u64 = 1 << 20;

/// Reads a table from the bytes of a Parquet file.
///
/// # Errors
/// Everything that is wrong with the file; more than `limit` bytes of cells, or of unpacked pages.
pub(super) fn read_parquet(
    bytes: Bytes,
    columns: &Columns,
    limit: u64,
) -> Result<FeatureTable, Vec<FileViolation>> {
    // Without the schema that Arrow's writers add, texts are texts and lists are lists.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let file = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options)
        .map_err(unreadable)?;
    let mut reader = BatchReader::new(file.schema(), columns, limit)?;
    let wanted = ProjectionMask::roots(file.parquet_schema(), reader.columns());
    let size = size_of(file.metadata(), &wanted);
    if size.bytes > limit || size.values.saturating_mul(8) > limit {
        return Err(vec![FileViolation::TooLarge { limit }]);
    }
    let values_per_row = size.values.checked_div(size.rows).unwrap_or(0).max(1);
    let rows = BATCH_VALUES
        .checked_div(values_per_row)
        .unwrap_or(0)
        .clamp(1, MAX_BATCH_ROWS);
    let batches = file
        .with_projection(wanted)
        .with_batch_size(usize::try_from(rows).unwrap_or(1))
        .build()
        .map_err(unreadable)?;
    reader.project();
    for batch in batches {
        reader.add(&batch.map_err(unreadable)?)?;
    }
    reader.finish()
}

/// What a file says of itself.
struct Size {
    rows: u64,
    /// Values of the columns that are read.
    values: u64,
    /// Bytes of these once they are unpacked.
    bytes: u64,
}

fn size_of(metadata: &ParquetMetaData, wanted: &ProjectionMask) -> Size {
    let mut size = Size {
        rows: 0,
        values: 0,
        bytes: 0,
    };
    // A number below zero says nothing and is taken as too large.
    let add = |sum: &mut u64, more: i64| {
        *sum = sum.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
    };
    for group in metadata.row_groups() {
        add(&mut size.rows, group.num_rows());
        for (leaf, chunk) in group.columns().iter().enumerate() {
            if wanted.leaf_included(leaf) {
                add(&mut size.values, chunk.num_values());
                add(&mut size.bytes, chunk.uncompressed_size());
            }
        }
    }
    size
}

fn unreadable(problem: impl std::fmt::Display) -> Vec<FileViolation> {
    vec![FileViolation::Unreadable {
        kind: "Parquet",
        problem: problem.to_string(),
    }]
}
