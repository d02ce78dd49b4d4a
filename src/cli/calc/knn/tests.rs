//! The calculator over files given as text.

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
    match calculate(&args, format, &mut printed, false) {
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
        "t.csv: there is no column \"who\"\n\
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
    let unknown = calc(TRAIN, VALIDATION, "--k 1 --variant best");
    assert!(
        unknown.starts_with("2: ") && unknown.contains("provider"),
        "{unknown}"
    );
    let threshold = |flags: &str| calc(TRAIN, VALIDATION, &format!("--k 1 {flags}"));
    assert_eq!(
        threshold("--variant threshold"),
        "--variant threshold needs a distance: add --threshold T"
    );
    for bad in ["-1", "NaN", "inf"] {
        assert_eq!(
            threshold(&format!("--variant threshold --threshold {bad}")),
            "--threshold must be a finite number that is not negative"
        );
    }
    assert_eq!(
        threshold("--threshold 1 --exact --output csv"),
        "--exact has rationals, which only --output json prints\n\
         --threshold goes with --variant threshold only"
    );
    let chosen = calc("x,note,label\n0,hi,a\n", VALIDATION, "--k 1 --features x");
    assert!(chosen.contains("\"total\":0.5"), "{chosen}");
}

#[test]
fn every_variant_prints_its_values() {
    let values = |flags: &str| {
        let printed = calc(TRAIN, VALIDATION, &format!("--k 1 --exact {flags}"));
        let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
        let part = |name: &str| printed[name].to_string().replace('"', "");
        [
            part("variant"),
            part("rationals"),
            part("owner_rationals"),
            part("total"),
        ]
        .join(" ")
    };
    insta::assert_snapshot!(
        [
            values("--variant row"),
            values("--variant provider"),
            values("--variant banzhaf"),
            values("--variant soft"),
            values("--variant threshold --threshold 1"),
        ]
        .join("\n")
    );
}

#[test]
fn owners_alone_have_values_by_provider() {
    assert_eq!(
        calc(TRAIN, VALIDATION, "--k 1 --variant provider"),
        "{\"k\":1,\"owners\":{\"ann\":0.25,\"bob\":0.25},\"rows\":3,\"ties\":0,\
         \"total\":0.5,\"validation_rows\":2,\"variant\":\"provider\"}\n"
    );
    let train = TRAIN.replace("bob", "\"b,o\"");
    assert_eq!(
        calc(&train, VALIDATION, "--k 1 --variant provider --output csv"),
        "owner,value\nann,0.25\n\"b,o\",0.25\n"
    );
    assert_eq!(
        calc("x,label\n0,a\n", VALIDATION, "--k 1 --variant provider"),
        "t.csv: there is no column \"owner\""
    );
}

#[test]
fn what_is_no_table_of_numbers_is_refused_by_every_variant() {
    let bad = [
        ("x,label,owner\n", "there are no rows"),
        ("x,label,owner\nNaN,a,o\n", "is not a finite number"),
        (
            "x,label,owner\n1,a,o\n-inf,a,o\n",
            "line 3, column \"x\": \"-inf\"",
        ),
        ("x,label,owner\n1,a,o\n1,a\n", "line 3: 2 cells"),
        (
            "x,label,owner\n1,,o\n",
            "line 2, column \"label\": the cell is empty",
        ),
        ("x,owner\n1,o\n", "there is no column \"label\""),
        (
            "y,label,owner\n1,a,o\n",
            "column \"x\" is missing from the training rows",
        ),
    ];
    let variants = [
        "row",
        "provider",
        "banzhaf",
        "soft",
        "threshold --threshold 1",
    ];
    for variant in variants {
        let flags = format!("--k 1 --variant {variant}");
        for (train, expected) in bad {
            let found = calc(train, VALIDATION, &flags);
            assert!(found.contains(expected), "{variant}: {found}");
        }
        let empty = calc(TRAIN, "x,label\n", &flags);
        assert_eq!(empty, "v.csv: there are no rows");
    }
}
