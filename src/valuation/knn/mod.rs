//! Values of training rows by what they do for a nearest-neighbour classifier, one file a method.
//!
//! The utility of a set of rows at one validation row is the share of matching labels among its
//! `k` nearest; a value is the mean over the validation rows. All sums are integers over a stated
//! denominator, so that neither threads nor the order of rows can change a result.

mod banzhaf;
mod fixed;
mod neighbours;
mod order;
mod provider;
mod provider_game;
mod rational;
mod row_shapley;
mod runs;
mod soft_label;
#[cfg(test)]
mod tests;
mod threshold;

use std::collections::HashSet;
use std::fmt;
use std::num::NonZero;

use num_bigint::BigInt;
use num_rational::BigRational;

pub use banzhaf::{row_banzhaf, row_banzhaf_exact};
pub use provider::{OwnerValues, provider_shapley, provider_shapley_exact};
pub use row_shapley::{row_shapley, row_shapley_exact};
pub use soft_label::{soft_label, soft_label_exact};
pub use threshold::{Threshold, threshold_shapley, threshold_shapley_exact};

use self::neighbours::Visited;
use super::table::{FeatureTable, TableViolation, TextColumn};

/// Values at one validation row are counted in multiples of 2 to the power of minus this.
const UNIT_BITS: u32 = 62;

/// What stands for 1 in these multiples of 2^-62.
pub const ONE: u64 = 1 << UNIT_BITS;

/// Why values could not be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum KnnError {
    /// The two tables do not have the same columns.
    #[error("training and validation rows do not have the same columns")]
    Columns(Vec<TableViolation>),
    /// The order that breaks ties does not name each training row once.
    #[error("the order that breaks ties must name each of {rows} training rows once")]
    TieOrder {
        /// How many training rows there are.
        rows: usize,
    },
    /// Owners are to be valued, but the training rows name none.
    #[error("there is no owner column, and owners are to be valued")]
    NoOwners,
    /// Two rows are so far apart that their distance is no finite number.
    #[error(
        "the distance between training row {row} and validation row {validation_row} (both from \
         0) is not finite; scale the features down"
    )]
    InfiniteDistance {
        /// The training row.
        row: usize,
        /// The validation row.
        validation_row: usize,
    },
}

/// Training rows to be valued against validation rows.
#[derive(Clone)]
pub struct Problem<'a> {
    train: &'a FeatureTable,
    validation: FeatureTable,
    neighbours: NonZero<u64>,
    /// The rows' numbers from the nearest at equal distance; without it, their own order.
    tie_order: Option<Vec<u32>>,
    progress: Option<&'a Progress<'a>>,
    watch: Option<Watch<'a>>,
}

/// Is told how many more validation rows are done.
type Progress<'a> = dyn Fn(usize) + Sync + 'a;

/// Who is told what some rows, or owners, are worth at each validation row.
#[derive(Clone, Copy)]
struct Watch<'a> {
    places: &'a [usize],
    tell: &'a (dyn Fn(usize, i128) + Sync),
}

impl fmt::Debug for Problem<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Problem")
            .field("rows", &self.train.rows())
            .field("validation_rows", &self.validation.rows())
            .field("neighbours", &self.neighbours)
            .finish_non_exhaustive()
    }
}

impl<'a> Problem<'a> {
    /// Prepares a problem; the validation rows' columns are matched by name.
    ///
    /// `neighbours` is K. Of rows at equal distance the one that comes first in `tie_order`, a
    /// permutation of the training rows' numbers, is nearer; without one the row that comes
    /// first in the table.
    ///
    /// # Errors
    /// Columns that stand on one side only; an order that is not a permutation.
    pub fn new(
        train: &'a FeatureTable,
        validation: &FeatureTable,
        neighbours: NonZero<u64>,
        tie_order: Option<Vec<usize>>,
    ) -> Result<Self, KnnError> {
        let rows = train.rows();
        let tie_order = match tie_order {
            Some(order) => Some(checked_order(&order, rows).ok_or(KnnError::TieOrder { rows })?),
            None => None,
        };
        let validation = validation
            .in_column_order(train.features())
            .map_err(KnnError::Columns)?;
        Ok(Self {
            train,
            validation,
            neighbours,
            tie_order,
            progress: None,
            watch: None,
        })
    }

    /// Tells `progress` how many more validation rows are done, from any thread.
    #[must_use]
    pub fn with_progress(mut self, progress: &'a Progress<'a>) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Tells `tell`, from any thread and in any order, what the values of some rows together are
    /// at each validation row, in multiples of 2^-62; `places` are their numbers in the answer, of
    /// rows or of owners. Nothing is told by methods without rounding.
    #[must_use]
    pub fn watching(mut self, places: &'a [usize], tell: &'a (dyn Fn(usize, i128) + Sync)) -> Self {
        self.watch = Some(Watch { places, tell });
        self
    }

    /// Returns the distinct owners of the training rows, in the order of their values; nobody where
    /// the rows name none.
    pub fn owners(&self) -> &[String] {
        self.train.owners().map_or(&[], TextColumn::distinct)
    }

    fn tell_progress(&self, more: usize) {
        if let Some(progress) = self.progress {
            progress(more);
        }
    }

    /// Returns the number of distinct labels of training and validation rows together.
    fn distinct_labels(&self) -> u64 {
        let tables = [self.train.labels(), self.validation.labels()];
        let labels: HashSet<&String> = tables.iter().flat_map(|l| l.distinct()).collect();
        u64::try_from(labels.len()).unwrap_or(u64::MAX)
    }

    /// Returns `2^62` times the number of validation rows.
    fn denominator(&self) -> NonZero<u128> {
        let points = u128::try_from(self.validation.rows()).unwrap_or(u128::MAX);
        NonZero::new(u128::from(ONE).saturating_mul(points)).unwrap_or(NonZero::<u128>::MIN)
    }

    /// Returns the training table's number for the label of a validation row.
    fn training_label_of(&self, point: usize) -> Option<u32> {
        let label = self.validation.labels().get(point)?;
        self.train.labels().number_of(label)
    }

    /// Returns `max(K, i)` for i from 1 to the number of training rows: what the method divides by.
    fn divisors(&self) -> impl Iterator<Item = u64> {
        let neighbours = self.neighbours.get();
        (1u64..)
            .take(self.train.rows())
            .map(move |i| i.max(neighbours))
    }
}

/// Returns the order as row numbers, if it names each of `rows` rows once.
fn checked_order(order: &[usize], rows: usize) -> Option<Vec<u32>> {
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..rows) {
        return None;
    }
    order.iter().map(|row| u32::try_from(*row).ok()).collect()
}

/// Values of the training rows as integers over one denominator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowValues {
    /// The value of each row, in the order of the training table, times the denominator.
    pub values: Vec<i128>,
    /// `2^62` times the number of validation rows.
    pub denominator: NonZero<u128>,
    /// The number of adjacent pairs of equal distance, summed over validation rows.
    pub ties: u64,
}

impl RowValues {
    fn new(problem: &Problem<'_>, visited: Visited<Vec<i128>>) -> Self {
        Self {
            values: visited.state,
            denominator: problem.denominator(),
            ties: visited.ties,
        }
    }
}

/// Values of the training rows without rounding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExactRowValues {
    /// The value of each row, in the order of the training table.
    pub values: Vec<BigRational>,
    /// The number of adjacent pairs of equal distance, summed over validation rows.
    pub ties: u64,
}

impl ExactRowValues {
    /// Divides sums over validation rows, counted in fractions of `one`.
    fn new(problem: &Problem<'_>, visited: Visited<Vec<BigInt>>, one: BigInt) -> Self {
        let denominator = one * BigInt::from(problem.validation.rows());
        let sums = visited.state.into_iter();
        Self {
            values: sums
                .map(|sum| BigRational::new(sum, denominator.clone()))
                .collect(),
            ties: visited.ties,
        }
    }
}
