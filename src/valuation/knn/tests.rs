//! The closed form against the definition: every set of rows, every order, as rationals.

use super::*;
use num_bigint::BigInt;
use proptest::prelude::*;

fn ratio(numerator: u64, denominator: u64) -> BigRational {
    BigRational::new(numerator.into(), denominator.into())
}

fn table(rows: &[(f64, &str)]) -> FeatureTable {
    let cells: Vec<[f64; 1]> = rows.iter().map(|(x, _)| [*x]).collect();
    let rows = cells.iter().map(|x| x.as_slice()).zip(rows);
    FeatureTable::gather(&["x".to_owned()], rows.map(|(x, (_, label))| (x, *label))).unwrap()
}

fn k(neighbours: u64) -> NonZero<u64> {
    NonZero::new(neighbours).unwrap()
}

/// The utility at one point: matches among the k nearest of the set, over k.
fn utility(train: &[(f64, &str)], set: usize, point: (f64, &str), k: u64) -> BigRational {
    let mut members: Vec<(f64, usize)> = (0..train.len())
        .filter(|row| set >> row & 1 == 1)
        .map(|row| ((train[row].0 - point.0).powi(2), row))
        .collect();
    members.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let near = members.iter().take(usize::try_from(k).unwrap());
    let matching = near.filter(|(_, row)| train[*row].1 == point.1).count();
    ratio(matching.try_into().unwrap(), k)
}

fn factorial(n: usize) -> u64 {
    (1..=u64::try_from(n).unwrap()).product()
}

/// Shapley's formula: the mean gain over all orders, from the utilities of all sets.
fn by_enumeration(train: &[(f64, &str)], validation: &[(f64, &str)], k: u64) -> Vec<BigRational> {
    let n = train.len();
    let mut values = vec![ratio(0, 1); n];
    for point in validation {
        let utilities: Vec<BigRational> = (0..1 << n)
            .map(|set| utility(train, set, *point, k))
            .collect();
        for (row, value) in values.iter_mut().enumerate() {
            for set in (0..1usize << n).filter(|set| set >> row & 1 == 0) {
                let size = usize::try_from(set.count_ones()).unwrap();
                let weight = ratio(factorial(size) * factorial(n - 1 - size), factorial(n));
                *value += (&utilities[set | 1 << row] - &utilities[set]) * weight;
            }
        }
    }
    let points = BigInt::from(validation.len());
    values.into_iter().map(|value| value / &points).collect()
}

fn exact(train: &[(f64, &str)], validation: &[(f64, &str)], neighbours: u64) -> ExactRowValues {
    let train = table(train);
    let problem = Problem::new(&train, &table(validation), k(neighbours), None).unwrap();
    row_shapley_exact(&problem).unwrap()
}

fn integers(train: &[(f64, &str)], validation: &[(f64, &str)], neighbours: u64) -> RowValues {
    let train = table(train);
    let problem = Problem::new(&train, &table(validation), k(neighbours), None).unwrap();
    row_shapley(&problem).unwrap()
}

/// Rows on a short line, so that many distances are equal.
fn rows(count: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<(f64, &'static str)>> {
    let row = (0i8..5, prop::sample::select(vec!["a", "b", "c"]));
    let row = row.prop_map(|(x, label)| (f64::from(x), label));
    proptest::collection::vec(row, count)
}

#[test]
fn equals_the_definition_for_every_size_and_k() {
    // Every label pattern of up to nine rows is too many for one test; these cover each size and
    // each K with a pattern of matches and ties that depends on both.
    for n in 1..=9usize {
        for neighbours in 1..=4u64 {
            for pattern in [0usize, 0b1_0110_1011, 0b0_1001_0010, 0b1_1111_1111] {
                let row = |i: usize| {
                    let label = if pattern >> i & 1 == 1 { "a" } else { "b" };
                    (f64::from(u8::try_from(i * 3 % 5).unwrap()), label)
                };
                let train: Vec<(f64, &str)> = (0..n).map(row).collect();
                let validation = [(1.0, "a"), (2.5, "b")];
                let expected = by_enumeration(&train, &validation, neighbours);
                let found = exact(&train, &validation, neighbours);
                assert_eq!(found.values, expected, "n {n}, k {neighbours}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn equals_the_definition(
        train in rows(1..=7),
        validation in rows(1..=3),
        neighbours in 1u64..9,
    ) {
        let expected = by_enumeration(&train, &validation, neighbours);
        prop_assert_eq!(exact(&train, &validation, neighbours).values, expected);
    }

    /// The integer form is below the exact one by less than one unit a term and point.
    #[test]
    fn integers_stay_within_their_bound(
        train in rows(1..=60),
        validation in rows(1..=20),
        neighbours in 1u64..70,
    ) {
        let truth = exact(&train, &validation, neighbours);
        let found = integers(&train, &validation, neighbours);
        prop_assert_eq!(found.ties, truth.ties);
        let points = i64::try_from(validation.len()).unwrap();
        for (value, truth) in found.values.iter().zip(&truth.values) {
            let scaled = truth * BigInt::from(found.denominator.get());
            let gap = scaled - BigInt::from(*value);
            let bound = BigRational::from_integer((points * 60).into());
            prop_assert!(gap < bound && gap > -bound);
        }
    }

    /// Values sum to the utility of all rows.
    #[test]
    fn values_are_efficient(
        train in rows(1..=30),
        validation in rows(1..=5),
        neighbours in 1u64..40,
    ) {
        let all: BigRational = validation
            .iter()
            .map(|point| utility(&train, (1 << train.len()) - 1, *point, neighbours))
            .sum();
        let sum: BigRational = exact(&train, &validation, neighbours).values.into_iter().sum();
        prop_assert_eq!(sum, all / BigInt::from(validation.len()));
    }

    #[test]
    fn order_changes_positions_only_where_nothing_ties(
        count in 1usize..40,
        turn in 0usize..40,
        labels in proptest::collection::vec(prop::sample::select(vec!["a", "b"]), 40),
    ) {
        let row = |i: usize| (f64::from(u32::try_from(i * i).unwrap()), labels[i]);
        let train: Vec<(f64, &str)> = (0..count).map(row).collect();
        let validation = [(0.3, "a"), (50.1, "b"), (400.7, "a")];
        let found = integers(&train, &validation, 3);
        prop_assert_eq!(found.ties, 0);
        let mut turned = train.clone();
        turned.rotate_left(turn % count);
        let mut expected = found.values.clone();
        expected.rotate_left(turn % count);
        prop_assert_eq!(integers(&turned, &validation, 3).values, expected);
    }

    #[test]
    fn threads_change_nothing(train in rows(1..=50), validation in rows(1..=40)) {
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| integers(&train, &validation, 2))
        };
        let one = with(1);
        prop_assert_eq!(&with(2), &one);
        prop_assert_eq!(&with(7), &one);
    }
}

#[test]
fn ties_follow_the_order_given() {
    let train = table(&[(1.0, "a"), (1.0, "b")]);
    let validation = table(&[(0.0, "a")]);
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

#[test]
fn what_is_wrong_is_said() {
    let train = table(&[(1e200, "a"), (1.0, "b"), (-1e200, "a")]);
    let validation = table(&[(1.0, "a"), (-1e200, "c")]);
    let problem = Problem::new(&train, &validation, k(1), Some(vec![2, 1, 0])).unwrap();
    let infinite = |row, validation_row| KnnError::InfiniteDistance {
        row,
        validation_row,
    };
    assert_eq!(row_shapley(&problem), Err(infinite(0, 0)));
    for order in [vec![0, 1], vec![0, 1, 1], vec![1, 2, 3]] {
        let refused = Problem::new(&train, &validation, k(1), Some(order));
        assert_eq!(refused.unwrap_err(), KnnError::TieOrder { rows: 3 });
    }
    let features = ["y".to_owned()];
    let other = FeatureTable::gather(&features, [([1.0].as_slice(), "a")].into_iter()).unwrap();
    let refused = Problem::new(&train, &other, k(1), None).unwrap_err();
    assert!(matches!(refused, KnnError::Columns(violations) if violations.len() == 2));
}
