//! Every method against its definition: all sets of players, in whole numbers; and what must hold
//! of the integers that are printed.

mod definitions;
mod integers;

use self::definitions::{Average, Row, Utility, by_enumeration};
use super::*;
use num_bigint::BigInt;
use proptest::prelude::*;

fn ratio(numerator: u64, denominator: u64) -> BigRational {
    BigRational::new(numerator.into(), denominator.into())
}

fn k(neighbours: usize) -> NonZero<u64> {
    NonZero::new(u64::try_from(neighbours).unwrap()).unwrap()
}

fn train_table(rows: &[Row]) -> FeatureTable {
    let x = rows.iter().map(|row| f64::from(row.0)).collect();
    let labels = rows.iter().map(|row| row.1).collect();
    let owners: Vec<String> = rows.iter().map(|row| format!("owner {}", row.2)).collect();
    let owners = owners.iter().map(String::as_str).collect();
    FeatureTable::from_columns(vec![("x".to_owned(), x)], labels, Some(owners)).unwrap()
}

fn validation_table(points: &[(i8, &'static str)]) -> FeatureTable {
    let rows: Vec<Row> = points.iter().map(|(x, label)| (*x, *label, 0)).collect();
    train_table(&rows)
}

fn distinct_labels(train: &[Row], validation: &[(i8, &str)]) -> usize {
    let labels = train.iter().map(|row| row.1);
    let labels = labels.chain(validation.iter().map(|row| row.1));
    labels.collect::<HashSet<_>>().len()
}

/// Compares the exact form of every method that values rows with its definition.
fn check_rows(train: &[Row], validation: &[(i8, &'static str)], neighbours: usize, reach: f64) {
    let (rows, points) = (train_table(train), validation_table(validation));
    let problem = Problem::new(&rows, &points, k(neighbours), None).unwrap();
    let labels = distinct_labels(train, validation);
    let k = neighbours;
    let threshold = Threshold::new(reach).unwrap();
    let (hard, soft) = (Utility::Hard { k }, Utility::Soft { k, labels });
    let within = Utility::Threshold { labels };
    let cases = [
        (row_shapley_exact(&problem), hard, Average::Shapley),
        (row_banzhaf_exact(&problem), hard, Average::Banzhaf),
        (soft_label_exact(&problem), soft, Average::Shapley),
        (
            threshold_shapley_exact(&problem, threshold),
            within,
            Average::Shapley,
        ),
    ];
    for (found, utility, average) in cases {
        let players: (usize, &dyn Fn(usize) -> usize) = (train.len(), &|row| row);
        let expected = by_enumeration(train, validation, reach, players, utility, average);
        let what = format!("{train:?} {validation:?} {utility:?} {average:?} reach {reach}");
        assert_eq!(found.unwrap().values, expected, "{what}");
    }
}

/// Compares provider values with the definition over owners.
fn check_owners(train: &[Row], validation: &[(i8, &'static str)], neighbours: usize) {
    let (rows, points) = (train_table(train), validation_table(validation));
    let problem = Problem::new(&rows, &points, k(neighbours), None).unwrap();
    let owners = rows.owners().unwrap();
    let owner_of = |row: usize| usize::try_from(owners.numbers()[row]).unwrap();
    let players: (usize, &dyn Fn(usize) -> usize) = (owners.distinct().len(), &owner_of);
    let utility = Utility::Hard { k: neighbours };
    let expected = by_enumeration(train, validation, 0.0, players, utility, Average::Shapley);
    let found = provider_shapley_exact(&problem).unwrap();
    assert_eq!(found, expected, "{train:?} {validation:?} k {neighbours}");
}

/// Rows on a short line, so that many distances are equal.
fn rows(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<Row>> {
    let row = (0i8..6, prop::sample::select(vec!["a", "b", "c"]), 0usize..5);
    proptest::collection::vec(row, count)
}

fn points(
    count: std::ops::RangeInclusive<usize>,
) -> impl Strategy<Value = Vec<(i8, &'static str)>> {
    let point = (0i8..6, prop::sample::select(vec!["a", "b", "d"]));
    proptest::collection::vec(point, count)
}

#[test]
fn row_methods_equal_their_definitions_for_all_n_up_to_9_and_k_up_to_4() {
    // What a row is worth at a validation row depends on which places match alone, so these are
    // all cases there are.
    for n in 1..=9usize {
        for pattern in 0..1usize << n {
            let label = |i: usize| if pattern >> i & 1 == 1 { "a" } else { "b" };
            let row = |i: usize| (i8::try_from(i).unwrap(), label(i), 0);
            let train: Vec<Row> = (0..n).map(row).collect();
            let reach = f64::from(u8::try_from(pattern % 11).unwrap()) - 1.0;
            check_rows(&train, &[(0, "a")], pattern % 4 + 1, reach.max(0.0));
            if n <= 7 {
                for neighbours in 1..=4 {
                    check_rows(&train, &[(0, "a")], neighbours, reach.max(0.5));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn row_methods_equal_their_definitions_with_ties(
        train in rows(1..=6),
        validation in points(1..=3),
        neighbours in 1usize..9,
        reach in 0u8..7,
    ) {
        check_rows(&train, &validation, neighbours, f64::from(reach));
    }

    #[test]
    fn provider_values_equal_the_definition(
        train in rows(1..=9),
        validation in points(1..=3),
        neighbours in 1usize..=4,
    ) {
        check_owners(&train, &validation, neighbours);
    }

    #[test]
    fn provider_values_equal_the_definition_with_many_neighbours(
        train in rows(1..=12),
        validation in points(1..=1),
        neighbours in 4usize..15,
    ) {
        check_owners(&train, &validation, neighbours);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Values sum to the utility of all rows.
    #[test]
    fn values_are_efficient(
        train in rows(1..=40),
        validation in points(1..=5),
        neighbours in 1usize..40,
    ) {
        let utility = Utility::Hard { k: neighbours };
        let all: i128 = validation
            .iter()
            .map(|point| {
                let seen = definitions::seen(&train, *point, 0.0);
                let seen: Vec<(bool, bool)> = seen.iter().map(|row| (row.1, row.2)).collect();
                utility.of(&seen)
            })
            .sum();
        let expected = BigRational::new(all.into(), (neighbours * validation.len()).into());
        let (table, points) = (train_table(&train), validation_table(&validation));
        let problem = Problem::new(&table, &points, k(neighbours), None).unwrap();
        let rows = row_shapley_exact(&problem).unwrap().values;
        prop_assert_eq!(rows.into_iter().sum::<BigRational>(), expected.clone());
        let owners = provider_shapley_exact(&problem).unwrap();
        prop_assert_eq!(owners.into_iter().sum::<BigRational>(), expected);
    }

    #[test]
    fn order_changes_positions_only_where_nothing_ties(
        count in 1usize..11,
        turn in 0usize..11,
        labels in proptest::collection::vec(prop::sample::select(vec!["a", "b"]), 11),
    ) {
        let row = |i: usize| (i8::try_from(i * i).unwrap(), labels[i], 0);
        let train: Vec<Row> = (0..count).map(row).collect();
        let validation = validation_table(&[(-1, "a"), (101, "b")]);
        let values = |train: &[Row]| {
            let train = train_table(train);
            let problem = Problem::new(&train, &validation, k(3), None).unwrap();
            let values = row_shapley(&problem).unwrap();
            assert_eq!(values.ties, 0);
            values.values
        };
        let mut turned = train.clone();
        turned.rotate_left(turn % count);
        let mut expected = values(&train);
        expected.rotate_left(turn % count);
        prop_assert_eq!(values(&turned), expected);
    }
}

#[test]
fn ties_follow_the_order_given() {
    let train = train_table(&[(1, "a", 0), (1, "b", 0)]);
    let validation = validation_table(&[(0, "a")]);
    let values = |order: Option<Vec<usize>>| {
        let problem = Problem::new(&train, &validation, k(1), order).unwrap();
        row_shapley_exact(&problem).unwrap()
    };
    // The matching row alone is worth 1; behind a row that does not match, half of that.
    assert_eq!(values(None).values, [ratio(1, 1), ratio(0, 1)]);
    assert_eq!(values(None).ties, 1);
    let half = ratio(1, 2);
    assert_eq!(values(Some(vec![1, 0])).values, [half.clone(), -half]);
}

fn one_column(name: &str, rows: &[(f64, &str)]) -> FeatureTable {
    let x = rows.iter().map(|row| row.0).collect();
    let labels = rows.iter().map(|row| row.1).collect();
    FeatureTable::from_columns(vec![(name.to_owned(), x)], labels, None).unwrap()
}

#[test]
fn what_is_wrong_is_said() {
    let train = one_column("x", &[(1e200, "a"), (1.0, "b"), (-1e200, "a")]);
    let validation = one_column("x", &[(1.0, "a"), (-1e200, "c")]);
    let problem = Problem::new(&train, &validation, k(1), Some(vec![2, 1, 0])).unwrap();
    let infinite = |row, validation_row| KnnError::InfiniteDistance {
        row,
        validation_row,
    };
    assert_eq!(row_shapley(&problem), Err(infinite(0, 0)));
    assert_eq!(provider_shapley(&problem), Err(KnnError::NoOwners));
    for order in [vec![0, 1], vec![0, 1, 1], vec![1, 2, 3]] {
        let refused = Problem::new(&train, &validation, k(1), Some(order));
        assert_eq!(refused.unwrap_err(), KnnError::TieOrder { rows: 3 });
    }
    let other = one_column("y", &[(1.0, "a")]);
    let refused = Problem::new(&train, &other, k(1), None).unwrap_err();
    assert!(matches!(refused, KnnError::Columns(violations) if violations.len() == 2));
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(Threshold::new(bad), None);
    }
}

#[test]
fn progress_counts_every_validation_row() {
    let train = train_table(&[(1, "a", 0), (1, "b", 0)]);
    let validation = validation_table(&[(0, "a"); 50]);
    let done = std::sync::atomic::AtomicUsize::new(0);
    let progress = |more: usize| {
        done.fetch_add(more, std::sync::atomic::Ordering::Relaxed);
    };
    let problem = Problem::new(&train, &validation, k(1), None).unwrap();
    row_shapley(&problem.with_progress(&progress)).unwrap();
    assert_eq!(done.into_inner(), 50);
}
