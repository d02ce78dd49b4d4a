//! Squared Euclidean distances, the same to the last bit on every machine.
//!
//! Floating-point distances are added in one stated order of eight lanes, so that a compiler may
//! use vectors of any width up to eight without changing a bit; nothing here fuses a product with
//! a sum. Rows of integers are compared by their exact distance.

use super::table::FeatureTable;

/// One group of eight features of a row, one for each lane; the last group is filled with zeros,
/// which add nothing to a sum that started from zero.
type Lanes = [f64; 8];

/// Cells below this size can be cells of an integer column.
const INTEGER_LIMIT: f64 = 2_147_483_648.0;

/// Integers up to this size are exact in an `f64`.
const EXACT_IN_F64: u128 = 1 << 53;

/// How many training rows are compared with a block of validation rows before the next are read.
const TILE_ROWS: usize = 32;

/// The distances from some validation rows to all training rows.
pub trait Distances: Sync {
    /// A distance; none is negative, and they order as numbers do.
    type Distance: Copy + Ord + Send;

    /// Returns, for each validation row of `points`, the distances to the training rows in order.
    fn of_points(&self, points: std::ops::Range<usize>) -> Vec<Vec<Self::Distance>>;

    /// Returns whether a distance is a finite number.
    fn is_finite(distance: Self::Distance) -> bool;
}

/// The distances between two tables, by the rule that their cells call for.
pub enum Metric {
    /// In `f64`, also where an `f64` holds every partial sum of integers exactly.
    Float(FloatDistances),
    /// In integers of 128 bits.
    Integer(IntegerDistances),
}

impl Metric {
    /// Prepares the distances from each row of `validation` to the rows of `train`, these in the
    /// order of `order`. Both tables have the same columns in the same order.
    pub fn new(train: &FeatureTable, order: &[usize], validation: &FeatureTable) -> Self {
        if integer_span(train, validation).is_some_and(|largest| largest > EXACT_IN_F64) {
            Self::Integer(IntegerDistances::new(train, order, validation))
        } else {
            Self::Float(FloatDistances::new(train, order, validation))
        }
    }
}

/// Returns a bound on every distance if all cells are integers below 2^31 in size.
fn integer_span(train: &FeatureTable, validation: &FeatureTable) -> Option<u128> {
    let (mut lowest, mut highest) = (0i64, 0i64);
    for cell in train.cells().iter().chain(validation.cells()) {
        if cell.abs() >= INTEGER_LIMIT || cell.fract() != 0.0 {
            return None;
        }
        lowest = lowest.min(whole(*cell));
        highest = highest.max(whole(*cell));
    }
    let span = u128::from(highest.abs_diff(lowest));
    let features = u128::try_from(train.features().len()).unwrap_or(u128::MAX);
    Some(span.saturating_mul(span).saturating_mul(features))
}

/// Returns the integer that a cell of an integer column is.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cell is an integer below 2^31 in size"
)]
fn whole(cell: f64) -> i64 {
    cell as i64
}

/// Distances in `f64`, an infinite one where a sum overflows.
pub struct FloatDistances {
    train: Vec<Lanes>,
    validation: Vec<Lanes>,
    lanes_per_row: usize,
}

impl FloatDistances {
    fn new(train: &FeatureTable, order: &[usize], validation: &FeatureTable) -> Self {
        let rows = order.iter().filter_map(|row| train.row(*row));
        Self {
            train: rows.flat_map(lanes).collect(),
            validation: validation.iter_rows().flat_map(lanes).collect(),
            lanes_per_row: train.features().len().div_ceil(8).max(1),
        }
    }
}

impl Distances for FloatDistances {
    /// The bits of the `f64`: of numbers that are not negative they order as the numbers do.
    type Distance = u64;

    fn of_points(&self, points: std::ops::Range<usize>) -> Vec<Vec<u64>> {
        let points: Vec<&[Lanes]> = self
            .validation
            .chunks_exact(self.lanes_per_row)
            .skip(points.start)
            .take(points.len())
            .collect();
        let rows = self
            .train
            .len()
            .checked_div(self.lanes_per_row)
            .unwrap_or(0);
        let mut distances = vec![Vec::with_capacity(rows); points.len()];
        for tile in self
            .train
            .chunks(self.lanes_per_row.saturating_mul(TILE_ROWS))
        {
            for (points, answers) in points.chunks(2).zip(distances.chunks_mut(2)) {
                let rows = tile.chunks_exact(self.lanes_per_row);
                match (points, answers) {
                    ([first, second], [to_first, to_second]) => {
                        for row in rows {
                            let (one, other) = squared_pair(row, first, second);
                            to_first.push(one.to_bits());
                            to_second.push(other.to_bits());
                        }
                    }
                    ([point], [to_point]) => {
                        to_point.extend(rows.map(|row| squared(row, point).to_bits()));
                    }
                    _ => {}
                }
            }
        }
        distances
    }

    fn is_finite(distance: u64) -> bool {
        f64::from_bits(distance).is_finite()
    }
}

fn lanes(row: &[f64]) -> impl Iterator<Item = Lanes> {
    row.chunks(8).map(|features| {
        let mut lanes = [0.0; 8];
        for (lane, feature) in lanes.iter_mut().zip(features) {
            *lane = *feature;
        }
        lanes
    })
}

#[inline(always)]
fn add_squares(sums: &mut Lanes, row: &Lanes, point: &Lanes) {
    for ((sum, x), v) in sums.iter_mut().zip(row).zip(point) {
        let difference = x - v;
        *sum += difference * difference;
    }
}

#[inline(always)]
fn total([l0, l1, l2, l3, l4, l5, l6, l7]: Lanes) -> f64 {
    ((l0 + l1) + (l2 + l3)) + ((l4 + l5) + (l6 + l7))
}

fn squared(row: &[Lanes], point: &[Lanes]) -> f64 {
    let mut sums = [0.0; 8];
    for (row, point) in row.iter().zip(point) {
        add_squares(&mut sums, row, point);
    }
    total(sums)
}

/// Returns the distances of one training row to two points, reading the row once.
fn squared_pair(row: &[Lanes], first: &[Lanes], second: &[Lanes]) -> (f64, f64) {
    let mut to_first = [0.0; 8];
    let mut to_second = [0.0; 8];
    for ((row, first), second) in row.iter().zip(first).zip(second) {
        add_squares(&mut to_first, row, first);
        add_squares(&mut to_second, row, second);
    }
    (total(to_first), total(to_second))
}

/// Exact distances between rows of integers too large or too many for an `f64` to hold.
pub struct IntegerDistances {
    train: Vec<i64>,
    validation: Vec<i64>,
    features: usize,
}

impl IntegerDistances {
    fn new(train: &FeatureTable, order: &[usize], validation: &FeatureTable) -> Self {
        let rows = order.iter().filter_map(|row| train.row(*row));
        Self {
            train: rows.flatten().copied().map(whole).collect(),
            validation: validation.cells().iter().copied().map(whole).collect(),
            features: train.features().len().max(1),
        }
    }
}

impl Distances for IntegerDistances {
    type Distance = u128;

    fn of_points(&self, points: std::ops::Range<usize>) -> Vec<Vec<u128>> {
        self.validation
            .chunks_exact(self.features)
            .skip(points.start)
            .take(points.len())
            .map(|point| {
                let rows = self.train.chunks_exact(self.features);
                rows.map(|row| squared_integers(row, point)).collect()
            })
            .collect()
    }

    fn is_finite(_: u128) -> bool {
        true
    }
}

/// A difference is below 2^32, so its square fits 64 bits and 2^64 of them fit the sum.
fn squared_integers(row: &[i64], point: &[i64]) -> u128 {
    row.iter().zip(point).fold(0, |sum, (x, v)| {
        let difference = u128::from(x.abs_diff(*v));
        sum + difference * difference
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(rows: &[Vec<f64>]) -> FeatureTable {
        let features: Vec<String> = (0..rows[0].len()).map(|f| format!("x{f}")).collect();
        let rows = rows.iter().map(|row| (row.as_slice(), "a"));
        FeatureTable::gather(&features, rows).unwrap()
    }

    /// The rule as the specification words it, one feature after the other.
    fn by_the_rule(row: &[f64], point: &[f64]) -> f64 {
        let mut l = [0.0f64; 8];
        for f in 0..row.len() {
            l[f % 8] += (row[f] - point[f]) * (row[f] - point[f]);
        }
        ((l[0] + l[1]) + (l[2] + l[3])) + ((l[4] + l[5]) + (l[6] + l[7]))
    }

    fn float_distances(train: &[Vec<f64>], validation: &[Vec<f64>]) -> Vec<Vec<u64>> {
        let order: Vec<usize> = (0..train.len()).collect();
        let distances = FloatDistances::new(&table(train), &order, &table(validation));
        distances.of_points(0..validation.len())
    }

    fn rows(features: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
        let row = proptest::collection::vec(-1e3f64..1e3, features);
        proptest::collection::vec(row, 1..70)
    }

    proptest! {
        #[test]
        fn every_bit_is_as_the_rule_says(
            (train, validation) in (1usize..40).prop_flat_map(|n| (rows(n), rows(n))),
        ) {
            let found = float_distances(&train, &validation);
            for (point, distances) in validation.iter().zip(&found) {
                for (row, distance) in train.iter().zip(distances) {
                    prop_assert_eq!(by_the_rule(row, point).to_bits(), *distance);
                }
            }
        }

        #[test]
        fn small_integers_are_exact_in_either_metric(
            cells in proptest::collection::vec(-1000i32..1000, 3 * 9),
        ) {
            let rows: Vec<Vec<f64>> = cells
                .chunks(9)
                .map(|row| row.iter().map(|x| f64::from(*x)).collect())
                .collect();
            let floats = float_distances(&rows[..2], &rows[2..]);
            let (train, point) = (table(&rows[..2]), table(&rows[2..]));
            prop_assert!(matches!(Metric::new(&train, &[0, 1], &point), Metric::Float(_)));
            let integers = IntegerDistances::new(&train, &[0, 1], &point).of_points(0..1);
            for (float, integer) in floats[0].iter().zip(&integers[0]) {
                prop_assert_eq!(f64::from_bits(*float), *integer as f64);
            }
        }
    }

    #[test]
    fn large_integers_differ_by_one_and_stay_different() {
        let far = 2_147_483_647.0;
        let train = table(&[vec![far, far, 1.0], vec![far, far, 0.0]]);
        let point = table(&[vec![-far, -far, 2.0]]);
        let Metric::Integer(distances) = Metric::new(&train, &[0, 1], &point) else {
            panic!("integers of this size need 128 bits");
        };
        let expected = 2 * (2 * 2_147_483_647u128).pow(2);
        let found = distances.of_points(0..1);
        assert_eq!(found, [[expected + 1, expected + 4]]);
    }

    #[test]
    fn a_fraction_or_a_large_cell_makes_all_columns_float() {
        for odd in [0.5, 2_147_483_648.0] {
            let train = table(&[vec![2_147_483_647.0, odd]]);
            let point = table(&[vec![-2_147_483_647.0, 0.0]]);
            assert!(matches!(
                Metric::new(&train, &[0], &point),
                Metric::Float(_)
            ));
        }
    }

    #[test]
    fn an_overflow_is_not_finite() {
        let found = float_distances(&[vec![1e200], vec![1.0]], &[vec![-1e200], vec![0.0]]);
        let finite = |bits: &u64| FloatDistances::is_finite(*bits);
        let finite: Vec<bool> = found.iter().flatten().map(finite).collect();
        assert_eq!(finite, [false, false, false, true]);
    }
}
