//! `fenrun calc duplicates`: identical rows and near duplicates of files, with evidence.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::report::{Columns as Table, Report};
use crate::cli::{CommandError, Context};
use crate::store::tables::{Columns, OwnerColumn, read_table};
use crate::valuation::{
    Clusters, DistinctRow, FeatureTable, RowHash, RowPlace, near_duplicates, row_hashes,
};

/// The most clusters and pairs that the text shows; JSON has all.
const SHOWN: usize = 10;

/// Reports rows that stand in several files, exactly or but for one feature.
///
/// The files count as recorded in the order in which they are named, each by an owner of its own. A
/// near duplicate is a row with the label and all features but one of a row of an earlier file: it
/// is shown for people to decide about, and loses nothing by being shown.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// CSV with a header, Parquet or Arrow IPC, with the same columns
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The label column, compared as text
    #[arg(long, default_value = "label", value_name = "COLUMN")]
    label: String,
}

#[derive(Debug, Serialize)]
struct FileRows {
    file: String,
    rows: u64,
    /// How many belong to an earlier file or repeat its own.
    copies: u64,
    /// How many nearly are rows of an earlier file.
    near: u64,
}

/// A row of a file, from 0.
#[derive(Debug, Clone, Serialize)]
struct Place {
    file: String,
    row: usize,
}

#[derive(Debug, Serialize)]
struct Near {
    row: Place,
    earlier: Place,
    feature: String,
    value: f64,
    earlier_value: f64,
}

#[derive(Debug, Serialize)]
struct Duplicates {
    files: Vec<FileRows>,
    /// Rows that stand more than once, the first place first.
    identical: Vec<Vec<Place>>,
    near: Vec<Near>,
}

pub(in crate::cli) async fn run(
    args: Args,
    context: &mut Context<'_, '_>,
) -> Result<(), CommandError> {
    let tables = read(&args)?;
    let names: Vec<String> = args
        .files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    context.show(&duplicates(&names, &tables))
}

/// Reads every file, with the columns in the order of the first.
fn read(args: &Args) -> Result<Vec<FeatureTable>, CommandError> {
    let columns = Columns {
        label: args.label.clone(),
        owner: OwnerColumn::Ignored("owner".to_owned()),
        features: None,
    };
    let mut tables: Vec<FeatureTable> = Vec::with_capacity(args.files.len());
    let mut wrong = Vec::new();
    for file in &args.files {
        let shown = file.display();
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) => {
                wrong.push(format!("{shown} cannot be read: {error}"));
                continue;
            }
        };
        let table = match read_table(bytes.into(), &columns) {
            Ok(table) => table,
            Err(violations) => {
                wrong.extend(violations.iter().map(|one| format!("{shown}: {one}")));
                continue;
            }
        };
        let features = tables
            .first()
            .map_or(table.features(), FeatureTable::features);
        match table.in_column_order(features) {
            Ok(table) => tables.push(table),
            Err(violations) => wrong.extend(violations.iter().map(|one| format!("{shown}: {one}"))),
        }
    }
    if wrong.is_empty() {
        Ok(tables)
    } else {
        Err(CommandError::input(wrong.join("\n")))
    }
}

fn duplicates(names: &[String], tables: &[FeatureTable]) -> Duplicates {
    let hashes: Vec<Vec<RowHash>> = tables.iter().map(row_hashes).collect();
    let clusters = Clusters::of(&hashes);
    let place = |at: &RowPlace| Place {
        file: names.get(at.contribution).cloned().unwrap_or_default(),
        row: at.row,
    };
    let first = clusters
        .clusters
        .iter()
        .filter_map(|cluster| cluster.first());
    let distinct: Vec<DistinctRow<'_>> = first
        .filter_map(|at| {
            let table = tables.get(at.contribution)?;
            Some(DistinctRow {
                place: *at,
                owner: at.contribution,
                features: table.row(at.row)?,
                label: table.labels().get(at.row)?,
            })
        })
        .collect();
    let pairs = near_duplicates(&distinct);
    let cell = |at: &RowPlace, feature: usize| {
        let row = tables
            .get(at.contribution)
            .and_then(|table| table.row(at.row));
        row.and_then(|row| row.get(feature))
            .copied()
            .unwrap_or_default()
    };
    let features = tables.first().map_or(&[][..], FeatureTable::features);
    let near = pairs.iter().map(|pair| Near {
        row: place(&pair.later),
        earlier: place(&pair.earlier),
        feature: features.get(pair.feature).cloned().unwrap_or_default(),
        value: cell(&pair.later, pair.feature),
        earlier_value: cell(&pair.earlier, pair.feature),
    });
    let files = names.iter().zip(tables).zip(&clusters.copies).enumerate();
    let files = files.map(|(number, ((name, table), copies))| {
        let near = pairs
            .iter()
            .filter(|pair| pair.later.contribution == number);
        FileRows {
            file: name.clone(),
            rows: u64::try_from(table.rows()).unwrap_or(u64::MAX),
            copies: *copies,
            near: u64::try_from(near.count()).unwrap_or(u64::MAX),
        }
    });
    let several = clusters.clusters.iter().filter(|cluster| cluster.len() > 1);
    Duplicates {
        files: files.collect(),
        identical: several
            .map(|cluster| cluster.iter().map(place).collect())
            .collect(),
        near: near.collect(),
    }
}

impl Report for Duplicates {
    fn text(&self) -> String {
        let mut columns = Table::new(&["file", ">rows", ">copies", ">near duplicates"]);
        for file in &self.files {
            columns.row(vec![
                file.file.clone(),
                file.rows.to_string(),
                file.copies.to_string(),
                file.near.to_string(),
            ]);
        }
        let mut lines = vec![columns.text()];
        let place = |place: &Place| format!("{} row {}", place.file, place.row);
        if !self.identical.is_empty() {
            lines.push("\nIdentical rows:".to_owned());
        }
        for cluster in self.identical.iter().take(SHOWN) {
            let places: Vec<String> = cluster.iter().map(place).collect();
            lines.push(format!("  {}", places.join(" = ")));
        }
        if !self.near.is_empty() {
            lines.push("\nNear duplicates, which differ in one feature alone:".to_owned());
        }
        for near in self.near.iter().take(SHOWN) {
            lines.push(format!(
                "  {} and {}: {} is {} and {}",
                place(&near.row),
                place(&near.earlier),
                near.feature,
                near.value,
                near.earlier_value
            ));
        }
        if self.identical.len() > SHOWN || self.near.len() > SHOWN {
            lines.push("\nThere are more; say --output json.".to_owned());
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(&[f64], &str)]) -> FeatureTable {
        let features = ["x", "y"].map(str::to_owned);
        FeatureTable::gather(&features, rows.iter().copied()).unwrap()
    }

    #[test]
    fn copies_and_near_duplicates_are_shown_with_evidence() {
        let first = table(&[(&[1.0, 2.0], "a"), (&[3.0, 4.0], "b")]);
        let second = table(&[(&[1.0, 2.5], "a"), (&[3.0, 4.0], "b"), (&[3.0, 9.0], "a")]);
        let names = ["one.csv", "two.csv"].map(str::to_owned);
        let found = duplicates(&names, &[first, second]);
        insta::assert_snapshot!(found.text(), @r"
        FILE     ROWS  COPIES  NEAR DUPLICATES
        one.csv     2       0                0
        two.csv     3       1                1

        Identical rows:
          one.csv row 1 = two.csv row 1

        Near duplicates, which differ in one feature alone:
          two.csv row 0 and one.csv row 0: y is 2.5 and 2
        ");
    }
}
