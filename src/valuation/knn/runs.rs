//! Rows in runs: neighbours in a row that all match, or all do not, have the same value.
//!
//! In every method that values rows, `s_i` differs from `s_{i+1}` only where the i-th row matches
//! and the next does not, or the other way round. So a method says what each run is worth, from
//! the farthest to the nearest, and the sums are made here.

use std::ops::AddAssign;

use super::neighbours::{Counted, Sight, Visited, Visitor, units_at, visit_neighbours};
use super::{KnnError, Problem};

/// Rows next to each other in the order from near to far, all matching or all not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The place of its farthest row, from 1.
    pub last: usize,
    /// Whether its rows match.
    pub matches: bool,
    /// Whether no row inside is farther.
    pub farthest: bool,
}

impl Run {
    /// Returns `m_i - m_{i+1}` at the run's farthest row, where nothing beyond the farthest run
    /// counts as matching.
    pub fn change(self) -> i8 {
        match (self.matches, self.farthest) {
            (true, _) => 1,
            (false, false) => -1,
            (false, true) => 0,
        }
    }
}

/// A method that gives every row a value.
pub trait RowMethod: Sync {
    /// How a value is counted.
    type Number: Clone + Default + Send + Sync + Counted + for<'n> AddAssign<&'n Self::Number>;
    /// What it carries from run to run of one validation row.
    type Walk;

    /// Starts at a validation row.
    fn begin(&self, sight: &Sight<'_>) -> Self::Walk;

    /// Returns the value of each row of a run; the farthest comes first.
    fn value(&self, walk: &mut Self::Walk, sight: &Sight<'_>, run: Run) -> Self::Number;

    /// Returns the largest squared distance of a row that has a value, if there is one.
    fn reach(&self) -> Option<f64> {
        None
    }
}

/// Adds up every row's values at all validation rows, in the order of the training table.
///
/// # Errors
/// A distance that is not finite.
pub fn sum_rows<Method: RowMethod>(
    problem: &Problem<'_>,
    method: &Method,
) -> Result<Visited<Vec<Method::Number>>, KnnError> {
    let rows = problem.train.rows();
    visit_neighbours(problem, &Sums { method, rows })
}

struct Sums<'a, Method> {
    method: &'a Method,
    rows: usize,
}

impl<Method: RowMethod> Visitor for Sums<'_, Method> {
    type State = Vec<Method::Number>;

    fn start(&self) -> Self::State {
        vec![Method::Number::default(); self.rows]
    }

    fn visit(&self, sums: &mut Self::State, sight: &Sight<'_>) {
        let inside = sight.near_to_far.get(..sight.inside).unwrap_or_default();
        let mut walk = self.method.begin(sight);
        let mut value = Method::Number::default();
        let mut farther = None;
        for (nearer, row) in inside.iter().enumerate().rev() {
            if farther != Some(row.matches()) {
                let run = Run {
                    last: nearer.saturating_add(1),
                    matches: row.matches(),
                    farthest: farther.is_none(),
                };
                value = self.method.value(&mut walk, sight, run);
                farther = Some(row.matches());
            }
            if let Some(sum) = sums.get_mut(row.row()) {
                *sum += &value;
            }
        }
    }

    fn merge(&self, mut one: Self::State, other: Self::State) -> Self::State {
        for (sum, more) in one.iter_mut().zip(&other) {
            *sum += more;
        }
        one
    }

    fn reach(&self) -> Option<f64> {
        self.method.reach()
    }

    fn sum_of(&self, sums: &Self::State, places: &[usize]) -> i128 {
        units_at(sums, places)
    }
}
