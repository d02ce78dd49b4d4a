//! Plain values that every other module speaks in; no clock, file, network or randomness.

mod allot;

pub use allot::{AllotError, allot, basis_points_of};
