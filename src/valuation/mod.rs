//! What a contribution was worth: one file a method, exact integers wherever a form allows.
//!
//! Tables of rows come in already parsed; identical rows are settled first, a method gives each
//! row an integer over a stated denominator, and owners' sums become weights. Thread count and
//! order of the input cannot change a byte of the result.

mod distance;
pub mod knn;
mod quotient;
mod rows;
mod table;
mod weights;

pub use quotient::quotient;
pub use rows::{canonical_row, seeded_order, tie_hash};
pub use table::{FeatureTable, TableViolation, TextColumn};
pub use weights::{WEIGHT_TOTAL, WeightError, weights};
