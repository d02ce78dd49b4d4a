//! The demo as a user runs it: what it prints, what it finds, and what it leaves.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// The most lines that the demo prints.
const LINES_MAX: usize = 45;

fn fenrun(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fenrun"));
    command.env("FENRUN_CONFIG", folder.join("config"));
    command.args(words).output().unwrap()
}

fn well(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_demo_shares_explains_audits_and_finds_both_forgeries() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("kept");
    let dir_text = dir.to_str().unwrap();
    let printed = well(&fenrun(
        folder.path(),
        &["demo", "--dir", dir_text, "--output", "json"],
    ));
    let report: Value = serde_json::from_str(&printed).unwrap();

    let providers = report["providers"].as_array().unwrap();
    assert_eq!(providers.len(), 5);
    let of = |name: &str| {
        providers
            .iter()
            .find(|row| row["provider"] == name)
            .unwrap()
    };
    assert_eq!(of("copycat")["copies"], 150);
    assert_eq!(of("hasty-labels")["wrong_labels"], 92);
    assert_eq!(of("harbor-lab")["cost_back"], "5200.00");
    copies_change_nothing_and_wrong_labels_earn_least(&report, &of);
    let weights: u64 = providers
        .iter()
        .map(|row| row["weight"].as_u64().unwrap())
        .sum();
    assert_eq!(weights, 1_000_000_000_000);

    let sum = &report["equation"];
    assert_eq!(sum["in"], sum["out"]);
    assert_eq!(sum["equal"], true);
    assert!(
        !report["explained"]["evidence"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let explained = report["explained"]["sentences"].to_string();
    for part in [
        "valued lin-school by provider-knn-shapley at ",
        "duplicates first, k 5, ties seed, seed 66656e72756e2064656d6f (seed chosen by scorer)",
        "credited with 560 distinct rows; 150 of its rows were recorded again later",
        "Of the 300 validation rows, whose mean is the value, these gave its owner most: row 18 ",
    ] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    assert_eq!(report["audit"]["equal"], true);

    let forgeries = report["forgeries"].as_array().unwrap();
    let found = |number: usize, place: usize| {
        forgeries[number]["found"][place]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(
        found(0, 0).contains("segments/0000000000.seg"),
        "{}",
        found(0, 0)
    );
    assert!(found(1, 0).contains("equal"), "{}", found(1, 0));
    assert!(found(1, 1).contains("RECEIPT"), "{}", found(1, 1));

    // What was kept is a ledger like any other.
    let ledger = dir.join("ledger");
    well(&fenrun(
        folder.path(),
        &["fsck", "--dir", ledger.to_str().unwrap()],
    ));
    let again = fenrun(folder.path(), &["demo", "--dir", dir_text]);
    assert_eq!(again.status.code(), Some(2));
}

/// What the demo says of copies and of wrong labels follows from what it paid.
fn copies_change_nothing_and_wrong_labels_earn_least<'a>(
    report: &'a Value,
    of: &dyn Fn(&str) -> &'a Value,
) {
    let [copies] = report["copies"].as_array().unwrap().as_slice() else {
        panic!("one provider has copies: {}", report["copies"]);
    };
    assert_eq!(copies["provider"], "copycat");
    let values = copies["values"].as_array().unwrap();
    let named: Vec<&str> = values
        .iter()
        .map(|value| value["provider"].as_str().unwrap())
        .collect();
    assert_eq!(named, ["copycat", "lin-school"]);
    for value in values {
        assert_eq!(value["equal"], true);
        assert_eq!(value["with"], value["without"]);
        assert_eq!(
            value["with"],
            of(value["provider"].as_str().unwrap())["value"]
        );
    }

    let fen = |text: &Value| {
        text.as_str()
            .unwrap()
            .replace('.', "")
            .parse::<u64>()
            .unwrap()
    };
    let per_row = |name: &str| {
        let row = of(name);
        let own = row["rows"].as_u64().unwrap() - row["copies"].as_u64().unwrap();
        fen(&row["share"]) / own
    };
    let least = &report["least_per_row"];
    assert_eq!(least["provider"], "hasty-labels");
    assert_eq!(least["wrong_labels"], 92);
    assert_eq!(fen(&least["per_row"]), per_row("hasty-labels"));
    let others = ["lin-school", "harbor-lab", "orchid-studio", "copycat"].map(per_row);
    assert_eq!(fen(&least["others_from"]), *others.iter().min().unwrap());
    assert_eq!(fen(&least["others_to"]), *others.iter().max().unwrap());
    assert!(fen(&least["per_row"]) < fen(&least["others_from"]));
}

#[test]
fn the_demo_fits_a_screen() {
    let folder = tempfile::tempdir().unwrap();
    let printed = well(&fenrun(folder.path(), &["demo"]));
    assert!(printed.lines().count() <= LINES_MAX, "{printed}");
    for wanted in [
        "150 of copycat's 270 rows were recorded by others before",
        "the same, and lin-school",
        "hasty-labels gets least for a row of its own",
        "92 of its 307 labels are wrong",
        "provider-knn-shapley",
        "in 50000.00 = out 50000.00",
        "Audit: equal",
        "b3sum ",
    ] {
        assert!(printed.contains(wanted), "{wanted}: {printed}");
    }
}
