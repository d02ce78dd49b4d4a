//! `fenrun calc game` as a process: what is printed where, and how it ends.

use super::machine::Machine;

const MAJORITY: &str = r#"{"players": 3, "utility": [0, 0, 0, 1, 0, 1, 0, 1]}"#;

#[test]
fn a_result_goes_to_standard_output_and_nothing_else() {
    let machine = Machine::new();
    let game = machine.file("game.json", MAJORITY);
    let ended = machine.run("anna", &["calc", "game", &game, "--value", "shapley"]);
    let ended = ended.well();
    assert_eq!(ended.json()["rationals"][0], "2/3");
    assert!(ended.stdout.ends_with("}\n") && ended.stderr.is_empty());
}

#[test]
fn what_is_wrong_goes_to_standard_error_by_path() {
    let machine = Machine::new();
    let bad = machine.file(
        "bad.json",
        r#"{"game": "airport", "costs": [1, -2, 1e-10]}"#,
    );
    let refused = |line: &[&str], told: &str| {
        let ended = machine.run("anna", line);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
        assert!(ended.stderr.contains(told), "{ended:?}");
    };
    let line = ["calc", "game", &bad, "--value", "shapley"];
    refused(&line, "costs[2]: has more than nine decimal places");
    refused(
        &["calc", "game", "none.json", "--value", "shapley"],
        "none.json cannot be read",
    );
    let game = machine.file("game.json", MAJORITY);
    let line = ["calc", "game", &game, "--value", "banzhaf"];
    refused(
        &[&line[..], &["--method", "permutation"]].concat(),
        "hint: Methods for banzhaf: exact, stratified, sample-reuse.",
    );
    refused(
        &[&line[..], &["--output", "csv"]].concat(),
        "prints text or json",
    );
}

#[test]
fn threads_change_no_byte() {
    let machine = Machine::new();
    let costs: Vec<String> = (1..=40).map(|cost| cost.to_string()).collect();
    let game = format!(r#"{{"game": "airport", "costs": [{}]}}"#, costs.join(","));
    let game = machine.file("game.json", &game);
    for (method, value) in [
        ("permutation", "shapley"),
        ("stratified", "beta:4,1"),
        ("sample-reuse", "banzhaf"),
        ("leverage-shap", "shapley"),
    ] {
        let line = [
            "calc",
            "game",
            &game,
            "--value",
            value,
            "--method",
            method,
            "--seed",
            "7",
            "--evaluations",
            "7000",
        ];
        let printed = |threads| {
            let variable = ("RAYON_NUM_THREADS", threads);
            machine
                .run_with_variable("anna", &line, variable)
                .well()
                .stdout
        };
        let one = printed("1");
        assert!(one.contains("\"seed\":7"), "{one}");
        assert_eq!(printed("5"), one, "{method}");
    }
}
