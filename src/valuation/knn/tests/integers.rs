//! The integers that stand for values: rounded as the number format says, whatever the threads.

use super::*;

/// Labels in runs, most of them short and some long, so that values lie close to round numbers.
fn labels_in_runs() -> impl Strategy<Value = Vec<bool>> {
    let length = prop_oneof![4 => 1usize..4, 2 => 1usize..60, 1 => 100usize..180];
    let lengths = proptest::collection::vec(length, 1..14);
    (any::<bool>(), lengths).prop_map(|(first, lengths)| {
        let runs = lengths.into_iter().enumerate();
        runs.flat_map(|(run, length)| std::iter::repeat_n(first ^ (run % 2 == 1), length))
            .collect()
    })
}

fn line(matches: &[bool]) -> FeatureTable {
    let rows = matches.iter().zip(0u32..);
    let rows: Vec<(f64, &str)> = rows
        .map(|(matches, x)| (f64::from(x), if *matches { "a" } else { "b" }))
        .collect();
    one_column("x", &rows)
}

fn floor(value: &BigRational) -> i128 {
    let floor = (value * BigInt::from(ONE)).floor();
    i128::try_from(floor.to_integer()).unwrap()
}

type Pair = (
    Result<RowValues, KnnError>,
    Result<ExactRowValues, KnnError>,
);

fn floored_methods(problem: &Problem<'_>, reach: f64) -> [Pair; 3] {
    let threshold = Threshold::new(reach).unwrap();
    [
        (row_banzhaf(problem), row_banzhaf_exact(problem)),
        (soft_label(problem), soft_label_exact(problem)),
        (
            threshold_shapley(problem, threshold),
            threshold_shapley_exact(problem, threshold),
        ),
    ]
}

fn check_floors(matches: &[bool], neighbours: usize, reach: f64) {
    let (train, validation) = (line(matches), one_column("x", &[(0.0, "a")]));
    let problem = Problem::new(&train, &validation, k(neighbours), None).unwrap();
    let pairs = floored_methods(&problem, reach);
    for (method, (found, truth)) in pairs.into_iter().enumerate() {
        let expected: Vec<i128> = truth.unwrap().values.iter().map(floor).collect();
        let what = format!("method {method}, k {neighbours}, reach {reach}, {matches:?}");
        assert_eq!(found.unwrap().values, expected, "{what}");
    }
}

#[test]
fn floors_are_exact_where_values_are_round() {
    for n in [1usize, 2, 4, 16, 64, 121, 128, 130, 256, 300] {
        for last_match in [0, 1, n / 2, n] {
            let mut matches = vec![false; n];
            matches[..last_match].fill(true);
            for neighbours in [1, 2, 3, 8, n, n + 1] {
                check_floors(&matches, neighbours, 8.0);
                matches.reverse();
                check_floors(&matches, neighbours, 1e9);
                matches.reverse();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn floors_are_exact(
        matches in labels_in_runs(),
        neighbours in prop_oneof![1usize..12, 1usize..300],
        reach in 0u16..400,
    ) {
        check_floors(&matches, neighbours, f64::from(reach));
    }

    /// The integer form of row Shapley is below the exact one by less than a unit a term and
    /// point.
    #[test]
    fn row_shapley_stays_within_its_bound(
        train in rows(1..=60),
        validation in points(1..=20),
        neighbours in 1usize..70,
    ) {
        let (train, validation) = (train_table(&train), validation_table(&validation));
        let problem = Problem::new(&train, &validation, k(neighbours), None).unwrap();
        let truth = row_shapley_exact(&problem).unwrap();
        let found = row_shapley(&problem).unwrap();
        prop_assert_eq!(found.ties, truth.ties);
        let bound = BigRational::from_integer((60 * validation.rows()).into());
        for (value, truth) in found.values.iter().zip(&truth.values) {
            let gap = truth * BigInt::from(found.denominator.get()) - BigInt::from(*value);
            prop_assert!(gap < bound && gap > -bound.clone());
        }
    }

    /// Gains and losses of the games are rounded down one by one.
    #[test]
    fn provider_values_are_rounded_as_the_format_says(
        train in rows(1..=14),
        validation in points(1..=2),
        neighbours in 1usize..6,
    ) {
        let (table, points) = (train_table(&train), validation_table(&validation));
        let problem = Problem::new(&table, &points, k(neighbours), None).unwrap();
        let found = provider_shapley(&problem).unwrap();
        let owners = table.owners().unwrap();
        let mut expected = vec![0i128; owners.distinct().len()];
        for point in &validation {
            let owner = |row: usize| usize::try_from(owners.numbers()[row]).unwrap();
            let seen = definitions::seen(&train, *point, 0.0);
            let seen: Vec<(usize, bool)> = seen.iter().map(|row| (owner(row.0), row.1)).collect();
            for place in 0..seen.len() {
                play_by_enumeration(&seen[..=place], neighbours, &mut expected);
            }
        }
        prop_assert_eq!(found.values, expected);
    }
}

/// The game of the last of some rows, given by owner and match from near to far.
fn play_by_enumeration(rows: &[(usize, bool)], neighbours: usize, values: &mut [i128]) {
    let (&(owner, matches), nearer) = rows.split_last().unwrap();
    if !matches {
        return;
    }
    let players = values.len();
    let counts = |set: usize| {
        let members = nearer.iter().filter(|row| set >> row.0 & 1 == 1);
        set >> owner & 1 == 1 && members.count() < neighbours
    };
    let worth: Vec<i128> = (0..1usize << players)
        .map(|set| counts(set).into())
        .collect();
    let parts = i128::try_from(neighbours).unwrap();
    let shares = definitions::values(&worth, players, parts, Average::Shapley);
    for (value, share) in values.iter_mut().zip(shares) {
        if share < ratio(0, 1) {
            *value -= floor(&-share);
        } else {
            *value += floor(&share);
        }
    }
}

/// Many owners and neighbours, so that 128 bits do not hold the counts of sets.
#[test]
fn counts_of_any_size_give_the_same_values() {
    let row = |i: u32| {
        (
            i8::try_from(i % 100).unwrap(),
            if i.is_multiple_of(3) { "a" } else { "b" },
        )
    };
    let train: Vec<Row> = (0..120u32)
        .map(|i| (row(i * 37).0, row(i).1, usize::try_from(i % 60).unwrap()))
        .collect();
    let (train, validation) = (
        train_table(&train),
        validation_table(&[(3, "a"), (70, "b")]),
    );
    let problem = Problem::new(&train, &validation, k(40), None).unwrap();
    let found = provider_shapley(&problem).unwrap();
    let truth = provider_shapley_exact(&problem).unwrap();
    let bound = BigRational::from_integer(500.into());
    for (value, truth) in found.values.iter().zip(&truth) {
        let gap = truth * BigInt::from(found.denominator.get()) - BigInt::from(*value);
        assert!(gap < bound && gap > -bound.clone(), "{gap}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn threads_change_nothing(train in rows(1..=50), validation in points(1..=60)) {
        let (train, validation) = (train_table(&train), validation_table(&validation));
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let problem = Problem::new(&train, &validation, k(2), None).unwrap();
            let rest = floored_methods(&problem, 2.0).map(|(floors, _)| floors);
            pool.install(|| (row_shapley(&problem), provider_shapley(&problem), rest))
        };
        let one = with(1);
        prop_assert_eq!(&with(2), &one);
        prop_assert_eq!(&with(7), &one);
    }
}
