//! CSV with a header: one label column, perhaps an owner column, every other column a feature.

use std::collections::HashSet;

use csv::{ByteRecord, ReaderBuilder};

use crate::valuation::{FeatureTable, TableViolation, TextColumn};

/// How many violations of one file are listed.
pub const MAX_VIOLATIONS: usize = 1_000;

/// The most text of a cell or name that a message repeats, in characters.
const MAX_QUOTED: usize = 60;

/// Which column of a file is what.
#[derive(Debug, Clone)]
pub struct Columns {
    /// The name of the label column.
    pub label: String,
    /// The owner column.
    pub owner: OwnerColumn,
    /// The names of the feature columns; without them every other column is one.
    pub features: Option<Vec<String>>,
}

/// What to do with the owner column; it is never a feature.
#[derive(Debug, Clone)]
pub enum OwnerColumn {
    /// Read it if it is there.
    IfPresent(String),
    /// It must be there.
    Required(String),
    /// Leave it out.
    Ignored(String),
}

impl OwnerColumn {
    fn name(&self) -> &str {
        match self {
            Self::IfPresent(name) | Self::Required(name) | Self::Ignored(name) => name,
        }
    }
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            label: "label".to_owned(),
            owner: OwnerColumn::IfPresent("owner".to_owned()),
            features: None,
        }
    }
}

/// What is wrong with a CSV file; lines count from 1 and the header is the first.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CsvViolation {
    /// The file is empty.
    #[error("the file is empty; its first line must name the columns")]
    NoHeader,
    /// A column of the header has no name or one that is not UTF-8.
    #[error("line 1, column {number} (from 1): the column has no readable name")]
    NoName {
        /// The column, from 1.
        number: usize,
    },
    /// A column that must be there is missing.
    #[error("there is no column {column:?}; line 1 must name it")]
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
    #[error("line {line}: {found} cells, but the header names {expected} columns")]
    Ragged {
        /// The line.
        line: u64,
        /// How many cells it has.
        found: usize,
        /// How many columns the header names.
        expected: usize,
    },
    /// A cell is empty.
    #[error("line {line}, column {column:?}: the cell is empty")]
    Empty {
        /// The line.
        line: u64,
        /// The name of the column.
        column: String,
    },
    /// A cell is not UTF-8.
    #[error("line {line}, column {column:?}: the cell is not UTF-8")]
    NotText {
        /// The line.
        line: u64,
        /// The name of the column.
        column: String,
    },
    /// A cell of a feature column is not a number.
    #[error(
        "line {line}, column {column:?}: {cell:?} is not a number; name the feature columns to \
         leave text out"
    )]
    NotANumber {
        /// The line.
        line: u64,
        /// The name of the column.
        column: String,
        /// The cell.
        cell: String,
    },
    /// A cell of a feature column is infinite, beyond the range of an `f64`, or not a number.
    #[error("line {line}, column {column:?}: {cell:?} is not a finite number")]
    NotFinite {
        /// The line.
        line: u64,
        /// The name of the column.
        column: String,
        /// The cell.
        cell: String,
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

/// Reads a table from the bytes of a CSV file.
///
/// Labels and owners are the cells' texts as they stand; spaces around a number do not matter.
///
/// # Errors
/// Everything that is wrong with the file, at most [`MAX_VIOLATIONS`] and how many more.
pub fn read_csv(bytes: &[u8], columns: &Columns) -> Result<FeatureTable, Vec<CsvViolation>> {
    let mut violations = Violations::default();
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut record = ByteRecord::new();
    if !next_record(&mut reader, &mut record) {
        return Err(vec![CsvViolation::NoHeader]);
    }
    let mut parts = parts_of(&record, columns, &mut violations);
    let mut rows = 0u64;
    while next_record(&mut reader, &mut record) {
        read_record(&record, &mut parts, &mut violations);
        rows = rows.saturating_add(1);
    }
    if rows == 0 {
        violations.push(CsvViolation::Table(TableViolation::NoRows));
    }
    if !violations.listed.is_empty() {
        return Err(violations.into_list());
    }
    let (mut features, mut labels, mut owners) = (Vec::new(), TextColumn::default(), None);
    for part in parts {
        match part.role {
            Role::Feature(cells) => features.push((part.name, cells)),
            Role::Label(texts) => labels = texts,
            Role::Owner(texts) => owners = Some(texts),
            Role::LeftOut => {}
        }
    }
    FeatureTable::from_columns(features, labels, owners)
        .map_err(|found| found.into_iter().map(CsvViolation::Table).collect())
}

/// Reads the next record; reading bytes of any shape cannot fail, so an error would be the end.
fn next_record(reader: &mut csv::Reader<&[u8]>, record: &mut ByteRecord) -> bool {
    reader.read_byte_record(record).unwrap_or(false)
}

/// A column of the file: its name and what was read of it.
struct Part {
    name: String,
    role: Role,
}

enum Role {
    Label(TextColumn),
    Owner(TextColumn),
    Feature(Vec<f64>),
    LeftOut,
}

/// Decides from the header what each column is.
fn parts_of(header: &ByteRecord, columns: &Columns, violations: &mut Violations) -> Vec<Part> {
    let mut parts = Vec::with_capacity(header.len());
    let mut names = HashSet::new();
    for (number, cell) in (1..).zip(header) {
        let name = std::str::from_utf8(cell).unwrap_or_default().trim();
        if name.is_empty() {
            violations.push(CsvViolation::NoName { number });
        } else if !names.insert(name) {
            violations.push(CsvViolation::Table(TableViolation::ColumnTwice {
                column: shortened(name),
            }));
        }
        parts.push(Part {
            name: name.to_owned(),
            role: role_of(name, columns),
        });
    }
    let mut needed = vec![columns.label.as_str()];
    if let OwnerColumn::Required(owner) = &columns.owner {
        needed.push(owner);
    }
    for feature in columns.features.iter().flatten() {
        if *feature == columns.label || feature == columns.owner.name() {
            let column = feature.clone();
            violations.push(CsvViolation::NotAFeature { column });
        } else {
            needed.push(feature);
        }
    }
    for column in needed.into_iter().filter(|name| !names.contains(name)) {
        let column = column.to_owned();
        violations.push(CsvViolation::Missing { column });
    }
    if !parts
        .iter()
        .any(|part| matches!(part.role, Role::Feature(_)))
    {
        violations.push(CsvViolation::Table(TableViolation::NoFeatures));
    }
    parts
}

fn role_of(name: &str, columns: &Columns) -> Role {
    let chosen = |features: &Vec<String>| features.iter().any(|feature| feature == name);
    if name == columns.label {
        Role::Label(TextColumn::default())
    } else if name == columns.owner.name() {
        match columns.owner {
            OwnerColumn::Ignored(_) => Role::LeftOut,
            _ => Role::Owner(TextColumn::default()),
        }
    } else if columns.features.as_ref().is_none_or(chosen) {
        Role::Feature(Vec::new())
    } else {
        Role::LeftOut
    }
}

/// Adds the cells of a line to their columns, or says what is wrong with them.
fn read_record(record: &ByteRecord, parts: &mut [Part], violations: &mut Violations) {
    let line = record.position().map_or(0, csv::Position::line);
    if record.len() != parts.len() {
        violations.push(CsvViolation::Ragged {
            line,
            found: record.len(),
            expected: parts.len(),
        });
        return;
    }
    for (cell, Part { name, role }) in record.iter().zip(parts) {
        if matches!(role, Role::LeftOut) {
            continue;
        }
        let column = || shortened(name);
        let text = match std::str::from_utf8(cell) {
            Ok(text) if text.trim().is_empty() => {
                let column = column();
                violations.push(CsvViolation::Empty { line, column });
                continue;
            }
            Ok(text) => text,
            Err(_) => {
                let column = column();
                violations.push(CsvViolation::NotText { line, column });
                continue;
            }
        };
        match role {
            Role::Label(texts) | Role::Owner(texts) => texts.push(text),
            Role::Feature(cells) => match number_of(text) {
                Number::Finite(number) => cells.push(number),
                Number::NotFinite => violations.push(CsvViolation::NotFinite {
                    line,
                    column: column(),
                    cell: shortened(text),
                }),
                Number::Text => violations.push(CsvViolation::NotANumber {
                    line,
                    column: column(),
                    cell: shortened(text),
                }),
            },
            Role::LeftOut => {}
        }
    }
}

enum Number {
    Finite(f64),
    NotFinite,
    Text,
}

fn number_of(cell: &str) -> Number {
    match cell.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Number::Finite(number),
        Ok(_) => Number::NotFinite,
        Err(_) => Number::Text,
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_QUOTED).collect()
}

#[derive(Default)]
struct Violations {
    listed: Vec<CsvViolation>,
    more: usize,
}

impl Violations {
    fn push(&mut self, violation: CsvViolation) {
        if self.listed.len() < MAX_VIOLATIONS {
            self.listed.push(violation);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    fn into_list(mut self) -> Vec<CsvViolation> {
        if self.more > 0 {
            self.listed.push(CsvViolation::More { more: self.more });
        }
        self.listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], columns: &Columns) -> String {
        match read_csv(text, columns) {
            Ok(table) => {
                let rows = (0..table.rows()).map(|row| {
                    let owner = table.owners().and_then(|owners| owners.get(row));
                    let label = table.labels().get(row).unwrap();
                    format!(
                        "{:?} {label} {}",
                        table.row(row).unwrap(),
                        owner.unwrap_or("-")
                    )
                });
                format!(
                    "{}: {}",
                    table.features().join(","),
                    rows.collect::<Vec<_>>().join("; ")
                )
            }
            Err(violations) => {
                let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
                lines.join("\n")
            }
        }
    }

    fn features(names: &[&str]) -> Columns {
        Columns {
            features: Some(names.iter().map(|name| (*name).to_owned()).collect()),
            ..Columns::default()
        }
    }

    #[test]
    fn what_is_accepted() {
        let check = |text: &[u8], columns: &Columns, expected: &str| {
            assert_eq!(read(text, columns), expected);
        };
        let plain = Columns::default();
        check(
            b"x,y,label\n1, 2.5 ,a\r\n-1e3,.5,b\n",
            &plain,
            "x,y: [1.0, 2.5] a -; [-1000.0, 0.5] b -",
        );
        check(b"owner,label,x\nann,7,1\n", &plain, "x: [1.0] 7 ann");
        check(b"label,x\n\" a, b\",1", &plain, "x: [1.0]  a, b -");
        check(
            b"\xef\xbb\xbfx,label\n1,a\n\n2,b\n",
            &plain,
            "x: [1.0] a -; [2.0] b -",
        );
        check(
            b"note,y,label,x\nhi,2,a,1\n",
            &features(&["x", "y"]),
            "y,x: [2.0, 1.0] a -",
        );
        let ignored = Columns {
            owner: OwnerColumn::Ignored("owner".to_owned()),
            ..Columns::default()
        };
        check(b"owner,label,x\n,7,1\n", &ignored, "x: [1.0] 7 -");
    }

    #[test]
    fn what_is_refused_is_listed_in_full() {
        let check = |text: &[u8], columns: &Columns, expected: &[&str]| {
            assert_eq!(read(text, columns), expected.join("\n"));
        };
        let plain = Columns::default();
        check(
            b"",
            &plain,
            &["the file is empty; its first line must name the columns"],
        );
        check(b"x,label\n", &plain, &["there are no rows"]);
        check(b"label\na\n", &plain, &["there is no feature column"]);
        check(
            b"x,,x,\xff\n1,2,3,4\n",
            &plain,
            &[
                "line 1, column 2 (from 1): the column has no readable name",
                "column \"x\" stands there twice",
                "line 1, column 4 (from 1): the column has no readable name",
                "there is no column \"label\"; line 1 must name it",
            ],
        );
        check(
            b"x,y,label\n1,,a\n1,2\none,inf,\n1e999,NaN,\xff\n",
            &plain,
            &[
                "line 2, column \"y\": the cell is empty",
                "line 3: 2 cells, but the header names 3 columns",
                "line 4, column \"x\": \"one\" is not a number; name the feature columns to \
                 leave text out",
                "line 4, column \"y\": \"inf\" is not a finite number",
                "line 4, column \"label\": the cell is empty",
                "line 5, column \"x\": \"1e999\" is not a finite number",
                "line 5, column \"y\": \"NaN\" is not a finite number",
                "line 5, column \"label\": the cell is not UTF-8",
            ],
        );
        check(
            b"x,label\n1,a\n",
            &features(&["x", "z", "label"]),
            &[
                "column \"label\" is the label or the owner and cannot be a feature",
                "there is no column \"z\"; line 1 must name it",
            ],
        );
        let required = Columns {
            owner: OwnerColumn::Required("who".to_owned()),
            ..Columns::default()
        };
        check(
            b"x,label\n1,a\n",
            &required,
            &["there is no column \"who\"; line 1 must name it"],
        );
    }

    #[test]
    fn the_list_has_an_end() {
        let text = format!("x,label\n{}", "?,a\n".repeat(MAX_VIOLATIONS + 7));
        let violations = read_csv(text.as_bytes(), &Columns::default()).unwrap_err();
        assert_eq!(violations.len(), MAX_VIOLATIONS + 1);
        assert_eq!(violations.last().unwrap().to_string(), "and 7 more");
    }
}
