//! The training rows around each validation row, from near to far, and sums over all of them.
//!
//! Every KNN value is a sum over validation rows of something that depends on the order of the
//! training rows alone. The work is spread over threads; sums must not depend on how, which is
//! why callers add integers.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::{KnnError, Problem};
use crate::valuation::distance::{Distances, Metric};

/// How many validation rows are compared with the training rows in one pass.
const BLOCK_POINTS: usize = 8;

/// The training rows as one validation row sees them, from near to far.
pub struct Neighbours {
    /// The numbers of the training rows.
    pub rows: Vec<usize>,
    /// Whether the label of each is that of the validation row.
    pub matches: Vec<bool>,
}

/// What came of one visit of every validation row.
pub struct Visited<State> {
    /// The merged states.
    pub state: State,
    /// The number of adjacent pairs of equal distance, over all validation rows.
    pub ties: u64,
}

struct Partial<State> {
    state: State,
    ties: u64,
    /// The first validation row and training row whose distance is not finite.
    infinite: Option<(usize, usize)>,
}

/// Visits the neighbours of every validation row and returns the merged states.
///
/// # Errors
/// The lowest pair of rows whose distance is not finite, whatever the number of threads.
pub fn visit_neighbours<State: Send>(
    problem: &Problem<'_>,
    start: impl Fn() -> State + Sync + Send,
    visit: impl Fn(&mut State, &Neighbours) + Sync + Send,
    merge: impl Fn(State, State) -> State + Sync + Send,
) -> Result<Visited<State>, KnnError> {
    let metric = Metric::new(problem.train, &problem.tie_order, &problem.validation);
    let partial = match &metric {
        Metric::Float(distances) => visit_all(problem, distances, start, visit, merge),
        Metric::Integer(distances) => visit_all(problem, distances, start, visit, merge),
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

fn visit_all<State: Send, Metric: Distances>(
    problem: &Problem<'_>,
    distances: &Metric,
    start: impl Fn() -> State + Sync + Send,
    visit: impl Fn(&mut State, &Neighbours) + Sync + Send,
    merge: impl Fn(State, State) -> State + Sync + Send,
) -> Partial<State> {
    let points = problem.validation.rows();
    let fresh = || Partial {
        state: start(),
        ties: 0,
        infinite: None,
    };
    (0..points.div_ceil(BLOCK_POINTS))
        .into_par_iter()
        .fold(fresh, |mut partial, block| {
            let first = block.saturating_mul(BLOCK_POINTS);
            let last = points.min(first.saturating_add(BLOCK_POINTS));
            for (point, distances) in (first..last).zip(distances.of_points(first..last)) {
                visit_point::<_, Metric>(problem, point, distances, &mut partial, &visit);
            }
            partial
        })
        .reduce(fresh, |one, other| Partial {
            state: merge(one.state, other.state),
            ties: one.ties.saturating_add(other.ties),
            infinite: [one.infinite, other.infinite].into_iter().flatten().min(),
        })
}

fn visit_point<State, Metric: Distances>(
    problem: &Problem<'_>,
    point: usize,
    distances: Vec<Metric::Distance>,
    partial: &mut Partial<State>,
    visit: impl Fn(&mut State, &Neighbours),
) {
    // Rows stand in the order that breaks ties, so their rank decides between equal distances.
    let mut order: Vec<(Metric::Distance, u32)> = distances.into_iter().zip(0..).collect();
    order.sort_unstable();
    if order
        .last()
        .is_some_and(|(far, _)| !Metric::is_finite(*far))
    {
        let infinite = order
            .iter()
            .filter(|(distance, _)| !Metric::is_finite(*distance));
        let row = infinite.filter_map(|(_, rank)| problem.row_at(*rank)).min();
        let found = row.map(|row| (point, row));
        partial.infinite = [partial.infinite, found].into_iter().flatten().min();
        return;
    }
    let equal = order.windows(2).filter(|pair| match pair {
        [near, far] => near.0 == far.0,
        _ => false,
    });
    let ties = u64::try_from(equal.count()).unwrap_or(u64::MAX);
    partial.ties = partial.ties.saturating_add(ties);
    let rows: Vec<usize> = order
        .iter()
        .filter_map(|(_, rank)| problem.row_at(*rank))
        .collect();
    let label = problem.training_label_of(point);
    let labels = problem.train.labels().numbers();
    let matches = rows
        .iter()
        .map(|row| label.is_some() && labels.get(*row).copied() == label)
        .collect();
    visit(&mut partial.state, &Neighbours { rows, matches });
}
