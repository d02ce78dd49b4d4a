//! Squared Euclidean distances, the same to the last bit on every machine.
//!
//! Floating-point distances are added in one stated order of eight lanes, so that a compiler may
//! use vectors of any width up to eight without changing a bit; nothing here fuses a product with
//! a sum. Rows of integers are compared by their exact distance.

use std::ops::Range;

use super::table::FeatureTable;

/// One group of eight features of a row, one for each lane; the last group is filled with zeros,
/// which add nothing to a sum that started from zero.
type Lanes = [f64; 8];

/// Cells below this size can be cells of an integer column.
const INTEGER_LIMIT: f64 = 2_147_483_648.0;

/// Integers up to this size are exact in an `f64`.
const EXACT_IN_F64: u128 = 1 << 53;

/// 2^128, the first number that no `u128` holds.
const ABOVE_U128: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;

/// How many bytes of training rows are compared with a block of validation rows before the next
/// are read; they stay in the nearest cache.
const TILE_BYTES: usize = 16 << 10;

/// A squared distance; none is negative or not a number.
pub trait Distance: Copy + PartialOrd + Default + Send + Sync {
    /// Returns whether it is a finite number.
    fn is_finite(self) -> bool;

    /// Returns about how much larger it is than a smaller one; never falls when `self` grows.
    fn gap(self, least: Self) -> f64;

    /// Returns whether it is at most a number that is not negative, compared exactly.
    fn within(self, limit: f64) -> bool;
}

impl Distance for f64 {
    fn is_finite(self) -> bool {
        f64::is_finite(self)
    }

    fn gap(self, least: Self) -> f64 {
        self - least
    }

    fn within(self, limit: f64) -> bool {
        self <= limit
    }
}

impl Distance for u128 {
    fn is_finite(self) -> bool {
        true
    }

    fn gap(self, least: Self) -> f64 {
        self.saturating_sub(least) as f64
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the limit is not negative and below 2^128, and its fraction does not matter"
    )]
    fn within(self, limit: f64) -> bool {
        limit >= ABOVE_U128 || self <= limit as u128
    }
}

/// The distances from some validation rows to all training rows.
pub trait Distances: Sync {
    /// How a distance is kept.
    type Distance: Distance;

    /// Writes the distances from each validation row of `points` to the training rows in order;
    /// `answers` has one list a point, whose former content is dropped.
    fn of_points(&self, points: Range<usize>, answers: &mut [Vec<Self::Distance>]);
}

/// The distances between two tables, by the rule that their cells call for.
pub enum Metric<'a> {
    /// In `f64`, also where an `f64` holds every partial sum of integers exactly.
    Float(FloatDistances<'a>),
    /// In integers of 128 bits.
    Integer(IntegerDistances<'a>),
}

impl<'a> Metric<'a> {
    /// Prepares the distances from each row of `validation` to the rows of `train`.
    ///
    /// Both tables have the same columns in the same order.
    pub fn new(train: &'a FeatureTable, validation: &'a FeatureTable) -> Self {
        if integer_span(train, validation).is_some_and(|largest| largest > EXACT_IN_F64) {
            Self::Integer(IntegerDistances { train, validation })
        } else {
            Self::Float(FloatDistances::new(train, validation))
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
pub struct FloatDistances<'a> {
    train: &'a FeatureTable,
    validation: Vec<Lanes>,
    lanes_per_row: usize,
    processor: pulp::Arch,
}

impl<'a> FloatDistances<'a> {
    fn new(train: &'a FeatureTable, validation: &FeatureTable) -> Self {
        let mut lanes = Vec::new();
        for row in validation.iter_rows() {
            push_lanes(row, &mut lanes);
        }
        Self {
            train,
            validation: lanes,
            lanes_per_row: train.features().len().div_ceil(8).max(1),
            processor: pulp::Arch::new(),
        }
    }

    /// The same without the vectors that only some processors have.
    #[cfg(test)]
    fn on_any_processor(self) -> Self {
        let processor = pulp::Arch::Scalar;
        Self { processor, ..self }
    }
}

impl Distances for FloatDistances<'_> {
    type Distance = f64;

    fn of_points(&self, points: Range<usize>, answers: &mut [Vec<f64>]) {
        let points: Vec<&[Lanes]> = self
            .validation
            .chunks_exact(self.lanes_per_row)
            .skip(points.start)
            .take(points.len())
            .collect();
        for answer in &mut *answers {
            answer.clear();
            answer.reserve(self.train.rows());
        }
        let row_bytes = size_of::<Lanes>().saturating_mul(self.lanes_per_row);
        let tile_rows = TILE_BYTES.checked_div(row_bytes).unwrap_or(0).max(2);
        let mut tile: Vec<Lanes> = Vec::with_capacity(tile_rows.saturating_mul(self.lanes_per_row));
        let cells = tile_rows.saturating_mul(self.train.features().len());
        for rows in self.train.cells().chunks(cells.max(1)) {
            tile.clear();
            for row in rows.chunks_exact(self.train.features().len().max(1)) {
                push_lanes(row, &mut tile);
            }
            self.processor.dispatch(Comparison {
                tile: &tile,
                points: &points,
                lanes_per_row: self.lanes_per_row,
                answers,
            });
        }
    }
}

/// The rows of a tile against some points. It is compiled once for each kind of processor, and
/// every one does the same operations.
struct Comparison<'a> {
    tile: &'a [Lanes],
    points: &'a [&'a [Lanes]],
    lanes_per_row: usize,
    answers: &'a mut [Vec<f64>],
}

impl pulp::WithSimd for Comparison<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<Vectors: pulp::Simd>(self, _: Vectors) {
        // Two points at a time, so that each row is read half as often.
        for (points, answers) in self.points.chunks(2).zip(self.answers.chunks_mut(2)) {
            let rows = self.tile.chunks_exact(self.lanes_per_row);
            match (points, answers) {
                ([first, second], [to_first, to_second]) => {
                    for row in rows {
                        let (one, other) = squared_pair(row, first, second);
                        to_first.push(one);
                        to_second.push(other);
                    }
                }
                ([point], [to_point]) => {
                    for row in rows {
                        to_point.push(squared_pair(row, point, point).0);
                    }
                }
                _ => {}
            }
        }
    }
}

#[inline(always)]
fn push_lanes(row: &[f64], lanes: &mut Vec<Lanes>) {
    lanes.extend(row.chunks(8).map(|features| {
        let mut lanes = [0.0; 8];
        for (lane, feature) in lanes.iter_mut().zip(features) {
            *lane = *feature;
        }
        lanes
    }));
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

/// Returns the distances of one training row to two points, reading the row once.
#[inline(always)]
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
pub struct IntegerDistances<'a> {
    train: &'a FeatureTable,
    validation: &'a FeatureTable,
}

impl Distances for IntegerDistances<'_> {
    type Distance = u128;

    fn of_points(&self, points: Range<usize>, answers: &mut [Vec<u128>]) {
        for (point, answer) in points.zip(answers) {
            let point = self.validation.row(point).unwrap_or_default();
            answer.clear();
            let rows = self.train.iter_rows();
            answer.extend(rows.map(|row| squared_integers(row, point)));
        }
    }
}

/// A difference is below 2^32, so its square fits 64 bits and 2^64 of them fit the sum.
fn squared_integers(row: &[f64], point: &[f64]) -> u128 {
    row.iter().zip(point).fold(0, |sum, (x, v)| {
        let difference = u128::from(whole(*x).abs_diff(whole(*v)));
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

    fn all<D: Distances>(distances: &D, points: usize) -> Vec<Vec<D::Distance>> {
        let mut answers = vec![vec![D::Distance::default()]; points];
        distances.of_points(0..points, &mut answers);
        answers
    }

    fn float_distances(train: &[Vec<f64>], validation: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let (train, points) = (table(train), validation.len());
        let validation = table(validation);
        let vectors = all(&FloatDistances::new(&train, &validation), points);
        let scalar = FloatDistances::new(&train, &validation).on_any_processor();
        assert_eq!(vectors, all(&scalar, points));
        vectors
    }

    fn rows(features: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
        let row = proptest::collection::vec(-1e3f64..1e3, features);
        proptest::collection::vec(row, 1..70)
    }

    proptest! {
        #[test]
        fn every_bit_is_as_the_rule_says_with_and_without_vectors(
            (train, validation) in (1usize..40).prop_flat_map(|n| (rows(n), rows(n))),
        ) {
            let found = float_distances(&train, &validation);
            for (point, distances) in validation.iter().zip(&found) {
                for (row, distance) in train.iter().zip(distances) {
                    prop_assert_eq!(by_the_rule(row, point).to_bits(), distance.to_bits());
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
            let (train, validation) = (table(&rows[..2]), table(&rows[2..]));
            prop_assert!(matches!(Metric::new(&train, &validation), Metric::Float(_)));
            let integers = IntegerDistances { train: &train, validation: &validation };
            for (float, integer) in floats[0].iter().zip(&all(&integers, 1)[0]) {
                prop_assert_eq!(*float, *integer as f64);
            }
        }
    }

    #[test]
    fn large_integers_differ_by_one_and_stay_different() {
        let far = 2_147_483_647.0;
        let train = table(&[vec![far, far, 1.0], vec![far, far, 0.0]]);
        let point = table(&[vec![-far, -far, 2.0]]);
        let Metric::Integer(distances) = Metric::new(&train, &point) else {
            panic!("integers of this size need 128 bits");
        };
        let expected = 2 * (2 * 2_147_483_647u128).pow(2);
        assert_eq!(all(&distances, 1), [[expected + 1, expected + 4]]);
    }

    #[test]
    fn a_fraction_or_a_large_cell_makes_all_columns_float() {
        for odd in [0.5, 2_147_483_648.0] {
            let train = table(&[vec![2_147_483_647.0, odd]]);
            let point = table(&[vec![-2_147_483_647.0, 0.0]]);
            assert!(matches!(Metric::new(&train, &point), Metric::Float(_)));
        }
    }

    #[test]
    fn an_overflow_is_not_finite() {
        let found = float_distances(&[vec![1e200], vec![1.0]], &[vec![-1e200], vec![0.0]]);
        let finite: Vec<bool> = found.iter().flatten().map(|d| d.is_finite()).collect();
        assert_eq!(finite, [false, false, false, true]);
    }

    #[test]
    fn integers_are_compared_with_a_limit_exactly() {
        let large = (1u128 << 60) + 1;
        assert!(!large.within((1u64 << 60) as f64));
        assert!((large - 1).within((1u64 << 60) as f64));
        assert!(u128::MAX.within(ABOVE_U128) && u128::MAX.within(f64::INFINITY));
        assert!(!u128::MAX.within(ABOVE_U128 / 2.0));
        assert!(0u128.within(0.5) && !1u128.within(0.5));
    }
}
