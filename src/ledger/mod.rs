//! The state machine: who may do what, what a command decides, and what it changes.

mod view;

pub use view::{
    Changes, KeyRange, Layered, MemoryView, Order, View, ViewFault, Visit, prefix_end, scan_prefix,
    state_hash,
};
