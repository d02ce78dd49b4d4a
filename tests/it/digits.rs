//! The shipped digits, valued as the demo values them: from CSV files to weights.

use std::collections::BTreeMap;
use std::num::NonZero;

use fenrun::cli::calc::knn::{Args, Format, Variant, calculate};
use fenrun::domain::{ContentHash, ThingId};
use fenrun::store::tables::{Columns, read_csv};
use fenrun::valuation::{
    Contribution, ContributionValues, FeatureTable, Inputs, METHODS, Method, Question, Rows,
    WEIGHT_TOTAL, quotient, value_contributions,
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

/// The first rows of every provider's file under one owner column, with pixels that are no
/// integers, so that distances are sums of floating-point numbers.
fn fractions(names: &[&str], rows: usize, owner: bool) -> String {
    let mut text = String::new();
    for name in names {
        let file = std::fs::read_to_string(path(name)).unwrap();
        let mut lines = file.lines();
        let header = lines.next().unwrap();
        if text.is_empty() {
            text = format!("{header}{}\n", if owner { ",owner" } else { "" });
        }
        for line in lines.take(rows) {
            let (pixels, label) = line.rsplit_once(',').unwrap();
            let pixels = pixels.split(',').map(|pixel| {
                let seventh = pixel.parse::<u32>().unwrap() % 7;
                format!("{pixel}.{seventh}")
            });
            let pixels = pixels.collect::<Vec<_>>().join(",");
            let owner = if owner {
                format!(",{name}")
            } else {
                String::new()
            };
            text.push_str(&format!("{pixels},{label}{owner}\n"));
        }
    }
    text
}

/// Written down once: what every variant prints, whatever the build, the processor and the number
/// of threads. A release build (`cargo test --release --test it digits`) compares the same.
const FIXED: [(Variant, &str); 5] = [
    (
        Variant::Row,
        "4c505fd33962edd43fc34191642c638203b668f582f8ab354ca5cac01ddb60c8",
    ),
    (
        Variant::Provider,
        "62381f786d3eb6d87188c5c8ca9fe4778037bf026a7573def73cedbf2a976853",
    ),
    (
        Variant::Banzhaf,
        "0cbbdfb7116fc6d7e8826d76d864c8497e5833eb0868f64b4b0a9864d7d083dd",
    ),
    (
        Variant::Soft,
        "036eeea8ec7a78334ff7978afd5d42d31a4c548d6740ae22d566b5a191c97fe0",
    ),
    (
        Variant::Threshold,
        "7123357e8ccb91a839153af079d124032908f668d33d6fdf07f8d51d9954d8ff",
    ),
];

#[test]
fn every_variant_prints_fixed_bytes_with_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let (train, validation) = (folder.path().join("train.csv"), folder.path().join("v.csv"));
    std::fs::write(&train, fractions(&PROVIDERS, 50, true)).unwrap();
    std::fs::write(&validation, fractions(&["validation"], 40, false)).unwrap();
    let mut found = Vec::new();
    for (variant, _) in FIXED {
        let args = Args {
            train: train.clone(),
            validation: validation.clone(),
            k: NonZero::new(5).unwrap(),
            label: "label".to_owned(),
            owner: None,
            features: None,
            variant,
            threshold: (variant == Variant::Threshold).then_some(25.5),
            exact: false,
        };
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let mut printed = Vec::new();
                calculate(&args, Format::Json, &mut printed, false).unwrap();
                printed
            })
        };
        let one = with(1);
        assert!(one == with(2) && one == with(7), "{variant:?}");
        found.push((variant, ContentHash::of(&one).to_string()));
    }
    let expected = FIXED.map(|(variant, hash)| (variant, hash.to_owned()));
    assert_eq!(found, expected);
}

/// Every method and rule over contributions that hold copies of each other's rows: the same lines
/// with any number of threads, and the same weights as were once written down.
#[test]
fn every_method_of_the_ledger_has_fixed_weights() {
    let tables: Vec<FeatureTable> = PROVIDERS.iter().map(|name| read(name)).collect();
    let validation = read("validation");
    let some = |table: &FeatureTable, rows: std::ops::Range<usize>| {
        let rows = rows.map(|row| (table.row(row).unwrap(), table.labels().get(row).unwrap()));
        FeatureTable::gather(table.features(), rows).unwrap()
    };
    let points = some(&validation, 0..30);
    let held: Vec<FeatureTable> = (0..5).map(|at| some(&tables[at], 0..60)).collect();
    let copied = some(&tables[0], 30..70);
    let mut contributions = Vec::new();
    for (number, table) in (0u8..).zip(held.iter().chain([&copied])) {
        // The last copies some rows of the first, under the third owner.
        let owner = PROVIDERS[[0, 1, 2, 3, 4, 2][usize::from(number)]];
        contributions.push(Contribution {
            id: ThingId([number; 32]),
            owner: owner.parse().unwrap(),
            place: (u64::from(number), 0),
            used: true,
            rows: Rows::Table(table),
        });
    }
    let inputs = Inputs {
        contributions: &contributions,
        validation: Some(&points),
        costs: &[
            ("lin-school".parse().unwrap(), 7),
            ("orchid-studio".parse().unwrap(), 2),
        ]
        .into(),
    };
    let mut told = String::new();
    for line in METHODS {
        for rule in line.rules {
            let value = |name: &str| match name {
                "duplicates" => rule.name(),
                "ties" => "seed",
                "threshold" => "25",
                _ => "5",
            };
            let names = line.parameters.iter();
            let parameters = names.map(|name| ((*name).to_owned(), value(name).to_owned()));
            let seed = line
                .parameters
                .contains(&"ties")
                .then(|| b"digits".to_vec());
            let method = Method::read(line.name, &parameters.collect(), seed).unwrap();
            let with = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                pool.install(|| value_contributions(&inputs, &method, &|_| ()).unwrap())
            };
            let one = with(1);
            assert_eq!(one, with(3), "{method:?}");
            let weights = one.lines.iter().map(|line| line.weight.to_string());
            let weights: Vec<String> = weights.collect();
            told.push_str(&format!(
                "{} {}:\n{}\n",
                line.name,
                rule.name(),
                weights.join(" ")
            ));
        }
    }
    insta::assert_snapshot!(told, @"
    provider-knn-shapley first:
    248611111111 164646464647 213564083761 208838383838 125505050505 38834906138
    row-knn-shapley first:
    243193795629 155784284514 205296244726 235929767970 122464440868 37331466293
    row-knn-shapley equal:
    181091192801 155784284514 205296244726 240032249506 122464440868 95331587585
    row-knn-shapley pro_rata:
    217920184916 155784284514 205296244726 232642071119 122464440868 65892773857
    row-knn-banzhaf first:
    305845652904 115785984666 234002874311 252348284561 0 92017203558
    row-knn-banzhaf equal:
    219811898956 115785984666 234002874310 260009703068 0 170389539000
    row-knn-banzhaf pro_rata:
    271246243204 115785984666 234002874311 250677525898 0 128287371921
    row-knn-soft-label first:
    250674902945 146646876010 205573418766 245815376568 113384992130 37904433581
    row-knn-soft-label equal:
    188172936051 146646876010 205573418765 249794106151 113384992130 96427670893
    row-knn-soft-label pro_rata:
    225215097085 146646876010 205573418766 242714619832 113384992130 66464996177
    row-knn-threshold first:
    291552668012 217915774216 169188471991 275168798094 23231040397 22943247290
    row-knn-threshold equal:
    192441375107 217915774215 169188471991 283392257987 23231040397 113831080303
    row-knn-threshold pro_rata:
    251158075562 217915774216 169188471991 275168798094 23231040397 63337839740
    coverage first:
    196721311475 196721311476 196721311476 183606557377 196721311475 29508196721
    coverage equal:
    143169398907 196721311476 196721311475 187431693989 196721311475 79234972678
    coverage pro_rata:
    174863387978 196721311475 196721311476 180327868853 196721311475 54644808743
    ");
}
