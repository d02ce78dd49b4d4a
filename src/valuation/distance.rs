//! Squared Euclidean distances, the same to the last bit on every machine.
//!
//! Floating-point distances are added in one stated order of eight lanes, so that a compiler may
//! use vectors of any width up to eight without changing a bit; nothing here fuses a product with
//! a sum. Rows of integers are compared by their exact distance.

use std::ops::Range;

use super::table::FeatureTable;

/// How many sums a distance is added up in.
const LANES: usize = 8;

/// How many training rows are compared with a point at once, each in its place of a vector.
const GROUP_ROWS: usize = 4;

/// One number for each row of a group.
type Group = [f64; GROUP_ROWS];

/// Cells below this size can be cells of an integer column.
const INTEGER_LIMIT: f64 = 2_147_483_648.0;

/// Integers up to this size are exact in an `f64`.
const EXACT_IN_F64: u128 = 1 << 53;

/// 2^128, the first number that no `u128` holds.
const ABOVE_U128: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;

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
    validation: &'a FeatureTable,
    processor: pulp::Arch,
}

impl<'a> FloatDistances<'a> {
    fn new(train: &'a FeatureTable, validation: &'a FeatureTable) -> Self {
        Self {
            train,
            validation,
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
        let features = self.train.features().len().max(1);
        let first = points.start.saturating_mul(features);
        let last = points.end.saturating_mul(features);
        for answer in &mut *answers {
            answer.resize(self.train.rows(), 0.0);
        }
        self.processor.dispatch(Comparison {
            train: self.train.cells(),
            points: self.validation.cells().get(first..last).unwrap_or_default(),
            features,
            answers,
        });
    }
}

/// Training rows against some points. It is compiled once for each kind of processor, and every
/// one does the same operations.
struct Comparison<'a> {
    train: &'a [f64],
    points: &'a [f64],
    features: usize,
    answers: &'a mut [Vec<f64>],
}

impl pulp::WithSimd for Comparison<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<Vectors: pulp::Simd>(self, _: Vectors) {
        let mut group = vec![[0.0; GROUP_ROWS]; self.features];
        let group_cells = self.features.saturating_mul(GROUP_ROWS);
        for (number, rows) in self.train.chunks(group_cells).enumerate() {
            for (place, row) in rows.chunks_exact(self.features).enumerate() {
                for (cells, cell) in group.iter_mut().zip(row) {
                    if let Some(slot) = cells.get_mut(place) {
                        *slot = *cell;
                    }
                }
            }
            let first = number.saturating_mul(GROUP_ROWS);
            let points = self.points.chunks_exact(self.features);
            for (point, answer) in points.zip(&mut *self.answers) {
                let distances = squared(&group, point);
                for (slot, distance) in answer.iter_mut().skip(first).zip(distances) {
                    *slot = distance;
                }
            }
        }
    }
}

/// Returns the distances of the rows of a group to a point.
#[inline(always)]
fn squared(group: &[Group], point: &[f64]) -> Group {
    let mut lanes = [[0.0; GROUP_ROWS]; LANES];
    let (groups, last_group) = group.as_chunks::<LANES>();
    let (points, last_point) = point.as_chunks::<LANES>();
    for (cells, point) in groups.iter().zip(points) {
        add_squares(&mut lanes, cells, point);
    }
    add_squares(&mut lanes, last_group, last_point);
    let [l0, l1, l2, l3, l4, l5, l6, l7] = lanes;
    sum(sum(sum(l0, l1), sum(l2, l3)), sum(sum(l4, l5), sum(l6, l7)))
}

#[inline(always)]
fn add_squares(lanes: &mut [Group; LANES], cells: &[Group], point: &[f64]) {
    for ((sums, cells), v) in lanes.iter_mut().zip(cells).zip(point) {
        for (sum, x) in sums.iter_mut().zip(cells) {
            let difference = x - v;
            *sum += difference * difference;
        }
    }
}

#[inline(always)]
fn sum(mut one: Group, other: Group) -> Group {
    for (one, other) in one.iter_mut().zip(other) {
        *one += other;
    }
    one
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
