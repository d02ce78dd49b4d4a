//! The storage abstraction of the core: ordered rows of bytes, read through [`View`], changed
//! through [`Changes`].
//!
//! `decide` and `apply` see nothing but a `&dyn View`; whether a tree in memory, the index on
//! disk or a follower's copy stands behind it cannot change a result, because every view answers
//! the same rows in the same order. [`ViewFault`] says that the storage failed; it is never the
//! answer of a rule.

mod changes;
mod layered;
mod memory;
mod state_hash;
#[cfg(test)]
mod tests;
mod traits;

pub use changes::Changes;
pub use layered::Layered;
pub use memory::MemoryView;
pub use state_hash::state_hash;
pub use traits::{KeyRange, Order, View, ViewFault, Visit, prefix_end, scan_prefix};
