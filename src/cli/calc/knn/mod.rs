//! `fenrun calc knn`: what each training row is worth to a nearest-neighbour classifier.

mod report;
mod tables;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::num::NonZero;
use std::path::PathBuf;

use num_rational::BigRational;

use self::tables::{in_file, read_both};
use crate::cli::{CommandError, Context};
use crate::config::Output;
use crate::valuation::knn::{
    KnnError, OwnerValues, Problem, RowValues, Threshold, provider_shapley, provider_shapley_exact,
    row_banzhaf, row_banzhaf_exact, row_shapley, row_shapley_exact, soft_label, soft_label_exact,
    threshold_shapley, threshold_shapley_exact,
};

/// Values training rows by nearest neighbours (KNN-Shapley).
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Training rows: CSV with a header, Parquet or Arrow IPC
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
    /// The method
    #[arg(long, value_enum, default_value_t = Variant::Row)]
    pub variant: Variant,
    /// The distance within which rows vote, for the variant `threshold`
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub threshold: Option<f64>,
    /// Adds the values as rationals, computed without rounding
    #[arg(long)]
    pub exact: bool,
}

/// A method of valuing rows or owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Variant {
    /// KNN-Shapley, every row a player
    Row,
    /// KNN-Shapley, every owner a player with all of its rows
    Provider,
    /// KNN-Banzhaf, every row a player
    Banzhaf,
    /// KNN-Shapley with the soft-label utility
    Soft,
    /// KNN-Shapley where all rows within a distance vote
    Threshold,
}

impl Variant {
    fn name(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Provider => "provider",
            Self::Banzhaf => "banzhaf",
            Self::Soft => "soft",
            Self::Threshold => "threshold",
        }
    }
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Canonical JSON: sorted keys, no white space.
    Json,
    /// Comma-separated values with a header.
    Csv,
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
    let terminal = context.streams.terminal;
    calculate(&args, format, context.streams.stdout, terminal).map_err(|error| match error {
        CalcKnnError::Write(error) => error.into(),
        refused => CommandError::input(refused),
    })
}

/// Reads both files, values the rows and prints the result; on an error nothing is printed.
///
/// While it works a person at a `terminal` is shown on standard error how far it is.
///
/// # Errors
/// See [`CalcKnnError`].
pub fn calculate(
    args: &Args,
    format: Format,
    stdout: &mut dyn Write,
    terminal: bool,
) -> Result<(), CalcKnnError> {
    let method = Method::of(args, format)?;
    let (train, validation) = read_both(args)?;
    let problem = Problem::new(&train, &validation, args.k, None);
    let problem = problem.map_err(|error| refused(args, error))?;
    let passes = if args.exact { 2 } else { 1 };
    let steps = u64::try_from(validation.rows()).unwrap_or(u64::MAX);
    let template = "valuing {wide_bar} {pos}/{len} validation rows, {eta} left";
    let bar = crate::cli::progress::bar(steps.saturating_mul(passes), template, terminal);
    let progress = |more: usize| bar.inc(u64::try_from(more).unwrap_or(u64::MAX));
    let outcome = method.run(&problem.with_progress(&progress), args.exact);
    bar.finish_and_clear();
    let outcome = outcome.map_err(|error| refused(args, error))?;
    let printed = match format {
        Format::Csv => report::printed_csv(&train, &outcome),
        Format::Json => report::printed_json(args, &train, &validation, &outcome),
    };
    printed
        .and_then(|bytes| stdout.write_all(&bytes))
        .and_then(|()| stdout.flush())
        .map_err(CalcKnnError::Write)
}

/// A variant with what it needs.
enum Method {
    Row,
    Provider,
    Banzhaf,
    Soft,
    Threshold(Threshold),
}

/// What a method found, with the same values as rationals if they were asked for.
enum Outcome {
    Rows(RowValues, Option<Vec<BigRational>>),
    Owners(OwnerValues, Option<Vec<BigRational>>),
}

impl Method {
    /// Finds the method that the flags ask for, or says all that is wrong with them.
    fn of(args: &Args, format: Format) -> Result<Self, CalcKnnError> {
        let mut violations = Vec::new();
        if args.exact && format == Format::Csv {
            violations.push("--exact has rationals, which only --output json prints");
        }
        let threshold = args.threshold.map(Threshold::new);
        let method = match (args.variant, threshold) {
            (Variant::Threshold, Some(Some(threshold))) => Some(Self::Threshold(threshold)),
            (Variant::Threshold, Some(None)) => {
                violations.push("--threshold must be a finite number that is not negative");
                None
            }
            (Variant::Threshold, None) => {
                violations.push("--variant threshold needs a distance: add --threshold T");
                None
            }
            (_, Some(_)) => {
                violations.push("--threshold goes with --variant threshold only");
                None
            }
            (Variant::Row, None) => Some(Self::Row),
            (Variant::Provider, None) => Some(Self::Provider),
            (Variant::Banzhaf, None) => Some(Self::Banzhaf),
            (Variant::Soft, None) => Some(Self::Soft),
        };
        match method {
            Some(method) if violations.is_empty() => Ok(method),
            _ => Err(CalcKnnError::Violations(
                violations.into_iter().map(str::to_owned).collect(),
            )),
        }
    }

    fn run(&self, problem: &Problem<'_>, exact: bool) -> Result<Outcome, KnnError> {
        let (values, rationals) = match self {
            Self::Provider => {
                let rationals = exact.then(|| provider_shapley_exact(problem)).transpose()?;
                return Ok(Outcome::Owners(provider_shapley(problem)?, rationals));
            }
            Self::Row => (
                row_shapley(problem),
                exact.then(|| row_shapley_exact(problem)),
            ),
            Self::Banzhaf => (
                row_banzhaf(problem),
                exact.then(|| row_banzhaf_exact(problem)),
            ),
            Self::Soft => (
                soft_label(problem),
                exact.then(|| soft_label_exact(problem)),
            ),
            Self::Threshold(threshold) => (
                threshold_shapley(problem, *threshold),
                exact.then(|| threshold_shapley_exact(problem, *threshold)),
            ),
        };
        let rationals = rationals.transpose()?.map(|rationals| rationals.values);
        Ok(Outcome::Rows(values?, rationals))
    }
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
