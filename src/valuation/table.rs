//! Rows with numeric features, a label and perhaps an owner, in memory and already checked.
//!
//! A table holds at least one row and one feature, every cell is finite, and cells lie row after
//! row in the column order of the file they came from.

use std::collections::HashMap;

/// What makes columns unfit to be a table, or two tables unfit to be compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TableViolation {
    /// There is no row.
    #[error("there are no rows")]
    NoRows,
    /// There is no feature column.
    #[error("there is no feature column")]
    NoFeatures,
    /// There are more rows than a row number can name.
    #[error("there are more than {} rows", u32::MAX)]
    TooManyRows,
    /// Two columns have the same name.
    #[error("column {column:?} stands there twice")]
    ColumnTwice {
        /// The name of both.
        column: String,
    },
    /// A column has more or fewer cells than the label column.
    #[error("column {column:?} has {found} cells, the labels have {expected}")]
    Length {
        /// The name of the column.
        column: String,
        /// How many cells it has.
        found: usize,
        /// How many labels there are.
        expected: usize,
    },
    /// A cell is infinite or not a number.
    #[error("row {row} (from 0), column {column:?}: {value} is not a finite number")]
    NotFinite {
        /// The row, from 0.
        row: usize,
        /// The name of the column.
        column: String,
        /// The cell.
        value: f64,
    },
    /// A feature of the training rows is missing from the other table.
    #[error("column {column:?} stands in the training rows only")]
    OnlyInTraining {
        /// The name of the column.
        column: String,
    },
    /// A feature of the other table is missing from the training rows.
    #[error("column {column:?} is missing from the training rows")]
    NotInTraining {
        /// The name of the column.
        column: String,
    },
}

/// A column of text in which each distinct text is kept once.
#[derive(Debug, Clone, Default)]
pub struct TextColumn {
    distinct: Vec<String>,
    numbers: HashMap<String, u32>,
    of_row: Vec<u32>,
}

impl TextColumn {
    /// Adds the text of the next row.
    pub fn push(&mut self, text: &str) {
        let number = match self.numbers.get(text) {
            Some(number) => *number,
            None => {
                // A table of more than u32::MAX rows is refused, so that no number repeats.
                let number = u32::try_from(self.distinct.len()).unwrap_or(u32::MAX);
                self.distinct.push(text.to_owned());
                self.numbers.insert(text.to_owned(), number);
                number
            }
        };
        self.of_row.push(number);
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.of_row.len()
    }

    /// Returns whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.of_row.is_empty()
    }

    /// Returns the distinct texts in the order of their first rows.
    pub fn distinct(&self) -> &[String] {
        &self.distinct
    }

    /// Returns for each row the number of its text in [`TextColumn::distinct`].
    pub fn numbers(&self) -> &[u32] {
        &self.of_row
    }

    /// Returns the number of a text, if some row has it.
    pub fn number_of(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    /// Returns the text of a row.
    pub fn get(&self, row: usize) -> Option<&str> {
        let number = usize::try_from(*self.of_row.get(row)?).ok()?;
        self.distinct.get(number).map(String::as_str)
    }
}

impl<'a> FromIterator<&'a str> for TextColumn {
    fn from_iter<Texts: IntoIterator<Item = &'a str>>(texts: Texts) -> Self {
        let mut column = Self::default();
        for text in texts {
            column.push(text);
        }
        column
    }
}

/// Rows with features, labels and perhaps owners.
#[derive(Debug, Clone)]
pub struct FeatureTable {
    features: Vec<String>,
    cells: Vec<f64>,
    labels: TextColumn,
    owners: Option<TextColumn>,
}

impl FeatureTable {
    /// Builds a table from parsed columns, the features in their order.
    ///
    /// # Errors
    /// All violations found, never only the first.
    pub fn from_columns(
        features: Vec<(String, Vec<f64>)>,
        labels: TextColumn,
        owners: Option<TextColumn>,
    ) -> Result<Self, Vec<TableViolation>> {
        let violations = violations_of(&features, &labels, owners.as_ref());
        if !violations.is_empty() {
            return Err(violations);
        }
        let mut cells = Vec::with_capacity(labels.len().saturating_mul(features.len()));
        for row in 0..labels.len() {
            let cells_of_row = features.iter().filter_map(|(_, column)| column.get(row));
            cells.extend(cells_of_row.copied());
        }
        let features = features.into_iter().map(|(name, _)| name).collect();
        Ok(Self {
            features,
            cells,
            labels,
            owners,
        })
    }

    /// Builds a table from cells that lie row after row, the features in their order.
    ///
    /// # Errors
    /// All violations found, never only the first.
    pub fn from_rows(
        features: Vec<String>,
        cells: Vec<f64>,
        labels: TextColumn,
        owners: Option<TextColumn>,
    ) -> Result<Self, Vec<TableViolation>> {
        let mut violations = row_count_violations(&labels);
        violations.extend(name_violations(features.iter()));
        let width = features.len().max(1);
        if let Some(owners) = owners
            .as_ref()
            .filter(|owners| owners.len() != labels.len())
        {
            violations.push(length_violation("owner", owners.len(), labels.len()));
        }
        if cells.len() != labels.len().saturating_mul(features.len()) {
            let column = features.first().map_or("", String::as_str);
            let rows = cells.len().div_ceil(width);
            violations.push(length_violation(column, rows, labels.len()));
        }
        for (place, value) in cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| !cell.is_finite())
        {
            let column = features.get(place.checked_rem(width).unwrap_or(0));
            violations.push(TableViolation::NotFinite {
                row: place.checked_div(width).unwrap_or(0),
                column: column.cloned().unwrap_or_default(),
                value: *value,
            });
        }
        if !violations.is_empty() {
            return Err(violations);
        }
        Ok(Self {
            features,
            cells,
            labels,
            owners,
        })
    }

    /// Builds a table from rows of tables that share one list of columns, without owners.
    ///
    /// # Errors
    /// No rows, or too many of them.
    pub fn gather<'a>(
        features: &[String],
        rows: impl Iterator<Item = (&'a [f64], &'a str)>,
    ) -> Result<Self, Vec<TableViolation>> {
        let mut cells = Vec::new();
        let mut labels = TextColumn::default();
        for (row, label) in rows {
            cells.extend_from_slice(row);
            labels.push(label);
        }
        let violations = row_count_violations(&labels);
        if !violations.is_empty() {
            return Err(violations);
        }
        Ok(Self {
            features: features.to_vec(),
            cells,
            labels,
            owners: None,
        })
    }

    /// Returns the same rows with an owner each.
    ///
    /// # Errors
    /// Owners that are not as many as the rows.
    pub fn with_owners(mut self, owners: TextColumn) -> Result<Self, Vec<TableViolation>> {
        if owners.len() != self.rows() {
            return Err(vec![length_violation("owner", owners.len(), self.rows())]);
        }
        self.owners = Some(owners);
        Ok(self)
    }

    /// Returns the same rows with the columns in the order of `features`, matched by name.
    ///
    /// # Errors
    /// Each column that stands on one side only; `features` are the training rows' columns.
    pub fn in_column_order(&self, features: &[String]) -> Result<Self, Vec<TableViolation>> {
        let places: HashMap<&str, usize> = self
            .features
            .iter()
            .enumerate()
            .map(|(place, name)| (name.as_str(), place))
            .collect();
        let mut violations = Vec::new();
        let mut order = Vec::with_capacity(features.len());
        for column in features {
            match places.get(column.as_str()) {
                Some(place) => order.push(*place),
                None => violations.push(TableViolation::OnlyInTraining {
                    column: column.clone(),
                }),
            }
        }
        for column in self.features.iter().filter(|name| !features.contains(name)) {
            violations.push(TableViolation::NotInTraining {
                column: column.clone(),
            });
        }
        if !violations.is_empty() {
            return Err(violations);
        }
        let mut cells = Vec::with_capacity(self.cells.len());
        for row in self.iter_rows() {
            cells.extend(order.iter().filter_map(|place| row.get(*place)).copied());
        }
        Ok(Self {
            features: features.to_vec(),
            cells,
            labels: self.labels.clone(),
            owners: self.owners.clone(),
        })
    }

    /// Returns the number of rows, at least 1.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Returns the names of the feature columns, at least one, in order.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// Returns the features of one row, in column order.
    pub fn row(&self, row: usize) -> Option<&[f64]> {
        let start = row.checked_mul(self.features.len())?;
        let end = start.checked_add(self.features.len())?;
        self.cells.get(start..end)
    }

    /// Returns the features of every row, in row order.
    pub fn iter_rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.cells.chunks_exact(self.features.len().max(1))
    }

    /// Returns every cell, row after row.
    pub fn cells(&self) -> &[f64] {
        &self.cells
    }

    /// Returns the labels.
    pub fn labels(&self) -> &TextColumn {
        &self.labels
    }

    /// Returns the owners, if the table has them.
    pub fn owners(&self) -> Option<&TextColumn> {
        self.owners.as_ref()
    }
}

fn row_count_violations(labels: &TextColumn) -> Vec<TableViolation> {
    match u32::try_from(labels.len()) {
        Ok(0) => vec![TableViolation::NoRows],
        Ok(_) => Vec::new(),
        Err(_) => vec![TableViolation::TooManyRows],
    }
}

fn name_violations<'n>(names: impl ExactSizeIterator<Item = &'n String>) -> Vec<TableViolation> {
    let mut violations = Vec::new();
    if names.len() == 0 {
        violations.push(TableViolation::NoFeatures);
    }
    let mut seen = std::collections::HashSet::new();
    for column in names.filter(|name| !seen.insert(*name)) {
        violations.push(TableViolation::ColumnTwice {
            column: column.clone(),
        });
    }
    violations
}

fn violations_of(
    features: &[(String, Vec<f64>)],
    labels: &TextColumn,
    owners: Option<&TextColumn>,
) -> Vec<TableViolation> {
    let mut violations = row_count_violations(labels);
    violations.extend(name_violations(features.iter().map(|(name, _)| name)));
    for (name, cells) in features {
        if cells.len() != labels.len() {
            violations.push(length_violation(name, cells.len(), labels.len()));
        }
        for (row, value) in cells.iter().enumerate() {
            if !value.is_finite() {
                violations.push(TableViolation::NotFinite {
                    row,
                    column: name.clone(),
                    value: *value,
                });
            }
        }
    }
    match owners {
        Some(owners) if owners.len() != labels.len() => {
            violations.push(length_violation("owner", owners.len(), labels.len()));
        }
        _ => {}
    }
    violations
}

fn length_violation(column: &str, found: usize, expected: usize) -> TableViolation {
    TableViolation::Length {
        column: column.to_owned(),
        found,
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(features: &[(&str, &[f64])], labels: &[&str]) -> Result<FeatureTable, String> {
        let features = features
            .iter()
            .map(|(name, cells)| ((*name).to_owned(), cells.to_vec()))
            .collect();
        let labels = labels.iter().copied().collect();
        FeatureTable::from_columns(features, labels, None).map_err(|violations| {
            let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
            lines.join("\n")
        })
    }

    #[test]
    fn all_violations_are_named() {
        let found = table(
            &[("x", &[1.0, f64::NAN]), ("x", &[f64::INFINITY])],
            &["a", "b"],
        );
        let expected = "column \"x\" stands there twice\n\
            row 1 (from 0), column \"x\": NaN is not a finite number\n\
            column \"x\" has 1 cells, the labels have 2\n\
            row 0 (from 0), column \"x\": inf is not a finite number";
        assert_eq!(found.unwrap_err(), expected);
        let found = table(&[], &[]).unwrap_err();
        assert_eq!(found, "there are no rows\nthere is no feature column");
    }

    #[test]
    fn rows_are_checked_as_columns_are() {
        let table = |features: &[&str], cells: &[f64], labels: usize, owners: usize| {
            let features = features.iter().map(|name| (*name).to_owned()).collect();
            let texts = |count| std::iter::repeat_n("a", count).collect::<TextColumn>();
            FeatureTable::from_rows(features, cells.to_vec(), texts(labels), Some(texts(owners)))
                .map(|table| table.rows())
                .map_err(|violations| violations.len())
        };
        assert_eq!(table(&["x", "y"], &[1.0, 2.0, 3.0, 4.0], 2, 2), Ok(2));
        assert_eq!(table(&["x", "x"], &[1.0, f64::NAN], 1, 1), Err(2));
        assert_eq!(table(&["x"], &[1.0, 2.0], 1, 2), Err(2));
        assert_eq!(table(&[], &[], 0, 0), Err(2));
    }

    #[test]
    fn columns_are_matched_by_name() {
        let other = table(&[("y", &[1.0, 2.0]), ("x", &[3.0, 4.0])], &["a", "b"]).unwrap();
        let turned = other.in_column_order(&["x".into(), "y".into()]).unwrap();
        assert_eq!(turned.cells(), [3.0, 1.0, 4.0, 2.0]);
        assert_eq!(turned.row(1).unwrap(), [4.0, 2.0]);
        let violations = other
            .in_column_order(&["x".into(), "z".into()])
            .unwrap_err();
        let column = |name: &str| name.to_owned();
        assert_eq!(
            violations,
            [
                TableViolation::OnlyInTraining {
                    column: column("z")
                },
                TableViolation::NotInTraining {
                    column: column("y")
                },
            ]
        );
    }

    #[test]
    fn equal_texts_share_a_number() {
        let column: TextColumn = ["b", "a", "b"].into_iter().collect();
        assert_eq!(column.numbers(), [0, 1, 0]);
        assert_eq!(column.get(2), Some("b"));
        assert_eq!(column.number_of("a"), Some(1));
        assert_eq!(column.number_of("c"), None);
    }
}
