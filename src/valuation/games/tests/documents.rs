//! Games as JSON documents, and everything that can be wrong with one.

use crate::valuation::games::*;

fn told(text: &str) -> Vec<String> {
    let violations = read_game(text).map(|game| format!("{game:?}")).unwrap_err();
    violations.iter().map(ToString::to_string).collect()
}

#[test]
fn the_documented_games_are_read() {
    let unit = i128::from(UNIT);
    let table = r#"{"players": 3, "utility": [0, 0, 0, 1, 0, 1, 0, 1]}"#;
    let utilities = [0, 0, 0, 1, 0, 1, 0, 1].map(|utility| utility * UNIT);
    let expected = UtilityTable::new(3, utilities.to_vec()).unwrap();
    assert_eq!(read_game(table), Ok(Game::Table(expected)));
    let check = |text: &str, expected: Game| assert_eq!(read_game(text), Ok(expected), "{text}");
    check(
        r#"{"game": "weighted-voting", "quota": 51, "weights": [50, 49, 1]}"#,
        Game::WeightedVoting(
            WeightedVoting::new(51 * unit, &[50 * unit, 49 * unit, unit]).unwrap(),
        ),
    );
    check(
        r#"{"costs": [1, 2.5, 3e-9], "game": "airport"}"#,
        Game::Airport(Airport::new(&[unit, 5 * unit / 2, 3]).unwrap()),
    );
    check(
        r#"{"game": "glove", "left": 1, "right": 2}"#,
        Game::Glove(Glove::new(1, 2).unwrap()),
    );
    check(
        r#"{"game": "unanimity", "players": 5, "members": [0, 1, 2]}"#,
        Game::Unanimity(Unanimity::new(5, &[0, 1, 2]).unwrap()),
    );
    check(
        r#"{"game": "additive", "worth": [3, -1]}"#,
        Game::Additive(Additive::new(&[3 * unit, -unit]).unwrap()),
    );
    check(
        r#"{"game": "bankruptcy", "estate": 100, "claims": [100, 200, 300]}"#,
        Game::Bankruptcy(
            Bankruptcy::new(
                100 * unit,
                [1, 2, 3].map(|claim| claim * 100 * unit).to_vec(),
            )
            .unwrap(),
        ),
    );
    let holders = vec![0, 2];
    check(
        r#"{"game": "coverage", "players": 3, "units": [{"weight": 1, "holders": [0, 2]}]}"#,
        Game::Coverage(
            Coverage::new(
                3,
                &[Unit {
                    weight: unit,
                    holders,
                }],
            )
            .unwrap(),
        ),
    );
}

const UNREADABLE: &[(&str, &str)] = &[
    (
        "",
        "this is not JSON: EOF while parsing a value at line 1 column 0",
    ),
    (
        r#"{"players": 1, "utility": [0, NaN]}"#,
        "this is not JSON: expected value at line 1 column 31",
    ),
    ("[1]", "is not an object"),
    (
        r#"{"game": "chess"}"#,
        "game: is not the name of a game; known are weighted-voting, \
          airport, glove, unanimity, additive, bankruptcy, coverage",
    ),
    (
        r#"{"game": null}"#,
        "game: is not the name of a game; known are weighted-voting, \
          airport, glove, unanimity, additive, bankruptcy, coverage",
    ),
    (
        r#"{"players": 1, "utility": {}}"#,
        "utility: is not an array",
    ),
    (
        r#"{"players": 1, "utility": "0, 1"}"#,
        "utility: is not an array",
    ),
    (
        r#"{"players": 1, "utility": [0, "1"]}"#,
        "utility[1]: is not a number",
    ),
    (
        r#"{"players": 1, "utility": [0, null]}"#,
        "utility[1]: is not a number",
    ),
    (
        r#"{"players": 1, "utility": [0, 0.0000000001]}"#,
        "utility[1]: has more than nine decimal places",
    ),
    (
        r#"{"players": 1, "utility": [0, 9223372036.854775808]}"#,
        "utility[1]: is beyond 9223372036.854775807 in size",
    ),
    (
        r#"{"players": 1, "utility": [0, 1e400]}"#,
        "utility[1]: has more than 18 digits before the point",
    ),
    (
        r#"{"players": 2, "utility": [0, 1, 2]}"#,
        "utility: has 3 numbers; a game of 2 players has 4, one a coalition",
    ),
    (
        r#"{"players": 25, "utility": []}"#,
        "players: 25 is not in 1..24",
    ),
    (
        r#"{"players": 1000000000, "utility": []}"#,
        "players: 1000000000 is not in 1..24",
    ),
    (
        r#"{"players": 1.0, "utility": [0, 1]}"#,
        "players: is not an integer from 0 on, written in digits",
    ),
    (
        r#"{"game": "unanimity", "players": 1000000000, "members": []}"#,
        "players: 1000000000 is not in 1..1000",
    ),
    (
        r#"{"game": "glove", "left": 99999999999999999999999, "right": 1}"#,
        "left: 99999999999999999999999 is not in 0..1000",
    ),
    (
        r#"{"game": "glove", "left": -1, "right": 1}"#,
        "left: is not an integer from 0 on, written in digits",
    ),
    (
        r#"{"game": "airport", "costs": [1, 2, 3], "costs": [1]}"#,
        "costs: stands twice",
    ),
    (r#"{"game": "airport"}"#, "costs: is missing"),
    (
        r#"{"game": "airport", "costs": [1], "cost": 1}"#,
        "cost: is not a known key; known are game, costs",
    ),
    (
        r#"{"quota": 1, "players": 1, "utility": [0, 1]}"#,
        "quota: is not a known key; known are players, utility",
    ),
    (
        r#"{"game": "coverage", "players": 1, "units": [7]}"#,
        "units[0]: is not an object",
    ),
    (
        r#"{"game": "coverage", "players": 1, "units": [{"weight": 1, "holders": [], "x": 0}]}"#,
        "units[0].x: is not a known key; known are weight, holders",
    ),
];

#[test]
fn what_cannot_be_read_is_named_by_its_path() {
    for (text, expected) in UNREADABLE {
        assert_eq!(told(text), [*expected], "{text}");
    }
    assert_eq!(told("{}"), ["players: is missing", "utility: is missing"]);
}

#[test]
fn what_a_game_refuses_is_named_by_its_path() {
    for (text, expected) in [
        (
            r#"{"game": "weighted-voting", "quota": 0.5, "weights": [1]}"#,
            "quota: is below 1",
        ),
        (
            r#"{"game": "weighted-voting", "quota": 1, "weights": [1, -1]}"#,
            "weights[1]: is negative",
        ),
        (
            r#"{"game": "weighted-voting", "quota": 1, "weights": []}"#,
            "weights: the game has 0 players; it takes 1 to 1000",
        ),
        (
            r#"{"game": "airport", "costs": [-0.5, 1]}"#,
            "costs[0]: is negative",
        ),
        (
            r#"{"game": "airport", "costs": [1e10]}"#,
            "costs[0]: a utility is beyond 9223372036.854775807 in size",
        ),
        (
            r#"{"game": "additive", "worth": [9e9, 9e9]}"#,
            "worth: a utility is beyond 9223372036.854775807 in size",
        ),
        (
            r#"{"game": "glove", "left": 0, "right": 0}"#,
            "the game has 0 players; it takes 1 to 1000",
        ),
        (
            r#"{"game": "unanimity", "players": 3, "members": [3]}"#,
            "members[0]: 3 is no player; they are numbered from 0",
        ),
        (
            r#"{"game": "unanimity", "players": 3, "members": [1, 1]}"#,
            "members[1]: player 1 stands twice",
        ),
        (
            r#"{"game": "coverage", "players": 2, "units": [{"weight": -1, "holders": [0]}]}"#,
            "units[0].weight: is negative",
        ),
        (
            r#"{"game": "coverage", "players": 2, "units": [{"weight": 1, "holders": [0, 0]}]}"#,
            "units[0].holders[1]: player 0 stands twice",
        ),
        (
            r#"{"game": "bankruptcy", "estate": -1, "claims": [1]}"#,
            "estate: is negative",
        ),
        (
            r#"{"game": "bankruptcy", "estate": 1, "claims": [-1]}"#,
            "claims[0]: is negative",
        ),
    ] {
        assert_eq!(told(text), [expected], "{text}");
    }
    let claims = vec!["1"; 25].join(", ");
    assert_eq!(
        told(&format!(
            r#"{{"game": "bankruptcy", "estate": 1, "claims": [{claims}]}}"#
        )),
        ["claims: the game has 25 players; it takes 1 to 24"]
    );
}

#[test]
fn all_that_is_wrong_is_told_but_not_without_end() {
    let text = r#"{"players": 0, "utility": [0.0000000001, true]}"#;
    assert_eq!(told(text).len(), 3);
    let many = vec!["null"; 5000].join(",");
    let text = format!(r#"{{"players": 30, "utility": [{many}]}}"#);
    assert_eq!(told(&text).len(), 1000);
}
