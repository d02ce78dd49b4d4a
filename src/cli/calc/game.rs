//! `fenrun calc game`: what each player of a game is worth.

use std::io::Write;
use std::path::PathBuf;

use num_rational::BigRational;
use serde::Serialize;

use crate::cli::report::Columns;
use crate::cli::{CommandError, Context, Kind};
use crate::config::Output;
use crate::domain::{AllotError, Violation};
use crate::valuation::games::{
    ExactError, Game, Utility, Value, nearest, player_weights, read_game,
};

/// Values the players of a game: a table of utilities, or a named game
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The game as JSON: players and the utility of each coalition by bit mask, or a named game
    #[arg(value_name = "GAME.json")]
    pub game: PathBuf,
    /// What of the game: shapley, banzhaf, beta:A,B or leave-one-out
    #[arg(long)]
    pub value: Value,
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

pub(in crate::cli) async fn run(
    args: Args,
    context: &mut Context<'_, '_>,
) -> Result<(), CommandError> {
    let output = context.output_or(Output::Json)?;
    calculate(&args, output, context.streams.stdout).map_err(|error| match error {
        CalcGameError::Write(error) => error.into(),
        CalcGameError::Weights(_) => CommandError::new(Kind::Fault, error),
        CalcGameError::Violations(_) | CalcGameError::Read { .. } | CalcGameError::Exact(_) => {
            CommandError::input(error)
        }
    })
}

/// Reads the game, values its players and prints the result; on an error nothing is printed.
///
/// # Errors
/// See [`CalcGameError`].
pub fn calculate(args: &Args, output: Output, stdout: &mut dyn Write) -> Result<(), CalcGameError> {
    let text = std::fs::read_to_string(&args.game).map_err(|source| CalcGameError::Read {
        path: args.game.clone(),
        source,
    })?;
    let game = read_game(&text).map_err(CalcGameError::Violations)?;
    drop(text);
    let report = exact(&game, args.value)?;
    let printed = match output {
        Output::Json => report
            .json()
            .map_err(|error| CalcGameError::Write(error.into()))?,
        Output::Text | Output::Csv => report.text(),
    };
    stdout
        .write_all(printed.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(CalcGameError::Write)
}

fn exact(game: &Game, value: Value) -> Result<Report, CalcGameError> {
    let exact = game.exact(value)?;
    Ok(Report {
        evaluations: exact.evaluations,
        method: "exact",
        players: game.players(),
        rationals: exact.values.iter().map(BigRational::to_string).collect(),
        value: value.to_string(),
        weights: player_weights(&exact.values)?,
        values: exact.values.iter().map(nearest).collect(),
    })
}

/// The printed result; its fields stand in the order of their names, as canonical JSON has them.
#[derive(Serialize)]
struct Report {
    evaluations: u64,
    method: &'static str,
    players: usize,
    rationals: Vec<String>,
    value: String,
    values: Vec<f64>,
    weights: Vec<u64>,
}

impl Report {
    fn json(&self) -> serde_json::Result<String> {
        let mut text = serde_json::to_string(self)?;
        text.push('\n');
        Ok(text)
    }

    fn text(&self) -> String {
        let mut columns = Columns::new(&[">player", ">value", ">weight", "exactly"]);
        let rows = self.values.iter().zip(&self.weights).zip(&self.rationals);
        for (player, ((value, weight), rational)) in rows.enumerate() {
            columns.row(vec![
                player.to_string(),
                format!("{value:.9}"),
                weight.to_string(),
                rational.clone(),
            ]);
        }
        let Self { value, method, .. } = self;
        format!("Values of {value}, method {method}\n\n{}\n", columns.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calc(game: &str, value: &str, output: Output) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let args = Args {
            game: folder.path().join("game.json"),
            value: value.parse().unwrap(),
        };
        std::fs::write(&args.game, game).unwrap();
        let mut printed = Vec::new();
        match calculate(&args, output, &mut printed) {
            Ok(()) => Ok(String::from_utf8(printed).unwrap()),
            Err(error) => {
                assert!(printed.is_empty(), "printed before it failed");
                Err(error.to_string())
            }
        }
    }

    fn json(game: &str, value: &str) -> String {
        calc(game, value, Output::Json).unwrap()
    }

    #[test]
    fn prints_canonical_json() {
        let majority = r#"{"players": 3, "utility": [0, 0, 0, 1, 0, 1, 0, 1]}"#;
        assert_eq!(
            json(majority, "shapley"),
            "{\"evaluations\":8,\"method\":\"exact\",\"players\":3,\
             \"rationals\":[\"2/3\",\"1/6\",\"1/6\"],\"value\":\"shapley\",\
             \"values\":[0.6666666666666666,0.16666666666666666,0.16666666666666666],\
             \"weights\":[666666666667,166666666667,166666666666]}\n"
        );
        assert_eq!(
            json(majority, "banzhaf"),
            "{\"evaluations\":8,\"method\":\"exact\",\"players\":3,\
             \"rationals\":[\"3/4\",\"1/4\",\"1/4\"],\"value\":\"banzhaf\",\
             \"values\":[0.75,0.25,0.25],\
             \"weights\":[600000000000,200000000000,200000000000]}\n"
        );
        let additive = r#"{"game": "additive", "worth": [3, -1]}"#;
        assert_eq!(
            json(additive, "beta:16,1"),
            "{\"evaluations\":0,\"method\":\"exact\",\"players\":2,\"rationals\":[\"3\",\"-1\"],\
             \"value\":\"beta:16,1\",\"values\":[3.0,-1.0],\"weights\":[1000000000000,0]}\n"
        );
        let bankruptcy = r#"{"game": "bankruptcy", "estate": 100, "claims": [100, 200, 300]}"#;
        assert_eq!(
            json(bankruptcy, "leave-one-out"),
            "{\"evaluations\":8,\"method\":\"exact\",\"players\":3,\
             \"rationals\":[\"100\",\"100\",\"100\"],\"value\":\"leave-one-out\",\
             \"values\":[100.0,100.0,100.0],\
             \"weights\":[333333333334,333333333333,333333333333]}\n"
        );
    }

    #[test]
    fn prints_a_table_for_people() {
        let glove = r#"{"game": "glove", "left": 1, "right": 2}"#;
        assert_eq!(
            calc(glove, "shapley", Output::Text).unwrap(),
            "Values of shapley, method exact\n\n\
             PLAYER        VALUE        WEIGHT  EXACTLY\n     \
             0  0.666666667  666666666667  2/3\n     \
             1  0.166666667  166666666667  1/6\n     \
             2  0.166666667  166666666666  1/6\n"
        );
    }

    #[test]
    fn violations_stand_one_a_line() {
        let told = calc(
            r#"{"players": 2, "utility": [0, 1e-10, {}], "n": 1}"#,
            "shapley",
            Output::Json,
        );
        assert_eq!(
            told.unwrap_err(),
            "n: is not a known key; known are players, utility\n\
             utility[1]: has more than nine decimal places\nutility[2]: is not a number"
        );
    }
}
