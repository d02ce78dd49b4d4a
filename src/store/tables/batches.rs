//! A table out of Arrow record batches, whatever file they come from.

use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Schema};

use super::arrays::{
    element_type, for_each_list, for_each_number, for_each_text, is_numeric, is_textual,
};
use super::builder::TableBuilder;
use super::columns::{Columns, Role, roles_of};
use super::violations::{FileViolation, Place, shortened};
use crate::valuation::{FeatureTable, TableViolation, TextColumn};

/// A column that is read.
struct Part {
    name: String,
    /// Its number in the batches.
    column: usize,
    role: Role,
    /// How many features it is: one, or the elements of its lists once a row was read.
    width: Option<usize>,
}

/// A table in the making from record batches of one schema.
pub(super) struct BatchReader {
    table: TableBuilder,
    parts: Vec<Part>,
    rows: u64,
    limit: u64,
}

impl BatchReader {
    /// Decides what each column is.
    ///
    /// # Errors
    /// Columns that are missing or of other types than they must be.
    pub fn new(schema: &Schema, columns: &Columns, limit: u64) -> Result<Self, Vec<FileViolation>> {
        let mut table = TableBuilder::default();
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().trim())
            .collect();
        let roles = roles_of(&names, columns, &mut table.violations);
        let mut parts = Vec::new();
        for (column, (field, role)) in schema.fields().iter().zip(roles).enumerate() {
            let kind = field.data_type();
            let (name, shown) = (field.name().trim().to_owned(), kind.to_string());
            match role {
                Role::LeftOut => continue,
                Role::Owner => table.owners = Some(TextColumn::default()),
                Role::Label | Role::Feature => {}
            }
            if let Some(violation) = wrong_type(&name, kind, shown, role) {
                table.violations.push(violation);
            }
            let width = element_type(kind).is_none().then_some(1);
            parts.push(Part {
                name,
                column,
                role,
                width,
            });
        }
        if !table.violations.is_empty() {
            return Err(table.violations.into_list());
        }
        Ok(Self {
            table,
            parts,
            rows: 0,
            limit,
        })
    }

    /// Returns the numbers of the columns that are read.
    pub fn columns(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().map(|part| part.column)
    }

    /// Says that from now on batches hold the columns that are read alone.
    pub fn project(&mut self) {
        for (column, part) in self.parts.iter_mut().enumerate() {
            part.column = column;
        }
    }

    /// Adds the rows of a batch.
    ///
    /// # Errors
    /// More cells than there may be; everything else is said in the end.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), Vec<FileViolation>> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if self.rows == 0 {
            self.find_widths(batch);
        }
        let widths = self.parts.iter().filter(|part| part.role == Role::Feature);
        let width: usize = widths.filter_map(|part| part.width).sum();
        let first = self.table.cells.len();
        let more = width.saturating_mul(batch.num_rows());
        let bytes = first.saturating_add(more).saturating_mul(size_of::<f64>());
        if u64::try_from(bytes).unwrap_or(u64::MAX) > self.limit {
            return Err(vec![FileViolation::TooLarge { limit: self.limit }]);
        }
        self.table.cells.resize(first.saturating_add(more), 0.0);
        let mut place = first;
        for part in &self.parts {
            let Some(array) = batch.columns().get(part.column) else {
                continue;
            };
            match part.role {
                Role::Feature => {
                    let cells = Cells { place, width };
                    add_features(&mut self.table, part, array, self.rows, cells);
                    place = place.saturating_add(part.width.unwrap_or(0));
                }
                _ => add_texts(&mut self.table, part, array, self.rows),
            }
        }
        let more = u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
        self.rows = self.rows.saturating_add(more);
        Ok(())
    }

    /// Finds in the first row how many elements lists have, and names their features.
    fn find_widths(&mut self, batch: &RecordBatch) {
        let features = self
            .parts
            .iter_mut()
            .filter(|part| part.role == Role::Feature);
        for part in features {
            if part.width.is_some() {
                self.table.features.push(part.name.clone());
                continue;
            }
            let mut width = None;
            if let Some(array) = batch.columns().get(part.column) {
                for_each_list(&array.slice(0, 1), &mut |list| {
                    width = list.map(|list| list.len());
                });
            }
            let width = width.unwrap_or(0);
            part.width = Some(width);
            let names = (0..width).map(|element| format!("{}[{element}]", part.name));
            self.table.features.extend(names);
        }
        if self.table.features.is_empty() {
            let none = FileViolation::Table(TableViolation::NoFeatures);
            self.table.violations.push(none);
        }
    }

    /// Returns the table, or all that is wrong with it.
    pub fn finish(self) -> Result<FeatureTable, Vec<FileViolation>> {
        self.table.finish(self.rows)
    }
}

fn wrong_type(name: &str, kind: &DataType, shown: String, role: Role) -> Option<FileViolation> {
    let column = shortened(name);
    let kind_shown = shortened(&shown);
    match role {
        Role::Feature if !is_numeric(element_type(kind).unwrap_or(kind)) => {
            Some(FileViolation::NotNumeric {
                column,
                kind: kind_shown,
            })
        }
        Role::Label | Role::Owner if !is_textual(kind) => Some(FileViolation::NotALabel {
            column,
            kind: kind_shown,
        }),
        _ => None,
    }
}

/// Where the cells of a column go: the first place, and how far each row is from the last.
#[derive(Clone, Copy)]
struct Cells {
    place: usize,
    width: usize,
}

fn add_features(
    table: &mut TableBuilder,
    part: &Part,
    array: &dyn Array,
    first_row: u64,
    cells: Cells,
) {
    let mut row = 0usize;
    let put = |table: &mut TableBuilder, row: usize, element: usize, cell: Option<f64>| {
        let number = u64::try_from(row).unwrap_or(u64::MAX);
        let place = Place::Row(first_row.saturating_add(number));
        let column = || shortened(&part.name);
        match cell {
            Some(cell) if cell.is_finite() => {
                let start = cells.place.saturating_add(row.saturating_mul(cells.width));
                if let Some(slot) = table.cells.get_mut(start.saturating_add(element)) {
                    *slot = cell;
                }
            }
            Some(cell) => table.violations.push(FileViolation::NotFinite {
                place,
                column: column(),
                cell: cell.to_string(),
            }),
            None => {
                let column = column();
                table
                    .violations
                    .push(FileViolation::Empty { place, column });
            }
        }
    };
    if element_type(array.data_type()).is_none() {
        for_each_number(array, &mut |cell| {
            put(table, row, 0, cell);
            row = row.saturating_add(1);
        });
        return;
    }
    for_each_list(array, &mut |list| {
        let expected = part.width.unwrap_or(0);
        match list {
            Some(list) if list.len() == expected => {
                let mut element = 0usize;
                for_each_number(&list, &mut |cell| {
                    put(table, row, element, cell);
                    element = element.saturating_add(1);
                });
            }
            Some(list) => {
                let number = u64::try_from(row).unwrap_or(u64::MAX);
                table.violations.push(FileViolation::ListLength {
                    place: Place::Row(first_row.saturating_add(number)),
                    column: shortened(&part.name),
                    found: list.len(),
                    expected,
                });
            }
            None => put(table, row, 0, None),
        }
        row = row.saturating_add(1);
    });
}

fn add_texts(table: &mut TableBuilder, part: &Part, array: &dyn Array, first_row: u64) {
    let mut row = first_row;
    for_each_text(array, &mut |text| {
        match text.filter(|text| !text.trim().is_empty()) {
            Some(text) if part.role == Role::Label => table.labels.push(text),
            Some(text) => {
                if let Some(owners) = &mut table.owners {
                    owners.push(text);
                }
            }
            None => table.violations.push(FileViolation::Empty {
                place: Place::Row(row),
                column: shortened(&part.name),
            }),
        }
        row = row.saturating_add(1);
    });
}
