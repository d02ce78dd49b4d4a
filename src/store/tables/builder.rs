//! Rows as they are read, put together as a table.

use super::violations::{FileViolation, Violations};
use crate::valuation::{FeatureTable, TableViolation, TextColumn};

/// The most memory that the cells of one table take, in bytes.
pub const MAX_CELL_BYTES: u64 = 4 << 30;

/// A table in the making; cells lie row after row.
#[derive(Default)]
pub(super) struct TableBuilder {
    pub features: Vec<String>,
    pub cells: Vec<f64>,
    pub labels: TextColumn,
    pub owners: Option<TextColumn>,
    pub violations: Violations,
}

impl TableBuilder {
    /// Returns the table, or all that is wrong with it.
    pub fn finish(mut self, rows: u64) -> Result<FeatureTable, Vec<FileViolation>> {
        if rows == 0 {
            let none = FileViolation::Table(TableViolation::NoRows);
            self.violations.push(none);
        }
        if !self.violations.is_empty() {
            return Err(self.violations.into_list());
        }
        FeatureTable::from_rows(self.features, self.cells, self.labels, self.owners)
            .map_err(|found| found.into_iter().map(FileViolation::Table).collect())
    }
}
