//! Shapley values of rows for the soft-label utility (Wang and Jia, "A Note on 'Efficient
//! Task-Specific Data Valuation for Nearest Neighbor Algorithms'", arXiv 2304.04258).
//!
//! Here the matches among the `min(K, |S|)` nearest rows of a set are divided by that number, and
//! the empty set is worth `1/C`, C the number of distinct labels of all rows. With the rows from
//! near to far, H the harmonic numbers and p the mean of `m_1..m_{N-1}`:
//!
//! ```text
//! s_N = (m_N - 1/C)/N + (m_N - p)(H_min(K,N) - 1)/N        (second term 0 if N = 1)
//! s_i = s_{i+1} + ((m_i - m_{i+1})/(N-1))
//!                 * (H_min(K,N-1) + [N-1 > K] (1/K) ((N-1) min(K,i)/i - K))
//! ```
//!
//! What is multiplied by `m_i - m_{i+1}` is a constant B plus `[N-1 > K]/max(K,i)`, and the parts
//! with B add up to `B (m_i - m_N)`. So a value is one of two constants of its validation row
//! plus a sum of `1/max(K,i)`. It is taken as the largest multiple of 2^-62 not above it, exactly.

use num_bigint::BigInt;

use super::fixed::{Sum, TERM_BITS, Term};
use super::neighbours::Sight;
use super::rational::{Fraction, least_common_multiple};
use super::runs::{RowMethod, Run, sum_rows};
use super::{ExactRowValues, KnnError, Problem, RowValues, UNIT_BITS};

/// Returns the soft-label value of every training row, in integers over
/// `2^62 * validation rows`.
///
/// # Errors
/// A distance that is not finite.
pub fn soft_label(problem: &Problem<'_>) -> Result<RowValues, KnnError> {
    let constants = Constants::new(problem);
    let places = if constants.has_places {
        problem.divisors().map(unit_fraction).collect()
    } else {
        Vec::new()
    };
    let visited = sum_rows(problem, &Floors { constants, places })?;
    Ok(RowValues::new(problem, visited))
}

/// Returns the soft-label value of every training row as a rational, without rounding.
///
/// # Errors
/// A distance that is not finite.
pub fn soft_label_exact(problem: &Problem<'_>) -> Result<ExactRowValues, KnnError> {
    let constants = Constants::new(problem);
    // N, N - 1 and the denominators of the harmonic numbers divide this one.
    let multiple = least_common_multiple(1..=constants.rows);
    let one = &multiple * &multiple * constants.labels;
    let places = if constants.has_places {
        problem.divisors().map(|divisor| &one / divisor).collect()
    } else {
        Vec::new()
    };
    let method = Exact {
        constants,
        one: one.clone(),
        places,
    };
    let visited = sum_rows(problem, &method)?;
    Ok(ExactRowValues::new(problem, visited, one))
}

fn unit_fraction(divisor: u64) -> Term {
    let (one, divisor) = (1i128 << TERM_BITS, i128::from(divisor));
    Term {
        floor: one.checked_div(divisor).unwrap_or(0),
        is_exact: one.checked_rem(divisor) == Some(0),
    }
}

/// What is the same at every validation row.
struct Constants {
    neighbours: u64,
    rows: u64,
    labels: u64,
    /// Whether `N - 1 > K`, so that the place of a row matters beyond the order.
    has_places: bool,
    /// `H_min(K,N) - 1`.
    last: Fraction,
    /// B.
    shift: Fraction,
}

impl Constants {
    fn new(problem: &Problem<'_>) -> Self {
        let neighbours = problem.neighbours.get();
        let rows = u64::try_from(problem.train.rows()).unwrap_or(u64::MAX);
        let others = rows.saturating_sub(1);
        let has_places = others > neighbours;
        let minus_one = Fraction::new((-1).into(), 1.into());
        let last = Fraction::harmonic(neighbours.min(rows)).plus(&minus_one);
        let shift = match has_places {
            true => last.clone(),
            false => Fraction::harmonic(others),
        };
        let shift = Fraction::new(shift.numerator, shift.denominator * others.max(1));
        Self {
            neighbours,
            rows,
            labels: problem.distinct_labels(),
            has_places,
            last,
            shift,
        }
    }

    /// Returns `s_N + B (m - m_N)` for m = 0 and m = 1.
    fn of_point(&self, sight: &Sight<'_>) -> [Fraction; 2] {
        let last = sight.near_to_far.last().is_some_and(|row| row.matches());
        let matching = sight.near_to_far.iter().filter(|row| row.matches()).count();
        let [rows, labels, matching] = [
            BigInt::from(self.rows),
            BigInt::from(self.labels),
            BigInt::from(matching),
        ];
        let m = i8::from(last);
        let head = Fraction::new(m * &labels - 1, &labels * &rows);
        let others: BigInt = &rows - 1;
        let other_matching = matching - m;
        let farthest = if self.rows > 1 {
            let tail = Fraction::new(
                (m * &others - other_matching) * &self.last.numerator,
                &others * rows * &self.last.denominator,
            );
            head.plus(&tail)
        } else {
            head
        };
        [0i8, 1].map(|matches| {
            let shift = &self.shift.numerator * (matches - m);
            farthest.plus(&Fraction::new(shift, self.shift.denominator.clone()))
        })
    }
}

struct Floors {
    constants: Constants,
    /// `1/max(K,i)` for each place, or nothing if places do not matter.
    places: Vec<Term>,
}

struct Walk {
    constants: [Fraction; 2],
    floors: [Term; 2],
    sum: Sum,
}

impl RowMethod for Floors {
    type Number = i128;
    type Walk = Walk;

    fn begin(&self, sight: &Sight<'_>) -> Walk {
        let constants = self.constants.of_point(sight);
        let floors = constants.each_ref().map(|constant| {
            let (floor, is_exact) = constant.floor_scaled(TERM_BITS);
            Term {
                floor: i128::try_from(floor).unwrap_or(0),
                is_exact,
            }
        });
        Walk {
            constants,
            floors,
            sum: Sum::default(),
        }
    }

    fn value(&self, walk: &mut Walk, sight: &Sight<'_>, run: Run) -> i128 {
        // The change at the farthest row is in the constants.
        if !run.farthest
            && let Some(term) = self.places.get(run.last.saturating_sub(1))
        {
            walk.sum.add(*term, run.change());
        }
        let [of_others, of_matches] = walk.floors;
        let mut sum = walk.sum;
        sum.add(if run.matches { of_matches } else { of_others }, 1);
        let (low, high) = sum.floor_bounds();
        if low == high {
            return low;
        }
        let [of_others, of_matches] = &walk.constants;
        let constant = if run.matches { of_matches } else { of_others };
        let terms = self.terms_from(sight, run);
        let (floor, _) = constant
            .plus(&Fraction::sum(&terms))
            .floor_scaled(UNIT_BITS);
        i128::try_from(floor).unwrap_or(low)
    }
}

impl Floors {
    /// Returns sign and divisor of each change from a run's farthest row on.
    fn terms_from(&self, sight: &Sight<'_>, run: Run) -> Vec<(i8, u64)> {
        if !self.constants.has_places {
            return Vec::new();
        }
        let from = sight.near_to_far.get(run.last.saturating_sub(1)..);
        let pairs = from.unwrap_or_default().windows(2).zip(run.last..);
        pairs
            .filter_map(|(pair, place)| {
                let divisor = u64::try_from(place).unwrap_or(u64::MAX);
                let divisor = divisor.max(self.constants.neighbours);
                match pair {
                    [near, far] if near.matches() == far.matches() => None,
                    [near, _] => Some((if near.matches() { 1 } else { -1 }, divisor)),
                    _ => None,
                }
            })
            .collect()
    }
}

struct Exact {
    constants: Constants,
    /// The common denominator.
    one: BigInt,
    /// `1/max(K,i)` for each place, or nothing if places do not matter.
    places: Vec<BigInt>,
}

impl RowMethod for Exact {
    type Number = BigInt;
    type Walk = ([BigInt; 2], BigInt);

    fn begin(&self, sight: &Sight<'_>) -> Self::Walk {
        let constants = self.constants.of_point(sight);
        let whole = |constant: Fraction| constant.numerator * &self.one / constant.denominator;
        (constants.map(whole), BigInt::from(0))
    }

    fn value(&self, (constants, sum): &mut Self::Walk, _: &Sight<'_>, run: Run) -> BigInt {
        if !run.farthest
            && let Some(share) = self.places.get(run.last.saturating_sub(1))
        {
            match run.matches {
                true => *sum += share,
                false => *sum -= share,
            }
        }
        let [of_others, of_matches] = &*constants;
        &*sum + if run.matches { of_matches } else { of_others }
    }
}
