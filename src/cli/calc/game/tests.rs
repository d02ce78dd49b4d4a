//! What the calculator prints, to the byte.

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Runs the calculator over a game given as text.
fn calc(game: &str, flags: &str, output: Output) -> Result<(String, Option<String>), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("game.json");
    std::fs::write(&path, game).unwrap();
    let path = path.display().to_string();
    let line = ["calc", &path].into_iter().chain(flags.split_whitespace());
    let line = Line::try_parse_from(line).map_err(|error| error.to_string())?;
    let mut printed = Vec::new();
    match calculate(&line.args, output, &mut printed, false) {
        Ok(note) => Ok((String::from_utf8(printed).unwrap(), note)),
        Err(error) => {
            assert!(printed.is_empty(), "printed before it failed");
            Err(error.to_string())
        }
    }
}

fn json(game: &str, flags: &str) -> String {
    calc(game, flags, Output::Json).unwrap().0
}

const MAJORITY: &str = r#"{"players": 3, "utility": [0, 0, 0, 1, 0, 1, 0, 1]}"#;
const ADDITIVE: &str = r#"{"game": "additive", "worth": [3, -1]}"#;
const GLOVE: &str = r#"{"game": "glove", "left": 1, "right": 2}"#;

#[test]
fn prints_canonical_json() {
    assert_eq!(
        json(MAJORITY, "--value shapley"),
        "{\"evaluations\":8,\"method\":\"exact\",\"players\":3,\
         \"rationals\":[\"2/3\",\"1/6\",\"1/6\"],\"value\":\"shapley\",\
         \"values\":[0.6666666666666666,0.16666666666666666,0.16666666666666666],\
         \"weights\":[666666666667,166666666667,166666666666]}\n"
    );
    assert_eq!(
        json(MAJORITY, "--value banzhaf --method exact --seed 7"),
        "{\"evaluations\":8,\"method\":\"exact\",\"players\":3,\
         \"rationals\":[\"3/4\",\"1/4\",\"1/4\"],\"value\":\"banzhaf\",\
         \"values\":[0.75,0.25,0.25],\
         \"weights\":[600000000000,200000000000,200000000000]}\n"
    );
    assert_eq!(
        json(ADDITIVE, "--value beta:16,1"),
        "{\"evaluations\":0,\"method\":\"exact\",\"players\":2,\"rationals\":[\"3\",\"-1\"],\
         \"value\":\"beta:16,1\",\"values\":[3.0,-1.0],\"weights\":[1000000000000,0]}\n"
    );
    let bankruptcy = r#"{"game": "bankruptcy", "estate": 100, "claims": [100, 200, 300]}"#;
    assert_eq!(
        json(bankruptcy, "--value leave-one-out"),
        "{\"evaluations\":8,\"method\":\"exact\",\"players\":3,\
         \"rationals\":[\"100\",\"100\",\"100\"],\"value\":\"leave-one-out\",\
         \"values\":[100.0,100.0,100.0],\
         \"weights\":[333333333334,333333333333,333333333333]}\n"
    );
}

#[test]
fn sampled_methods_print_intervals_and_seed() {
    let flags = "--value shapley --method permutation --seed 18446744073709551615 --evaluations 50";
    assert_eq!(
        json(ADDITIVE, flags),
        "{\"evaluations\":50,\
         \"intervals\":[[-0.723604692558586,4.0],[-4.0,2.723604692558586]],\
         \"method\":\"permutation\",\"players\":2,\"seed\":18446744073709551615,\
         \"value\":\"shapley\",\"values\":[3.0,-1.0],\"weights\":[1000000000000,0]}\n"
    );
    let flags = "--value shapley --method leverage-shap --evaluations 50";
    assert_eq!(
        json(ADDITIVE, flags),
        "{\"evaluations\":34,\"method\":\"leverage-shap\",\"players\":2,\"seed\":0,\
         \"value\":\"shapley\",\"values\":[3.0,-0.9999999999999999],\
         \"weights\":[1000000000000,0]}\n"
    );
}

#[test]
fn a_hundred_players_are_sampled_until_it_is_enough() {
    let costs: Vec<String> = (0..100).map(|cost| format!("{}e-2", cost % 10)).collect();
    let airport = format!(r#"{{"game": "airport", "costs": [{}]}}"#, costs.join(","));
    let run = |more: &str| {
        let flags = format!("--value shapley --method permutation {more}");
        let (printed, note) = calc(&airport, &flags, Output::Json).unwrap();
        let json: serde_json::Value = serde_json::from_str(&printed).unwrap();
        (json, note)
    };
    let (json, note) = run("--confidence 0.9 --epsilon 0.01");
    assert_eq!(note, None);
    for (interval, value) in json["intervals"]
        .as_array()
        .unwrap()
        .iter()
        .zip(json["values"].as_array().unwrap())
    {
        let (low, high) = (interval[0].as_f64().unwrap(), interval[1].as_f64().unwrap());
        let value = value.as_f64().unwrap();
        assert!(low <= value && value <= high && high - low <= 0.02);
    }
    let (_, note) = run("--epsilon 0.000001 --evaluations 1000");
    assert!(note.unwrap().contains("still wider"));
    let (_, note) = run("--amount 1000 --within 900");
    assert_eq!(note, None);
}

#[test]
fn prints_a_table_for_people() {
    assert_eq!(
        calc(GLOVE, "--value shapley", Output::Text).unwrap().0,
        "Values of shapley, method exact\n\n\
         PLAYER        VALUE        WEIGHT  EXACTLY\n     \
         0  0.666666667  666666666667  2/3\n     \
         1  0.166666667  166666666667  1/6\n     \
         2  0.166666667  166666666666  1/6\n"
    );
    let flags = "--value banzhaf --method sample-reuse --evaluations 64";
    let table = calc(ADDITIVE, flags, Output::Text).unwrap().0;
    assert!(
        table.starts_with(
            "Values of banzhaf, method sample-reuse\n\n\
             PLAYER         VALUE         WEIGHT      AT LEAST      AT MOST\n"
        ),
        "{table}"
    );
}

#[test]
fn violations_stand_one_a_line() {
    let game = r#"{"players": 2, "utility": [0, 1e-10, {}], "n": 1}"#;
    assert_eq!(
        calc(game, "--value shapley", Output::Json).unwrap_err(),
        "n: is not a known key; known are players, utility\n\
         utility[1]: has more than nine decimal places\nutility[2]: is not a number"
    );
}

#[test]
fn flags_are_checked() {
    for (flags, told) in [
        ("", "--value <VALUE>"),
        ("--value fair", "a value is shapley, banzhaf, beta:A,B"),
        ("--value beta:0,1", "a value is shapley, banzhaf, beta:A,B"),
        (
            "--value shapley --method best",
            "the methods are exact, permutation, stratified",
        ),
        ("--value shapley --confidence 1", "is not between 0 and 1"),
        ("--value shapley --confidence 0", "is not between 0 and 1"),
        (
            "--value shapley --confidence 0.9999999999",
            "has more than nine decimal places",
        ),
        ("--value shapley --confidence much", "is not a number"),
        ("--value shapley --epsilon 0", "is not above 0"),
        ("--value shapley --epsilon=-1", "is not above 0"),
        (
            "--value shapley --epsilon 1 --amount 1 --within 1",
            "cannot be used with",
        ),
        ("--value shapley --amount 1", "--within <AMOUNT>"),
        (
            "--value banzhaf --method permutation",
            "permutation does not estimate banzhaf",
        ),
        (
            "--value shapley --method leverage-shap --epsilon 1",
            "leverage-shap tells no intervals",
        ),
    ] {
        let error = calc(MAJORITY, flags, Output::Json).unwrap_err();
        assert!(error.contains(told), "{flags}: {error}");
    }
    assert_eq!(
        estimators_of(Value::Shapley),
        "Methods for shapley: exact, permutation, stratified, leverage-shap."
    );
    assert_eq!(
        estimators_of(Value::LeaveOneOut),
        "Methods for leave-one-out: exact."
    );
}
