//! `docs/fairness.md` shows what `fenrun calc fairness` prints, and says of it what is so.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn printed(words: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fenrun"));
    command.env("FENRUN_CONFIG", folder.path().join("config"));
    let output = command
        .args(["calc", "fairness"])
        .args(words)
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_document_shows_what_is_printed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/fairness.md");
    let document = std::fs::read_to_string(path).unwrap();
    let printed = printed(&[]);
    assert!(document.contains(printed.trim_end()), "{printed}");
}

/// Hundredths of a percent after each attack, by method.
fn shares(table: &Value, who: &str, attack: &str) -> Vec<u32> {
    let attacks = table["attacks"].as_array().unwrap();
    let attacked = attacks.iter().find(|one| one["attack"] == attack).unwrap();
    let shares = attacked[who].as_array().unwrap().iter();
    shares
        .map(|share| share.as_str().unwrap().replace('.', "").parse().unwrap())
        .collect()
}

/// On a smaller scene, the claims of the document that are not about single figures.
#[test]
fn copies_bring_nothing_and_a_division_among_owners_changes_no_sum_of_rows() {
    let printed = printed(&["--rows", "20", "--points", "30", "--output", "json"]);
    let report: Value = serde_json::from_str(&printed).unwrap();
    let tables = report["tables"].as_array().unwrap();
    let rules: Vec<&str> = tables
        .iter()
        .map(|table| table["rule"].as_str().unwrap())
        .collect();
    assert_eq!(rules, ["first", "equal", "pro_rata"]);
    for table in tables {
        for who in ["attacker", "victim"] {
            let honest = shares(table, who, "none");
            for attack in [
                "own rows twice",
                "own rows five times",
                "own rows in two parties of one owner",
                "own rows again by a shell party",
            ] {
                assert_eq!(shares(table, who, attack), honest, "{attack}");
            }
            let divided = shares(table, who, "own rows in two parties of two owners");
            let by_rows = usize::from(table["rule"] == "first");
            // A unit may go to another owner when 10^12 are divided; two decimals do not show that.
            assert_eq!(divided[by_rows..], honest[by_rows..]);
            let copies = [
                "the victim's rows, exact copies",
                "the victim's rows, in another order",
            ];
            if table["rule"] == "first" {
                for attack in copies {
                    assert_eq!(shares(table, who, attack), honest, "{attack}");
                }
            }
        }
        let attack = "the victim's rows, one feature jittered";
        let (before, after) = (
            shares(table, "victim", "none"),
            shares(table, "victim", attack),
        );
        assert!(
            before
                .iter()
                .zip(&after)
                .all(|(before, after)| after < before)
        );
    }
}
