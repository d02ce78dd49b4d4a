//! The training rows around each validation row, from near to far, and sums over all of them.
//!
//! Every KNN value is a sum over validation rows of something that depends on the order of the
//! training rows alone. The work is spread over threads; sums must not depend on how, which is
//! why callers add integers.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use num_bigint::BigInt;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use super::order::{Neighbour, Sorter};
use super::{KnnError, Problem};
use crate::valuation::distance::{Distance, Distances, Metric};

/// The most validation rows that are compared with the training rows in one pass.
const BLOCK_POINTS: usize = 32;
/// About the most memory that the distances of all threads' blocks take, in bytes.
const BLOCKS_BYTES: usize = 256 << 20;

/// What one validation row sees.
pub struct Sight<'a> {
    /// The training rows from near to far.
    pub near_to_far: &'a [Neighbour],
    /// How many of the nearest are within the reach asked for; all if none was.
    pub inside: usize,
}

/// What came of one visit of every validation row.
pub struct Visited<State> {
    /// The merged states.
    pub state: State,
    /// The number of adjacent pairs of equal distance, over all validation rows.
    pub ties: u64,
}

/// What is done at every validation row.
pub trait Visitor: Sync {
    /// What one thread gathers.
    type State: Send;

    /// Returns the state from which a thread starts.
    fn start(&self) -> Self::State;

    /// Adds what one validation row sees.
    fn visit(&self, state: &mut Self::State, sight: &Sight<'_>);

    /// Adds up the states of two threads; the order must not matter.
    fn merge(&self, one: Self::State, other: Self::State) -> Self::State;

    /// Returns the largest squared distance of a row that counts as inside, if there is one.
    fn reach(&self) -> Option<f64> {
        None
    }

    /// Returns what some of the values come to so far, in multiples of 2^-62.
    fn sum_of(&self, state: &Self::State, places: &[usize]) -> i128;
}

/// A value that may be counted in multiples of 2^-62.
pub trait Counted {
    /// Returns how many they are; 0 where the value is counted in something else.
    fn units(&self) -> i128;
}

impl Counted for i128 {
    fn units(&self) -> i128 {
        *self
    }
}

impl Counted for BigInt {
    fn units(&self) -> i128 {
        0
    }
}

/// Returns what the values at some places come to, in multiples of 2^-62.
pub fn units_at<Value: Counted>(values: &[Value], places: &[usize]) -> i128 {
    let values = places.iter().filter_map(|place| values.get(*place));
    values.map(Counted::units).sum()
}

/// Shows a visitor what every validation row sees, and returns the merged states.
///
/// # Errors
/// The lowest pair of rows whose distance is not finite, whatever the number of threads.
pub fn visit_neighbours<V: Visitor>(
    problem: &Problem<'_>,
    visitor: &V,
) -> Result<Visited<V::State>, KnnError> {
    let metric = Metric::new(problem.train, &problem.validation);
    let partial = match &metric {
        Metric::Float(distances) => visit_all(problem, distances, visitor),
        Metric::Integer(distances) => visit_all(problem, distances, visitor),
    };
    match partial.infinite {
        Some((validation_row, row)) => Err(KnnError::InfiniteDistance {
            row,
            validation_row,
        }),
        None => Ok(Visited {
            state: partial.state,
            ties: partial.ties,
        }),
    }
}

struct Partial<State> {
    state: State,
    ties: u64,
    /// The first validation row and training row whose distance is not finite.
    infinite: Option<(usize, usize)>,
}

/// Each thread takes the next block of validation rows until none is left, so that there are as
/// many states as threads and none waits for another.
fn visit_all<V: Visitor, Metric: Distances>(
    problem: &Problem<'_>,
    distances: &Metric,
    visitor: &V,
) -> Partial<V::State> {
    let row_bytes = size_of::<Metric::Distance>().saturating_mul(problem.train.rows());
    let thread_bytes = row_bytes.saturating_mul(rayon::current_num_threads());
    let fitting = BLOCKS_BYTES.checked_div(thread_bytes);
    let block = fitting.unwrap_or(1).clamp(1, BLOCK_POINTS);
    let next = AtomicUsize::new(0);
    let take = || {
        let first = next.fetch_add(block, Ordering::Relaxed);
        let last = problem.validation.rows().min(first.saturating_add(block));
        (first < last).then_some(first..last)
    };
    (0..rayon::current_num_threads())
        .into_par_iter()
        .with_max_len(1)
        .filter_map(|_| visit_blocks(problem, distances, visitor, take))
        .reduce_with(|one, other| Partial {
            state: visitor.merge(one.state, other.state),
            ties: one.ties.saturating_add(other.ties),
            infinite: [one.infinite, other.infinite].into_iter().flatten().min(),
        })
        .unwrap_or_else(|| Partial {
            state: visitor.start(),
            ties: 0,
            infinite: None,
        })
}

fn visit_blocks<V: Visitor, Metric: Distances>(
    problem: &Problem<'_>,
    metric: &Metric,
    visitor: &V,
    take: impl Fn() -> Option<Range<usize>>,
) -> Option<Partial<V::State>> {
    let mut points = take()?;
    let mut partial = Partial {
        state: visitor.start(),
        ties: 0,
        infinite: None,
    };
    let mut sorter = Sorter::default();
    let mut distances = vec![Vec::new(); points.len()];
    loop {
        distances.truncate(points.len());
        metric.of_points(points.clone(), &mut distances);
        let count = points.len();
        for (point, distances) in points.zip(&distances) {
            visit_point(
                problem,
                point,
                distances,
                visitor,
                &mut sorter,
                &mut partial,
            );
        }
        problem.tell_progress(count);
        match take() {
            Some(more) => points = more,
            None => return Some(partial),
        }
    }
}

fn visit_point<V: Visitor, D: Distance>(
    problem: &Problem<'_>,
    point: usize,
    distances: &[D],
    visitor: &V,
    sorter: &mut Sorter,
    partial: &mut Partial<V::State>,
) {
    if let Some(row) = distances.iter().position(|distance| !distance.is_finite()) {
        let found = Some((point, row));
        partial.infinite = [partial.infinite, found].into_iter().flatten().min();
        return;
    }
    let label = problem.training_label_of(point);
    let labels = problem.train.labels().numbers();
    // A label that no training row has is that of no row.
    let label = label.unwrap_or(u32::MAX);
    let tie_order = problem.tie_order.as_deref();
    let sorted = sorter.sort(distances, tie_order, labels, label);
    partial.ties = partial.ties.saturating_add(sorted.ties);
    let near_to_far = sorted.near_to_far;
    let inside = match visitor.reach() {
        None => near_to_far.len(),
        Some(reach) => near_to_far.partition_point(|neighbour| {
            let distance = distances.get(neighbour.row());
            distance.is_some_and(|distance| distance.within(reach))
        }),
    };
    let sight = Sight {
        near_to_far,
        inside,
    };
    match problem.watch {
        None => visitor.visit(&mut partial.state, &sight),
        Some(watch) => {
            let before = visitor.sum_of(&partial.state, watch.places);
            visitor.visit(&mut partial.state, &sight);
            let after = visitor.sum_of(&partial.state, watch.places);
            (watch.tell)(point, after.saturating_sub(before));
        }
    }
}
