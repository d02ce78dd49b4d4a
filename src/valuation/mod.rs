//! What a contribution was worth: one file a method, exact integers wherever a form allows.
//!
//! Tables of rows come in already parsed; identical rows are settled first, a method gives each
//! row an integer over a stated denominator, and owners' sums become weights. Thread count and
//! order of the input cannot change a byte of the result.

mod account;
mod cluster_rules;
mod contributions;
mod coverage;
mod distance;
mod duplicates;
pub mod games;
pub mod knn;
mod method;
mod near_duplicates;
mod quotient;
mod rows;
pub mod sampling;
mod seed;
mod table;
#[cfg(test)]
mod tests;
mod value_table;
mod weights;

pub use account::{Account, NearRows, account};
pub use cluster_rules::{DuplicateRule, divide_clusters};
pub use contributions::{
    Contribution, ContributionError, ContributionValues, Inputs, Rows, value_contributions,
};
pub use coverage::coverage;
pub use duplicates::{Clusters, RowHash, RowPlace, row_hashes};
pub use method::{Listed, METHODS, Method, MethodError, Question};
pub use near_duplicates::{DistinctRow, NearPair, near_duplicates};
pub use quotient::quotient;
pub use rows::{canonical_row, seeded_order, tie_hash};
pub use seed::{OPERATORS_SEED, SeedSource};
pub use table::{FeatureTable, TableViolation, TextColumn};
pub use value_table::{
    Input, Line, MAX_TEXT_BYTES, MAX_VALUE_TABLE_BYTES, OwnerLine, Seed, VALUE_TABLE_FORMAT,
    ValueTable, ValueTableError,
};
pub use weights::{WEIGHT_TOTAL, WeightError, weights, weights_by_total};
