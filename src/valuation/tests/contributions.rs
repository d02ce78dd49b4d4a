//! What contributions come to by each method and rule, and what an owner can do about it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::domain::{PartyName, ThingId};
use crate::valuation::{
    Contribution, DuplicateRule, FeatureTable, Inputs, METHODS, Method, NearRows, Rows, account,
    coverage, quotient, row_hashes, value_contributions,
};

/// Features and label.
type Row<'a> = (&'a [f64], &'a str);

fn table(columns: &str, rows: &[Row<'_>]) -> FeatureTable {
    let features: Vec<String> = columns.chars().map(String::from).collect();
    FeatureTable::gather(&features, rows.iter().copied()).unwrap()
}

fn contribution<'a>(
    id: u8,
    owner: &str,
    used: bool,
    rows: impl Into<Rows<'a>>,
) -> Contribution<'a> {
    Contribution {
        id: ThingId([id; 32]),
        owner: owner.parse().unwrap(),
        place: (u64::from(id), 0),
        used,
        rows: rows.into(),
    }
}

impl<'a> From<&'a FeatureTable> for Rows<'a> {
    fn from(table: &'a FeatureTable) -> Self {
        Self::Table(table)
    }
}

/// Writes a method as `name parameter=value ...`, with a seed where `ties=seed`.
fn method(text: &str) -> Method {
    let mut words = text.split(' ');
    let name = words.next().unwrap();
    let parameters: BTreeMap<String, String> = words
        .map(|word| word.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let seeded = parameters.get("ties").is_some_and(|ties| ties == "seed");
    Method::read(name, &parameters, seeded.then(|| b"seed".to_vec())).unwrap()
}

const ROWS: &str = "row-knn-shapley duplicates=first k=1 ties=log";
const PROVIDERS: &str = "provider-knn-shapley duplicates=first k=1 ties=log";

fn told(contributions: &[Contribution<'_>], text: &str) -> String {
    let validation = table("xy", &[(&[0.0, 0.0], "a"), (&[9.0, 9.0], "b")]);
    let costs = [("ann".parse().unwrap(), 3), ("bob".parse().unwrap(), 1)].into();
    let inputs = Inputs {
        contributions,
        validation: Some(&validation),
        costs: &costs,
    };
    match value_contributions(&inputs, &method(text), &|_| ()) {
        Ok(values) => {
            let value = |value| quotient(value, values.denominator);
            let lines = values.lines.iter().map(|line| {
                let id = line.contribution.0[0];
                let (owner, copies) = (&line.owner, line.copies);
                format!(
                    "{id} {owner} {} {copies} {}",
                    value(line.value),
                    line.weight
                )
            });
            let owners = values.owners.iter().flatten();
            let owners = owners.map(|line| format!("{} {}", line.owner, value(line.value)));
            lines.chain(owners).collect::<Vec<_>>().join("; ")
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn copies_earn_nothing_and_columns_are_matched() {
    let first = table("xy", &[(&[0.0, 1.0], "a"), (&[9.0, 8.0], "b")]);
    let copy = table("yx", &[(&[1.0, 0.0], "a"), (&[8.0, 9.0], "b")]);
    let list = [
        contribution(1, "ann", true, &first),
        contribution(2, "bob", true, &copy),
    ];
    let expected = "1 ann 1 0 1000000000000; 2 bob 0 2 0";
    assert_eq!(told(&list, ROWS), expected);
    assert_eq!(told(&list, &ROWS.replace("log", "seed")), expected);
    let turned = [list[1].clone(), list[0].clone()];
    assert_eq!(told(&turned, ROWS), expected);
    let with_owners = format!("{expected}; ann 1; bob 0");
    assert_eq!(told(&turned, PROVIDERS), with_owners);
}

#[test]
fn an_unused_first_holder_joins_with_that_row_alone() {
    let holder = table("xy", &[(&[0.0, 1.0], "a"), (&[9.0, 8.0], "b")]);
    let other = table("xy", &[(&[5.0, 5.0], "b")]);
    let used = table("xy", &[(&[0.0, 1.0], "a"), (&[9.0, 7.0], "b")]);
    let list = [
        contribution(1, "ann", false, &holder),
        contribution(2, "cat", false, &other),
        contribution(3, "bob", true, &used),
    ];
    let expected = "1 ann 0.5 0 500000000000; 3 bob 0.5 1 500000000000";
    assert_eq!(told(&list, ROWS), expected);
    assert_eq!(
        told(&list, PROVIDERS),
        format!("{expected}; ann 0.5; bob 0.5")
    );
    let hashes = row_hashes(&holder);
    let known_by_hash = [
        contribution(1, "ann", false, Rows::Hashes(&hashes)),
        list[2].clone(),
    ];
    assert_eq!(told(&known_by_hash, ROWS), expected);
}

#[test]
fn other_rules_divide_a_row_among_its_holders() {
    let first = table("xy", &[(&[0.0, 1.0], "a"), (&[9.0, 8.0], "b")]);
    let copy = table("xy", &[(&[0.0, 1.0], "a")]);
    let list = [
        contribution(1, "ann", true, &first),
        contribution(2, "bob", false, &copy),
        contribution(3, "cat", true, &copy),
    ];
    let by = |name: &str, rule: &str| told(&list, &format!("{name} duplicates={rule}"));
    let rows = |rule: &str| told(&list, &ROWS.replace("first", rule));
    let third = "1 ann 0.6666666666666666 0 666666666667; 2 bob 0.16666666666666666 1 \
                 166666666667; 3 cat 0.16666666666666666 1 166666666666";
    assert_eq!(rows("first"), "1 ann 1 0 1000000000000; 3 cat 0 1 0");
    assert_eq!(rows("equal"), third);
    let paid = "1 ann 0.875 0 875000000000; 2 bob 0.125 1 125000000000; 3 cat 0 1 0";
    assert_eq!(rows("pro_rata"), paid);
    let first = "1 ann 2 0 1000000000000; 3 cat 0 1 0";
    assert_eq!(by("coverage", "first"), first);
    let equal = "1 ann 1.3333333333333333 0 666666666667; 2 bob 0.3333333333333333 1 \
                 166666666667; 3 cat 0.3333333333333333 1 166666666666";
    assert_eq!(by("coverage", "equal"), equal);
    let paid = "1 ann 1.75 0 875000000000; 2 bob 0.25 1 125000000000; 3 cat 0 1 0";
    assert_eq!(by("coverage", "pro_rata"), paid);
}

#[test]
fn hashes_alone_suffice_for_coverage_and_for_nothing_else() {
    let rows = table("xy", &[(&[0.0, 1.0], "a"), (&[9.0, 8.0], "b")]);
    let hashes = row_hashes(&rows);
    let list = [
        contribution(1, "ann", true, Rows::Hashes(&hashes[..1])),
        contribution(2, "bob", true, &rows),
    ];
    let expected = "1 ann 1 0 500000000000; 2 bob 1 1 500000000000";
    assert_eq!(told(&list, "coverage duplicates=first"), expected);
    assert!(told(&list, ROWS).starts_with("of contribution 0101"));
}

#[test]
fn what_cannot_be_valued_is_said() {
    let one = table("xy", &[(&[0.0, 1.0], "a")]);
    let other = table("xz", &[(&[0.0, 1.0], "a")]);
    let unused = [contribution(1, "ann", false, &one)];
    assert_eq!(told(&unused, ROWS), "no contribution is used in the period");
    let mixed = [
        contribution(1, "ann", true, &one),
        contribution(2, "bob", true, &other),
    ];
    assert!(told(&mixed, ROWS).starts_with("the columns of contribution 0202"));
    let strange = [contribution(2, "bob", true, &other)];
    assert_eq!(told(&strange, ROWS), "the rows could not be valued");
    let used = [contribution(1, "ann", true, &one)];
    let inputs = Inputs {
        contributions: &used,
        validation: None,
        costs: &BTreeMap::new(),
    };
    let error = value_contributions(&inputs, &method(PROVIDERS), &|_| ()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "provider-knn-shapley needs the validation set of the pool"
    );
}

/// A row of the owner of a number, and into which of the owner's contributions it goes in one
/// division and in another.
type Divided = (u8, [f64; 2], &'static str, u8, u8);

fn divided() -> impl Strategy<Value = Vec<Divided>> {
    let cell = (0u8..5).prop_map(f64::from);
    let label = prop_oneof![Just("a"), Just("b"), Just("c")];
    let row = (0u8..4, [cell.clone(), cell], label, 0u8..3, 0u8..3);
    proptest::collection::vec(row, 1..25)
}

/// Returns the weight of each owner's contributions together, and what the owner is worth.
fn by_owner(
    rows: &[Divided],
    number: impl Fn(&Divided) -> u8,
    method: &Method,
) -> BTreeMap<PartyName, (u64, i128)> {
    let mut rows_of: BTreeMap<(u8, u8), Vec<Row<'_>>> = BTreeMap::new();
    for row in rows {
        let of = rows_of.entry((row.0, number(row))).or_default();
        of.push((&row.1, row.2));
    }
    let tables: Vec<((u8, u8), FeatureTable)> = rows_of
        .into_iter()
        .map(|(at, rows)| (at, table("xy", &rows)))
        .collect();
    // An owner's contributions stand one after the other, before those of the next owner.
    let contributions: Vec<Contribution<'_>> = tables
        .iter()
        .map(|((owner, number), table)| {
            let name = format!("owner-{owner}");
            contribution(owner * 3 + number + 1, &name, true, table)
        })
        .collect();
    let points: [Row<'_>; 3] = [(&[0.0, 1.0], "a"), (&[3.0, 3.0], "b"), (&[4.0, 1.0], "a")];
    let inputs = Inputs {
        contributions: &contributions,
        validation: Some(&table("xy", &points)),
        costs: &[
            ("owner-0".parse().unwrap(), 5),
            ("owner-2".parse().unwrap(), 2),
        ]
        .into(),
    };
    let values = value_contributions(&inputs, method, &|_| ()).unwrap();
    let mut owners: BTreeMap<PartyName, (u64, i128)> = BTreeMap::new();
    for line in &values.lines {
        let (weight, value) = owners.entry(line.owner.clone()).or_default();
        *weight += line.weight;
        *value += line.value;
    }
    for line in values.owners.into_iter().flatten() {
        owners.get_mut(&line.owner).unwrap().1 = line.value;
    }
    owners
}

/// Every method with every rule that it takes.
fn every_method(neighbours: u64, seed: u8) -> Vec<Method> {
    let methods = METHODS.iter().flat_map(|line| {
        line.rules.iter().map(move |rule| {
            let value = |name: &str| match name {
                "duplicates" => rule.name().to_owned(),
                "k" => neighbours.to_string(),
                "threshold" => "1.5".to_owned(),
                _ => "seed".to_owned(),
            };
            let named = line.parameters.iter();
            let parameters: BTreeMap<String, String> = named
                .map(|name| ((*name).to_owned(), value(name)))
                .collect();
            let seed = line.parameters.contains(&"ties").then(|| vec![seed]);
            Method::read(line.name, &parameters, seed).unwrap()
        })
    });
    methods.collect()
}

/// The points of an account come to the value; who else holds its rows is counted.
#[test]
fn an_account_comes_to_the_value() {
    let first = table(
        "xy",
        &[(&[0.0, 1.0], "a"), (&[9.0, 8.0], "b"), (&[4.0, 4.0], "a")],
    );
    let copy = table(
        "xy",
        &[(&[9.0, 8.0], "b"), (&[4.0, 4.5], "a"), (&[4.0, 4.5], "a")],
    );
    let list = [
        contribution(1, "ann", true, &first),
        contribution(2, "bob", true, &copy),
    ];
    let points: [Row<'_>; 3] = [(&[0.0, 1.0], "a"), (&[9.0, 9.0], "b"), (&[7.0, 6.0], "b")];
    let inputs = Inputs {
        contributions: &list,
        validation: Some(&table("xy", &points)),
        costs: &BTreeMap::new(),
    };
    for method in every_method(2, 1) {
        let values = value_contributions(&inputs, &method, &|_| ()).unwrap();
        for line in &values.lines {
            let found = account(&inputs, &method, &line.contribution)
                .unwrap()
                .unwrap();
            let mut owners = values.owners.iter().flatten();
            let owner = owners.find(|one| one.owner == line.owner);
            let expected = owner.map_or(line.value, |one| one.value);
            let sum: i128 = found.points.iter().map(|(_, value)| value).sum();
            if method.duplicates() == DuplicateRule::First && method.passes() > 0 {
                assert_eq!(sum, expected, "{method:?} {line:?}");
            }
            let near = |row: usize, other_row: usize| NearRows {
                rows: 1,
                row,
                other_row,
                feature: "y".to_owned(),
            };
            let numbers: Vec<usize> = found.points.iter().map(|(point, _)| *point).collect();
            assert_eq!(numbers.len(), if method.passes() > 0 { 3 } else { 0 });
            assert!(numbers.is_sorted());
            if line.contribution == ThingId([1; 32]) {
                assert_eq!(found.credited, 3);
                assert_eq!(found.recorded_again, [(ThingId([2; 32]), 1)].into());
                assert_eq!(found.recorded_before, BTreeMap::new());
                assert_eq!(found.near_again, [(ThingId([2; 32]), near(2, 1))].into());
                assert_eq!(found.near_before, BTreeMap::new());
            } else {
                let shared = u64::from(method.duplicates() != DuplicateRule::First);
                assert_eq!(found.credited, 1 + shared);
                assert_eq!(found.recorded_before, [(ThingId([1; 32]), 1)].into());
                assert_eq!(found.near_before, [(ThingId([1; 32]), near(1, 2))].into());
            }
        }
        assert_eq!(account(&inputs, &method, &ThingId([9; 32])), Ok(None));
    }
}

proptest! {
    #[test]
    fn an_owner_gets_the_same_however_it_divides_its_rows(
        rows in divided(),
        neighbours in 1u64..5,
        seed in any::<u8>(),
    ) {
        for method in every_method(neighbours, seed) {
            let one = by_owner(&rows, |row| row.3, &method);
            let whole = by_owner(&rows, |_| 0, &method);
            let other = by_owner(&rows, |row| row.4, &method);
            prop_assert_eq!(&one, &whole, "{:?}", method);
            prop_assert_eq!(&other, &whole, "{:?}", method);
        }
    }

    #[test]
    fn coverage_is_that_of_exact_fractions(rows in divided()) {
        let equal = method("coverage duplicates=equal");
        let found = by_owner(&rows, |row| row.3, &equal);
        let held: Vec<(u8, Vec<Vec<u8>>)> = (0..4)
            .map(|owner| {
                let own = rows.iter().filter(|row| row.0 == owner);
                (owner, own.map(|row| crate::valuation::canonical_row(&row.1, row.2)).collect())
            })
            .collect();
        for ((owner, _), value) in held.iter().zip(coverage(&held, |_| 1)) {
            let name: PartyName = format!("owner-{owner}").parse().unwrap();
            let found = found.get(&name).map_or(0, |found| found.1);
            let exact = (value * num_bigint::BigInt::from(1u64 << 62)).to_integer();
            // Each of at most 24 rows is divided to the last unit, one more or less an owner.
            let off = num_bigint::BigInt::from(found) - exact;
            prop_assert!(off.magnitude() <= &24u8.into(), "{name}: {off}");
        }
    }
}
