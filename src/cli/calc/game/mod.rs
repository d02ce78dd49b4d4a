//! `fenrun calc game`: what each player of a game is worth.

mod report;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::num::NonZero;
use std::path::PathBuf;
use std::str::FromStr;

use crate::cli::{CommandError, Context, Kind, progress};
use crate::config::Output;
use crate::domain::{AllotError, Violation};
use crate::valuation::games::{ExactError, Game, UNIT, Value, billionths, read_game};
use crate::valuation::sampling::{Method, MoneyRule, Plan, SamplingError, Stop};
use report::Report;

/// How many utilities are asked for where nothing else says when to stop.
const EVALUATIONS_DEFAULT: u64 = 1_000_000;

/// Values the players of a game: a table of utilities, or a named game
///
/// Exactly, or by a sampled method, which takes the flags from --seed on: permutation (Shapley's
/// value), stratified (shapley, banzhaf, beta), sample-reuse (banzhaf), leverage-shap (shapley,
/// without intervals).
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The game as JSON: players and the utility of each coalition by bit mask, or a named game
    #[arg(value_name = "GAME.json")]
    pub game: PathBuf,
    /// What of the game: shapley, banzhaf, beta:A,B or leave-one-out
    #[arg(long)]
    pub value: Value,
    /// How: exact, permutation, stratified, sample-reuse or leverage-shap
    #[arg(long, default_value = "exact", value_parser = parse_method)]
    pub method: Chosen,
    /// What the random coalitions follow from
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// The chance that all intervals hold their values at once
    #[arg(long, value_name = "CHANCE", default_value = "0.95")]
    pub confidence: Confidence,
    /// Stops when no value can be further off than this [default: when evaluations are spent]
    #[arg(long, value_name = "E", conflicts_with = "amount")]
    pub epsilon: Option<Epsilon>,
    /// Stops when no share of this amount, in minor units, can be off by more than --within
    #[arg(long, value_name = "AMOUNT", requires = "within")]
    pub amount: Option<u64>,
    /// How many minor units a share of --amount may be off
    #[arg(long, value_name = "AMOUNT", requires = "amount")]
    pub within: Option<u64>,
    /// The most utilities to ask for [default: 1000000 without --epsilon and --amount]
    #[arg(long, value_name = "N")]
    pub evaluations: Option<u64>,
}

/// The method that was chosen: none of the sampled ones is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen(pub Option<Method>);

fn parse_method(text: &str) -> Result<Chosen, String> {
    if text == "exact" {
        return Ok(Chosen(None));
    }
    let names = || {
        let names: Vec<&str> = Method::ALL.iter().map(|method| method.name()).collect();
        format!("the methods are exact, {}", names.join(", "))
    };
    let method = text.parse().map_err(|_| names())?;
    Ok(Chosen(Some(method)))
}

/// A chance between 0 and 1, in billionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confidence(u32);

impl FromStr for Confidence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let chance = billionths(text).map_err(|error| error.to_string())?;
        match u32::try_from(chance) {
            Ok(chance) if chance > 0 && i64::from(chance) < UNIT => Ok(Self(chance)),
            _ => Err("is not between 0 and 1".to_owned()),
        }
    }
}

impl Confidence {
    /// Returns the chance to fail, in billionths.
    fn failure(self) -> NonZero<u32> {
        let one = u32::try_from(UNIT).unwrap_or(u32::MAX);
        NonZero::new(one.saturating_sub(self.0)).unwrap_or(NonZero::<u32>::MIN)
    }
}

/// A distance above zero, in billionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epsilon(u64);

impl FromStr for Epsilon {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let distance = billionths(text).map_err(|error| error.to_string())?;
        match u64::try_from(distance) {
            Ok(distance) if distance > 0 => Ok(Self(distance)),
            _ => Err("is not above 0, or larger than any utility".to_owned()),
        }
    }
}

/// Why nothing was printed.
#[derive(Debug, thiserror::Error)]
pub enum CalcGameError {
    /// The game is refused; each violation names its JSON path.
    #[error("{}", one_a_line(.0))]
    Violations(Vec<Violation>),
    /// The file cannot be read.
    #[error("{} cannot be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The game has no exact value here.
    #[error(transparent)]
    Exact(#[from] ExactError),
    /// There is no estimate.
    #[error(transparent)]
    Sampling(#[from] SamplingError),
    /// The weights broke a rule of their own.
    #[error("the weights failed by a fault of this program; keep the file and report it")]
    Weights(#[from] AllotError),
    /// The result cannot be written.
    #[error("the result cannot be written")]
    Write(#[source] std::io::Error),
}

fn one_a_line(violations: &[Violation]) -> String {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl From<CalcGameError> for CommandError {
    fn from(error: CalcGameError) -> Self {
        match error {
            CalcGameError::Write(error) => error.into(),
            CalcGameError::Weights(_) => Self::new(Kind::Fault, error),
            CalcGameError::Exact(ExactError::TooManySums) => {
                Self::input(error).hint("Estimate with --method permutation, or stratified.")
            }
            CalcGameError::Sampling(SamplingError::OtherValue { value, .. }) => {
                Self::input(error).hint(estimators_of(value))
            }
            _ => Self::input(error),
        }
    }
}

/// Says which methods have a value.
fn estimators_of(value: Value) -> String {
    let estimators = Method::ALL
        .iter()
        .filter(|method| method.estimates(value))
        .map(|method| format!(", {method}"));
    format!(
        "Methods for {value}: exact{}.",
        estimators.collect::<String>()
    )
}

pub(in crate::cli) async fn run(
    args: Args,
    context: &mut Context<'_, '_>,
) -> Result<(), CommandError> {
    let output = context.output_or(Output::Json)?;
    let terminal = context.streams.terminal;
    let note = calculate(&args, output, context.streams.stdout, terminal)?;
    match note {
        Some(note) => context.note(&note),
        None => Ok(()),
    }
}

/// Reads the game, values its players and prints the result; on an error nothing is printed.
/// Returns what else a person should know, if anything. A terminal sees a bar of progress.
///
/// # Errors
/// See [`CalcGameError`].
pub fn calculate(
    args: &Args,
    output: Output,
    stdout: &mut dyn Write,
    terminal: bool,
) -> Result<Option<String>, CalcGameError> {
    let text = std::fs::read_to_string(&args.game).map_err(|source| CalcGameError::Read {
        path: args.game.clone(),
        source,
    })?;
    let game = read_game(&text).map_err(CalcGameError::Violations)?;
    drop(text);
    let report = match args.method.0 {
        None => Report::exact(args.value, &game.exact(args.value)?)?,
        Some(method) => sampled(args, method, &game, terminal)?,
    };
    let printed = match output {
        Output::Json => report
            .json()
            .map_err(|error| CalcGameError::Write(error.into()))?,
        Output::Text | Output::Csv => report.text(),
    };
    stdout
        .write_all(printed.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(CalcGameError::Write)?;
    Ok(report.note())
}

fn sampled(
    args: &Args,
    method: Method,
    game: &Game,
    terminal: bool,
) -> Result<Report, CalcGameError> {
    let stop = match (args.epsilon, args.amount, args.within) {
        (Some(Epsilon(most)), ..) => Stop::HalfWidth(most),
        (None, Some(amount), Some(within)) => Stop::Money(MoneyRule { amount, within }),
        _ => Stop::Evaluations,
    };
    let evaluations_default = match stop {
        Stop::Evaluations => EVALUATIONS_DEFAULT,
        _ => u64::MAX,
    };
    let evaluations_max = args.evaluations.unwrap_or(evaluations_default);
    let (length, template) = match evaluations_max {
        u64::MAX => (0, "valuing {spinner} {pos} utilities"),
        most => (most, "valuing {wide_bar} {pos}/{len} utilities, {eta} left"),
    };
    let bar = progress::bar(length, template, terminal);
    let plan = Plan {
        seed: seed_bytes(args.seed),
        failure: args.confidence.failure(),
        stop,
        evaluations_max,
        progress: &|more| bar.inc(more),
    };
    let estimate = method.estimate(game, args.value, &plan);
    bar.finish_and_clear();
    Report::sampled(method, args.value, args.seed, &estimate?)
}

/// Returns the number of a seed as the key of its streams: little-endian, then zeros.
fn seed_bytes(seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (byte, from) in bytes.iter_mut().zip(seed.to_le_bytes()) {
        *byte = from;
    }
    bytes
}
