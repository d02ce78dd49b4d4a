//! The training rows from near to far, for one validation row.
//!
//! Distances are scaled to whole numbers of 24 bits, which keeps their order, and sorted by those
//! in two passes; the few rows that share such a number are then sorted by the distances
//! themselves. Both steps are stable, so that rows at equal distance keep the order they came in.

use crate::valuation::distance::Distance;

/// How many bits of a key one pass sorts by.
const DIGIT_BITS: u32 = 12;
const DIGITS: usize = 1 << DIGIT_BITS;
const DIGIT_MASK: u32 = (1 << DIGIT_BITS) - 1;
const KEY_BITS: u32 = 2 * DIGIT_BITS;
const KEY_MASK: u32 = (1 << KEY_BITS) - 1;
/// Stands above the key if the row's label is that of the validation row.
const MATCHES: u32 = 1 << 31;

/// A training row as one validation row sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Neighbour {
    key: u32,
    row: u32,
}

impl Neighbour {
    /// Returns the number of the training row.
    pub fn row(self) -> usize {
        // A u32 fits the usize of every machine that this is built for.
        usize::try_from(self.row).unwrap_or(usize::MAX)
    }

    /// Returns whether its label is that of the validation row.
    pub fn matches(self) -> bool {
        self.key & MATCHES != 0
    }

    fn low_digit(self) -> usize {
        usize::try_from(self.key & DIGIT_MASK).unwrap_or(0)
    }

    fn high_digit(self) -> usize {
        usize::try_from((self.key & KEY_MASK) >> DIGIT_BITS).unwrap_or(0)
    }
}

/// Space for sorting, used again for one validation row after the other.
#[derive(Default)]
pub struct Sorter {
    rows: Vec<Neighbour>,
    spare: Vec<Neighbour>,
    low: Vec<usize>,
    high: Vec<usize>,
}

/// The training rows in order.
pub struct Sorted<'a> {
    /// From near to far.
    pub near_to_far: &'a [Neighbour],
    /// The number of adjacent pairs of equal distance.
    pub ties: u64,
}

impl Sorter {
    /// Sorts the rows by distance; of equal ones the first in `tie_order`, or else in the table,
    /// is nearer.
    ///
    /// `distances` and `labels` are indexed by row; every distance is finite. A row matches if its
    /// label is `label`.
    pub fn sort<D: Distance>(
        &mut self,
        distances: &[D],
        tie_order: Option<&[u32]>,
        labels: &[u32],
        label: u32,
    ) -> Sorted<'_> {
        let distance = |row: usize| distances.get(row).copied().unwrap_or_default();
        let least = extreme(distances, |one, other| one < other);
        let most = extreme(distances, |one, other| one > other);
        let scale = f64::from(KEY_MASK) / most.gap(least);
        for counts in [&mut self.low, &mut self.high] {
            counts.clear();
            counts.resize(DIGITS, 0);
        }
        let look = |row: u32, distance: D, of_row: u32| {
            let key = scaled(distance.gap(least), scale);
            let neighbour = Neighbour { key, row };
            count(&mut self.low, neighbour.low_digit());
            count(&mut self.high, neighbour.high_digit());
            let matches = if of_row == label { MATCHES } else { 0 };
            Neighbour {
                key: key | matches,
                row,
            }
        };
        self.rows.clear();
        fill(&mut self.rows, distances, tie_order, labels, look);
        self.spare.resize(self.rows.len(), Neighbour::default());
        scatter(
            &self.rows,
            &mut self.spare,
            &mut self.low,
            Neighbour::low_digit,
        );
        scatter(
            &self.spare,
            &mut self.rows,
            &mut self.high,
            Neighbour::high_digit,
        );
        let ties = finish(&mut self.rows, distance);
        Sorted {
            near_to_far: &self.rows,
            ties,
        }
    }
}

/// Looks at every row in the order that breaks ties.
fn fill<D: Distance>(
    rows: &mut Vec<Neighbour>,
    distances: &[D],
    tie_order: Option<&[u32]>,
    labels: &[u32],
    mut look: impl FnMut(u32, D, u32) -> Neighbour,
) {
    match tie_order {
        None => {
            let all = (0u32..).zip(distances).zip(labels);
            rows.extend(all.map(|((row, distance), label)| look(row, *distance, *label)));
        }
        Some(order) => rows.extend(order.iter().map(|row| {
            let place = usize::try_from(*row).unwrap_or(usize::MAX);
            let distance = distances.get(place).copied().unwrap_or_default();
            look(
                *row,
                distance,
                labels.get(place).copied().unwrap_or(u32::MAX),
            )
        })),
    }
}

fn extreme<D: Distance>(distances: &[D], better: impl Fn(D, D) -> bool) -> D {
    let mut distances = distances.iter().copied();
    let first = distances.next().unwrap_or_default();
    distances.fold(
        first,
        |best, one| if better(one, best) { one } else { best },
    )
}

/// Returns a key that never falls when the gap grows, whatever the scale.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is too large, or not a number, becomes the largest key or zero"
)]
fn scaled(gap: f64, scale: f64) -> u32 {
    ((gap * scale) as u32).min(KEY_MASK)
}

fn count(counts: &mut [usize], digit: usize) {
    if let Some(count) = counts.get_mut(digit) {
        *count += 1;
    }
}

/// Moves rows to their places by one digit, of which there are `counts`.
fn scatter(
    from: &[Neighbour],
    to: &mut [Neighbour],
    counts: &mut [usize],
    digit: impl Fn(Neighbour) -> usize,
) {
    let mut next = 0;
    for count in &mut *counts {
        next += std::mem::replace(count, next);
    }
    for neighbour in from {
        let Some(place) = counts.get_mut(digit(*neighbour)) else {
            continue;
        };
        if let Some(slot) = to.get_mut(*place) {
            *slot = *neighbour;
        }
        *place += 1;
    }
}

/// Sorts rows of equal key by distance and returns how many adjacent distances are equal.
fn finish<D: Distance>(rows: &mut [Neighbour], distance: impl Fn(usize) -> D) -> u64 {
    let key = |neighbour: &Neighbour| neighbour.key & KEY_MASK;
    let mut ties = 0u64;
    for equal in rows.chunk_by_mut(|one, next| key(one) == key(next)) {
        if equal.len() == 1 {
            continue;
        }
        // Distances are numbers, so any two of them compare.
        equal.sort_by(|one, other| {
            let order = distance(one.row()).partial_cmp(&distance(other.row()));
            order.unwrap_or(std::cmp::Ordering::Equal)
        });
        for pair in equal.windows(2) {
            if let [one, next] = pair
                && distance(one.row()) == distance(next.row())
            {
                ties += 1;
            }
        }
    }
    ties
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the sorter must do, by the library's stable sort.
    fn by_the_library<D: Distance>(distances: &[D], tie_order: &[u32]) -> (Vec<u32>, u64) {
        let at = |row: u32| distances[usize::try_from(row).unwrap()];
        let mut rows = tie_order.to_vec();
        rows.sort_by(|one, other| at(*one).partial_cmp(&at(*other)).unwrap());
        let equal = rows.windows(2).filter(|pair| at(pair[0]) == at(pair[1]));
        let ties = u64::try_from(equal.count()).unwrap();
        (rows, ties)
    }

    fn check<D: Distance>(distances: &[D], tie_order: Option<&[u32]>) {
        let labels: Vec<u32> = (0u32..).take(distances.len()).map(|row| row % 3).collect();
        let in_order: Vec<u32> = (0u32..).take(distances.len()).collect();
        let expected = by_the_library(distances, tie_order.unwrap_or(&in_order));
        let mut sorter = Sorter::default();
        // Twice, so that what is left of the first time must not matter.
        for _ in 0..2 {
            let sorted = sorter.sort(distances, tie_order, &labels, 0);
            let rows: Vec<u32> = sorted.near_to_far.iter().map(|one| one.row).collect();
            assert_eq!((rows, sorted.ties), expected);
            assert!(
                sorted
                    .near_to_far
                    .iter()
                    .all(|one| one.matches() == (one.row().is_multiple_of(3)))
            );
        }
    }

    fn distances() -> impl Strategy<Value = Vec<f64>> {
        let distance = prop_oneof![
            0f64..1.0,
            (0u8..4).prop_map(f64::from),
            (0u16..2047).prop_map(|exponent| f64::from_bits(u64::from(exponent) << 52)),
            Just(f64::MAX),
            Just(f64::MIN_POSITIVE / 4.0),
        ];
        proptest::collection::vec(distance, 1..200)
    }

    proptest! {
        #[test]
        fn sorts_as_the_library_does(distances in distances(), turn in any::<u32>()) {
            let count = u32::try_from(distances.len()).unwrap();
            let order: Vec<u32> = (0..count).map(|row| (row + turn % count) % count).collect();
            check(&distances, Some(&order));
            check(&distances, None);
            let bits = distances.iter().map(|distance| distance.to_bits());
            let integers: Vec<u128> = bits.map(|bits| u128::from(bits) << 64).collect();
            check(&integers, Some(&order));
        }
    }

    #[test]
    fn sorts_many_rows_between_few_distances_and_one_far_away() {
        let mut distances: Vec<f64> = (0..20_000u32).map(|i| f64::from(i * 7919 % 977)).collect();
        distances.push(1e300);
        let order: Vec<u32> = (0..20_001).rev().collect();
        check(&distances, Some(&order));
    }
}
