//! `fenrun calc knn`: what each training row is worth to a nearest-neighbour classifier.

use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};

use num_rational::BigRational;
use serde::Serialize;

use crate::cli::{CommandError, Context};
use crate::config::Output;
use crate::store::tables::{Columns, OwnerColumn, read_csv};
use crate::valuation::knn::{KnnError, Problem, RowValues, row_shapley, row_shapley_exact};
use crate::valuation::{FeatureTable, TextColumn, quotient};

/// Values training rows by nearest neighbours (KNN-Shapley).
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Training rows: CSV with a header
    #[arg(long, value_name = "FILE")]
    pub train: PathBuf,
    /// Validation rows with the same columns; owners are ignored
    #[arg(long, value_name = "FILE")]
    pub validation: PathBuf,
    /// How many neighbours vote, at least 1
    #[arg(long)]
    pub k: NonZero<u64>,
    /// The label column, compared as text
    #[arg(long, default_value = "label", value_name = "COLUMN")]
    pub label: String,
    /// The owner column [default: owner, if present]
    #[arg(long, value_name = "COLUMN")]
    pub owner: Option<String>,
    /// The feature columns; all others are left out [default: every other column]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub features: Option<Vec<String>>,
    /// The method: row
    #[arg(long, default_value = "row", value_parser = parse_variant)]
    pub variant: Variant,
    /// Adds the values as rationals, computed without rounding
    #[arg(long)]
    pub exact: bool,
}

/// A method of valuing rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Every row is a player.
    Row,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Canonical JSON: sorted keys, no white space.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

fn parse_variant(text: &str) -> Result<Variant, String> {
    match text {
        "row" => Ok(Variant::Row),
        "provider" | "banzhaf" | "soft" | "threshold" => {
            Err("not in this version, which has `row`".to_owned())
        }
        _ => Err("no such method; `row` is one".to_owned()),
    }
}

/// Why nothing was computed or printed.
#[derive(Debug, thiserror::Error)]
pub enum CalcKnnError {
    /// The input is refused; each violation names its file and place.
    #[error("{}", .0.join("\n"))]
    Violations(Vec<String>),
    /// A file cannot be read.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The result cannot be written.
    #[error("the result cannot be written")]
    Write(#[source] std::io::Error),
}

pub(in crate::cli) async fn run(
    args: Args,
    context: &mut Context<'_, '_>,
) -> Result<(), CommandError> {
    let output = context.settings.output.as_ref().map(|output| output.value);
    let format = match output {
        None | Some(Output::Json) => Format::Json,
        Some(Output::Csv) => Format::Csv,
        Some(Output::Text) => {
            let error = "values are printed as json or csv";
            return Err(CommandError::input(error).hint("Leave --output out for json."));
        }
    };
    calculate(&args, format, context.streams.stdout).map_err(|error| match error {
        CalcKnnError::Write(error) => error.into(),
        refused => CommandError::input(refused),
    })
}

/// Reads both files, values the rows and prints the result; on an error nothing is printed.
///
/// # Errors
/// See [`CalcKnnError`].
pub fn calculate(args: &Args, format: Format, stdout: &mut dyn Write) -> Result<(), CalcKnnError> {
    if args.exact && format == Format::Csv {
        let violation = "--exact has rationals, which only --output json prints";
        return Err(CalcKnnError::Violations(vec![violation.to_owned()]));
    }
    let (train, validation) = read_both(args)?;
    let problem = Problem::new(&train, &validation, args.k, None);
    let problem = problem.map_err(|error| refused(args, error))?;
    let values = match args.variant {
        Variant::Row => row_shapley(&problem),
    };
    let values = values.map_err(|error| refused(args, error))?;
    let printed = match format {
        Format::Csv => printed_csv(&values),
        Format::Json => {
            let exact = match args.exact {
                true => Some(row_shapley_exact(&problem).map_err(|error| refused(args, error))?),
                false => None,
            };
            let exact = exact.map(|exact| exact.values);
            let report = Report::new(args, &train, &validation, &values, exact.as_deref());
            report.printed().map_err(CalcKnnError::Write)?
        }
    };
    stdout
        .write_all(&printed)
        .and_then(|()| stdout.flush())
        .map_err(CalcKnnError::Write)
}

fn read_both(args: &Args) -> Result<(FeatureTable, FeatureTable), CalcKnnError> {
    let columns = |owner| Columns {
        label: args.label.clone(),
        owner,
        features: args.features.clone(),
    };
    let name = args.owner.clone().unwrap_or_else(|| "owner".to_owned());
    let of_training = match args.owner {
        Some(_) => OwnerColumn::Required(name.clone()),
        None => OwnerColumn::IfPresent(name.clone()),
    };
    let train = read_table(&args.train, &columns(of_training));
    let validation = read_table(&args.validation, &columns(OwnerColumn::Ignored(name)));
    match (train, validation) {
        (Ok(train), Ok(validation)) => Ok((train, validation)),
        (Err(CalcKnnError::Violations(mut all)), Err(CalcKnnError::Violations(more))) => {
            all.extend(more);
            Err(CalcKnnError::Violations(all))
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

fn read_table(path: &Path, columns: &Columns) -> Result<FeatureTable, CalcKnnError> {
    let bytes = std::fs::read(path).map_err(|source| CalcKnnError::Read {
        path: path.to_owned(),
        source,
    })?;
    read_csv(&bytes, columns).map_err(|violations| {
        let named = violations.iter().map(|violation| in_file(path, violation));
        CalcKnnError::Violations(named.collect())
    })
}

fn in_file(path: &Path, violation: &dyn std::fmt::Display) -> String {
    format!("{}: {violation}", path.display())
}

fn refused(args: &Args, error: KnnError) -> CalcKnnError {
    CalcKnnError::Violations(match error {
        KnnError::Columns(violations) => violations
            .iter()
            .map(|violation| in_file(&args.validation, violation))
            .collect(),
        other => vec![in_file(&args.train, &other)],
    })
}

fn printed_csv(values: &RowValues) -> Vec<u8> {
    let mut text = String::from("row,value\n");
    for (row, value) in values.values.iter().enumerate() {
        let value = serde_json::Value::from(quotient(*value, values.denominator));
        text.push_str(&format!("{row},{value}\n"));
    }
    text.into_bytes()
}

/// The printed result; its fields stand in the order of their names, as canonical JSON has them.
#[derive(Serialize)]
struct Report<'a> {
    k: NonZero<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_rationals: Option<BTreeMap<&'a str, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owners: Option<BTreeMap<&'a str, f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rationals: Option<Vec<String>>,
    rows: usize,
    ties: u64,
    total: f64,
    validation_rows: usize,
    values: Vec<f64>,
    variant: &'static str,
}

impl<'a> Report<'a> {
    /// Values are below 2^95 in size and rows fewer than 2^32, so that every sum fits.
    fn new(
        args: &Args,
        train: &'a FeatureTable,
        validation: &FeatureTable,
        values: &RowValues,
        exact: Option<&[BigRational]>,
    ) -> Self {
        let rounded = |sum: i128| quotient(sum, values.denominator);
        let owners = train.owners();
        Self {
            k: args.k,
            owner_rationals: exact.and_then(|exact| Some(texts_by_owner(owners?, exact))),
            owners: owners.map(|owners| {
                let sums = sum_by_owner(owners, &values.values);
                sums.into_iter()
                    .map(|(owner, sum)| (owner, rounded(sum)))
                    .collect()
            }),
            rationals: exact.map(|exact| exact.iter().map(ToString::to_string).collect()),
            rows: train.rows(),
            ties: values.ties,
            total: rounded(values.values.iter().sum()),
            validation_rows: validation.rows(),
            values: values.values.iter().copied().map(rounded).collect(),
            variant: match args.variant {
                Variant::Row => "row",
            },
        }
    }

    fn printed(&self) -> std::io::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

fn texts_by_owner<'a>(owners: &'a TextColumn, values: &[BigRational]) -> BTreeMap<&'a str, String> {
    let sums = sum_by_owner(owners, values);
    sums.into_iter()
        .map(|(owner, sum)| (owner, sum.to_string()))
        .collect()
}

/// Sums the rows' values by owner.
fn sum_by_owner<'a, Value>(owners: &'a TextColumn, values: &[Value]) -> BTreeMap<&'a str, Value>
where
    Value: Clone + for<'v> std::ops::AddAssign<&'v Value>,
{
    let mut sums: BTreeMap<&str, Value> = BTreeMap::new();
    for (row, value) in values.iter().enumerate() {
        let owner = owners.get(row).unwrap_or_default();
        match sums.get_mut(owner) {
            Some(sum) => *sum += value,
            None => {
                sums.insert(owner, value.clone());
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
        #[arg(long, value_enum, default_value_t = Format::Json)]
        output: Format,
    }

    /// Runs the calculator over two files given as text; `{}` stands for their folder.
    fn calc(train: &str, validation: &str, flags: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("t.csv"), train).unwrap();
        std::fs::write(path("v.csv"), validation).unwrap();
        let (train, validation) = (path("t.csv"), path("v.csv"));
        let fixed = ["calc", "--train", &train, "--validation", &validation];
        let line = fixed.into_iter().chain(flags.split_whitespace());
        let (args, format) = match Line::try_parse_from(line) {
            Ok(line) => (line.args, line.output),
            Err(error) => return format!("{}: {error}", error.exit_code()),
        };
        let mut printed = Vec::new();
        match calculate(&args, format, &mut printed) {
            Ok(()) => String::from_utf8(printed).unwrap(),
            Err(error) => {
                assert!(printed.is_empty(), "printed before it failed");
                error.to_string().replace(&path(""), "")
            }
        }
    }

    const TRAIN: &str = "x,label,owner\n0,a,ann\n1,b,bob\n2,a,ann\n";
    const VALIDATION: &str = "x,label\n0,a\n2,b\n";

    #[test]
    fn prints_canonical_json() {
        assert_eq!(
            calc(TRAIN, VALIDATION, "--k 1 --exact"),
            "{\"k\":1,\"owner_rationals\":{\"ann\":\"1/3\",\"bob\":\"1/6\"},\
             \"owners\":{\"ann\":0.3333333333333333,\"bob\":0.16666666666666666},\
             \"rationals\":[\"5/12\",\"1/6\",\"-1/12\"],\"rows\":3,\"ties\":0,\"total\":0.5,\
             \"validation_rows\":2,\
             \"values\":[0.4166666666666667,0.16666666666666666,-0.08333333333333333],\
             \"variant\":\"row\"}\n"
        );
    }

    #[test]
    fn prints_csv() {
        assert_eq!(
            calc(
                "x,label\n0,a\n",
                "label,x,owner\na,9,\n",
                "--k 2 --output csv"
            ),
            "row,value\n0,0.5\n"
        );
    }

    #[test]
    fn violations_name_their_file() {
        assert_eq!(
            calc("x,y,label\n1,,a\n", "x,y,label\nb,2,a\n", "--k 1"),
            "t.csv: line 2, column \"y\": the cell is empty\n\
             v.csv: line 2, column \"x\": \"b\" is not a number; name the feature columns to \
             leave text out"
        );
        assert_eq!(
            calc("x,y,label\n1,2,a\n", "z,x,label\n1,2,a\n", "--k 1"),
            "v.csv: column \"y\" stands in the training rows only\n\
             v.csv: column \"z\" is missing from the training rows"
        );
        assert_eq!(
            calc(TRAIN, VALIDATION, "--k 1 --owner who"),
            "t.csv: there is no column \"who\"; line 1 must name it\n\
             t.csv: line 2, column \"owner\": \"ann\" is not a number"
                .to_owned()
                + "; name the feature columns to leave text out\n\
                   t.csv: line 3, column \"owner\": \"bob\" is not a number; name the feature \
                   columns to leave text out\n\
                   t.csv: line 4, column \"owner\": \"ann\" is not a number; name the feature \
                   columns to leave text out"
        );
        let far = "x,label\n1e200,a\n";
        assert!(calc(far, "x,label\n-1e200,a\n", "--k 1").starts_with("t.csv: the distance"));
        assert!(calc(TRAIN, VALIDATION, "--k 1 --exact --output csv").contains("--output json"));
    }

    #[test]
    fn flags_are_checked() {
        assert!(calc(TRAIN, VALIDATION, "--k 0").starts_with("2: "));
        let later = calc(TRAIN, VALIDATION, "--k 1 --variant provider");
        assert!(
            later.starts_with("2: ") && later.contains("not in this version"),
            "{later}"
        );
        assert!(calc(TRAIN, VALIDATION, "--k 1 --variant best").contains("no such method"));
        let chosen = calc("x,note,label\n0,hi,a\n", VALIDATION, "--k 1 --features x");
        assert!(chosen.contains("\"total\":0.5"), "{chosen}");
    }
}
