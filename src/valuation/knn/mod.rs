//! Values of training rows by what they do for a nearest-neighbour classifier, one file a method.
//!
//! The utility of a set of rows at one validation row is the share of matching labels among its
//! `k` nearest; a value is the mean over the validation rows. All sums are integers over a stated
//! denominator, so that neither threads nor the order of rows can change a result.

mod neighbours;
mod row_shapley;
#[cfg(test)]
mod tests;

use std::num::NonZero;

pub use row_shapley::{row_shapley, row_shapley_exact};

use num_rational::BigRational;

use super::table::{FeatureTable, TableViolation};

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
#[derive(Debug, Clone)]
pub struct Problem<'a> {
    train: &'a FeatureTable,
    validation: FeatureTable,
    neighbours: NonZero<u64>,
    tie_order: Vec<usize>,
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
        let tie_order = tie_order.unwrap_or_else(|| (0..rows).collect());
        let mut sorted = tie_order.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..rows) {
            return Err(KnnError::TieOrder { rows });
        }
        let validation = validation
            .in_column_order(train.features())
            .map_err(KnnError::Columns)?;
        Ok(Self {
            train,
            validation,
            neighbours,
            tie_order,
        })
    }

    /// Returns the training row at a place in the order that breaks ties.
    fn row_at(&self, rank: u32) -> Option<usize> {
        self.tie_order.get(usize::try_from(rank).ok()?).copied()
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

/// Values of the training rows without rounding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExactRowValues {
    /// The value of each row, in the order of the training table.
    pub values: Vec<BigRational>,
    /// The number of adjacent pairs of equal distance, summed over validation rows.
    pub ties: u64,
}
