//! The log: what was accepted, in order, on disk before anybody is answered.
//!
//! [`LogStore`] is the writer's side and [`LogReader`] the readers'; their doc comments state what
//! every implementation promises, and one suite (`conformance`) holds all of them to it.

mod batch;
mod contract;
mod fault;
mod memory;

#[cfg(test)]
mod conformance;

pub use batch::{
    BATCH_BYTES_MAX, BATCH_ENTRIES_BYTES_MAX, Batch, BatchError, FRAME_BYTES_OVERHEAD,
};
pub use contract::{LogReader, LogStore, ReaderNodes};
pub use fault::LogFault;
pub use memory::MemoryLog;
