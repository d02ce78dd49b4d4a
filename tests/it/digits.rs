//! The shipped digits, valued as the demo values them: from CSV files to weights.

use std::collections::BTreeMap;
use std::num::NonZero;

use fenrun::cli::calc::knn::{Args, Format, Variant, calculate};
use fenrun::domain::{ContentHash, ThingId};
use fenrun::store::tables::{Columns, read_csv};
use fenrun::valuation::{
    Contribution, ContributionValues, FeatureTable, Inputs, Method, Question, Rows, WEIGHT_TOTAL,
    quotient, value_contributions,
};

/// The providers in the order in which they are recorded here.
const PROVIDERS: [&str; 5] = [
    "lin-school",
    "harbor-lab",
    "orchid-studio",
    "copycat",
    "hasty-labels",
];

fn path(name: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    folder
        .join("examples/data/digits")
        .join(format!("{name}.csv"))
}

fn read(name: &str) -> FeatureTable {
    read_csv(&std::fs::read(path(name)).unwrap(), &Columns::default()).unwrap()
}

/// Values the providers as recorded in the given order, one contribution and owner each.
fn valued(order: [&str; 5], seed: Option<Vec<u8>>) -> ContributionValues {
    let tables: Vec<FeatureTable> = order.iter().map(|name| read(name)).collect();
    let contributions: Vec<Contribution<'_>> = (0u8..)
        .zip(order.iter().zip(&tables))
        .map(|(number, (owner, table))| Contribution {
            id: ThingId([number; 32]),
            owner: owner.parse().unwrap(),
            place: (u64::from(number), 0),
            used: true,
            rows: Rows::Table(table),
        })
        .collect();
    let neighbours = NonZero::new(5).unwrap();
    let method = Method::nearest(Question::RowKnnShapley, neighbours, seed);
    let inputs = Inputs {
        contributions: &contributions,
        validation: Some(&read("validation")),
        costs: &BTreeMap::new(),
    };
    value_contributions(&inputs, &method, &|_| ()).unwrap()
}

fn told(values: &ContributionValues) -> String {
    let lines = values.lines.iter().map(|line| {
        let (rows, copies) = (line.rows, line.copies);
        let value = quotient(line.value, values.denominator);
        let owner = line.owner.as_str();
        format!(
            "{owner:13} rows {rows:3} copies {copies:3} value {value:.6} weight {:12}\n",
            line.weight
        )
    });
    lines.collect::<String>() + &format!("ties {}\n", values.ties)
}

#[test]
fn copies_earn_nothing_and_wrong_labels_little() {
    let values = valued(PROVIDERS, Some(b"digits".to_vec()));
    insta::assert_snapshot!(told(&values), @"
    lin-school    rows 560 copies   0 value 0.418895 weight 459986775448
    harbor-lab    rows 430 copies   0 value 0.319688 weight 351047865371
    orchid-studio rows  80 copies   0 value 0.065605 weight  72040775223
    copycat       rows 270 copies 150 value 0.093386 weight 102547330990
    hasty-labels  rows 307 copies   0 value 0.013093 weight  14377252968
    ties 112449
    ");
    let line = |owner: &str| {
        values
            .lines
            .iter()
            .find(|line| line.owner.as_str() == owner)
            .unwrap()
    };
    let weights: u64 = values.lines.iter().map(|line| line.weight).sum();
    assert_eq!(weights, WEIGHT_TOTAL);

    // The copycat gets for its file what its own 120 rows get without the copies.
    assert_eq!((line("copycat").rows, line("copycat").copies), (270, 150));
    let without_copies = valued_without_copies();
    assert_eq!(line("copycat").value, without_copies["copycat"]);
    assert_eq!(line("lin-school").value, without_copies["lin-school"]);

    let per_row = |owner: &str| {
        let kept = i128::from(line(owner).rows - line(owner).copies);
        line(owner).value / kept
    };
    for owner in PROVIDERS.iter().filter(|owner| **owner != "hasty-labels") {
        assert!(per_row("hasty-labels") < per_row(owner), "{owner}");
    }
}

/// The same values from a plain list of distinct rows, by the calculator's own path.
fn valued_without_copies() -> BTreeMap<String, i128> {
    use fenrun::valuation::knn::{Problem, row_shapley};
    use fenrun::valuation::{canonical_row, seeded_order};

    let tables: Vec<FeatureTable> = PROVIDERS.iter().map(|name| read(name)).collect();
    let mut seen = Vec::new();
    let mut rows = Vec::new();
    for (owner, table) in PROVIDERS.iter().zip(&tables) {
        for row in 0..table.rows() {
            let (features, label) = (table.row(row).unwrap(), table.labels().get(row).unwrap());
            let bytes = canonical_row(features, label);
            if !seen.contains(&bytes) {
                seen.push(bytes);
                rows.push((*owner, features, label));
            }
        }
    }
    let pairs = rows.iter().map(|(_, features, label)| (*features, *label));
    let train = FeatureTable::gather(tables[0].features(), pairs).unwrap();
    let order = seeded_order(b"digits", seen.iter().map(Vec::as_slice));
    let validation = read("validation");
    let k = NonZero::new(5).unwrap();
    let problem = Problem::new(&train, &validation, k, Some(order)).unwrap();
    let mut sums = BTreeMap::new();
    for ((owner, _, _), value) in rows.iter().zip(row_shapley(&problem).unwrap().values) {
        *sums.entry((*owner).to_owned()).or_default() += value;
    }
    sums
}

#[test]
fn who_recorded_first_keeps_the_rows() {
    let turned = [
        "copycat",
        "harbor-lab",
        "orchid-studio",
        "lin-school",
        "hasty-labels",
    ];
    let copies: Vec<(String, u64)> = valued(turned, None)
        .lines
        .into_iter()
        .map(|line| (line.owner.to_string(), line.copies))
        .collect();
    assert_eq!(copies[0], ("copycat".to_owned(), 0));
    assert_eq!(copies[3], ("lin-school".to_owned(), 150));
}

/// The calculator over one provider's file: the printed bytes are the same everywhere.
#[test]
fn the_printed_result_has_a_fixed_hash() {
    let args = Args {
        train: path("lin-school"),
        validation: path("validation"),
        k: NonZero::new(5).unwrap(),
        label: "label".to_owned(),
        owner: None,
        features: None,
        variant: Variant::Row,
        threshold: None,
        exact: false,
    };
    let mut printed = Vec::new();
    calculate(&args, Format::Json, &mut printed, false).unwrap();
    let hash = ContentHash::of(&printed).to_string();
    let expected = "1c5bcd65432632e22918a1250c7bcb8ee6e8cf3522410fba9be900152dafeb9f";
    assert_eq!(hash, expected);
}
