//! CSV with a header: one label column, perhaps an owner column, every other column a feature.

use csv::{ByteRecord, ReaderBuilder};

use super::builder::TableBuilder;
use super::columns::{Columns, Role, roles_of};
use super::violations::{FileViolation, Place, shortened};
use crate::valuation::{FeatureTable, TextColumn};

/// Reads a table from the bytes of a CSV file.
///
/// Labels and owners are the cells' texts as they stand; spaces around a number do not matter.
///
/// # Errors
/// Everything that is wrong with the file, at most [`super::MAX_VIOLATIONS`] and how many more.
pub fn read_csv(bytes: &[u8], columns: &Columns) -> Result<FeatureTable, Vec<FileViolation>> {
    let mut table = TableBuilder::default();
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut record = ByteRecord::new();
    if !next_record(&mut reader, &mut record) {
        return Err(vec![FileViolation::NoHeader]);
    }
    let names: Vec<String> = record
        .iter()
        .map(|cell| {
            std::str::from_utf8(cell)
                .unwrap_or_default()
                .trim()
                .to_owned()
        })
        .collect();
    let borrowed: Vec<&str> = names.iter().map(String::as_str).collect();
    let roles = roles_of(&borrowed, columns, &mut table.violations);
    let parts: Vec<(String, Role)> = names.into_iter().zip(roles).collect();
    for (name, role) in &parts {
        match role {
            Role::Owner => table.owners = Some(TextColumn::default()),
            Role::Feature => table.features.push(name.clone()),
            Role::Label | Role::LeftOut => {}
        }
    }
    let mut rows = 0u64;
    while next_record(&mut reader, &mut record) {
        read_record(&record, &parts, &mut table);
        rows = rows.saturating_add(1);
    }
    table.finish(rows)
}

/// Reads the next record; reading bytes of any shape cannot fail, so an error would be the end.
fn next_record(reader: &mut csv::Reader<&[u8]>, record: &mut ByteRecord) -> bool {
    reader.read_byte_record(record).unwrap_or(false)
}

/// Adds the cells of a line to the table, or says what is wrong with them.
fn read_record(record: &ByteRecord, parts: &[(String, Role)], table: &mut TableBuilder) {
    let place = Place::Line(record.position().map_or(0, csv::Position::line));
    if record.len() != parts.len() {
        table.violations.push(FileViolation::Ragged {
            place,
            found: record.len(),
            expected: parts.len(),
        });
        return;
    }
    for (cell, (name, role)) in record.iter().zip(parts) {
        if *role == Role::LeftOut {
            continue;
        }
        let column = || shortened(name);
        let text = match std::str::from_utf8(cell) {
            Ok(text) if text.trim().is_empty() => {
                let column = column();
                table
                    .violations
                    .push(FileViolation::Empty { place, column });
                continue;
            }
            Ok(text) => text,
            Err(_) => {
                let column = column();
                table
                    .violations
                    .push(FileViolation::NotText { place, column });
                continue;
            }
        };
        match role {
            Role::Label => table.labels.push(text),
            Role::Owner => {
                if let Some(owners) = &mut table.owners {
                    owners.push(text);
                }
            }
            Role::Feature => match number_of(text) {
                Number::Finite(number) => table.cells.push(number),
                Number::NotFinite => table.violations.push(FileViolation::NotFinite {
                    place,
                    column: column(),
                    cell: shortened(text),
                }),
                Number::Text => table.violations.push(FileViolation::NotANumber {
                    place,
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

#[cfg(test)]
mod tests {
    use super::super::{MAX_VIOLATIONS, OwnerColumn};
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
                "column 2 (from 1) has no readable name",
                "column \"x\" stands there twice",
                "column 4 (from 1) has no readable name",
                "there is no column \"label\"",
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
                "there is no column \"z\"",
            ],
        );
        let required = Columns {
            owner: OwnerColumn::Required("who".to_owned()),
            ..Columns::default()
        };
        check(
            b"x,label\n1,a\n",
            &required,
            &["there is no column \"who\""],
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
