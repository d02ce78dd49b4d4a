//! The log: what was accepted, in order, on disk before anybody is answered.
//!
//! [`LogStore`] is the writer's side and [`LogReader`] the readers'; their doc comments state what
//! every implementation promises, and one suite (`conformance`) holds all of them to it.

mod batch;
mod compare;
mod contract;
mod copy;
mod cosigned;
mod disk;
mod evidence;
mod fault;
mod folder;
mod format;
mod frames;
mod fsck;
mod guard;
mod memory;
mod mend;
mod reader;
mod real_disk;
mod scan;
mod segment_log;
mod segments;
mod shared;
mod start;
mod start_error;
mod tree_files;
mod verify;

#[cfg(test)]
mod conformance;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use batch::{
    BATCH_BYTES_MAX, BATCH_ENTRIES_BYTES_MAX, Batch, BatchError, FRAME_BYTES_OVERHEAD,
};
pub use contract::{LogReader, LogStore, ReaderNodes};
pub use copy::{CopiedLog, CopyError, CopyTo, copy_log};
pub(in crate::store) use disk::is_no_space;
pub use disk::{Disk, DiskFile};
pub use evidence::{Evidence, EvidenceSource, FixedKeys, LogKeys};
pub use fault::LogFault;
pub use folder::{DataFolder, FolderError};
pub use format::{SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};
pub use fsck::{FSCK_FINDINGS_MAX, FsckCaller, FsckFinding, FsckReport, LogOnly, fsck};
pub use guard::{GuardError, GuardPlace, Guarding};
pub use memory::MemoryLog;
pub use real_disk::RealDisk;
pub use segment_log::{LogOptions, SEGMENT_BYTES_DEFAULT, SegmentLog};
pub use segments::read_founding;
pub use start_error::StartError;
pub use tree_files::entries_there;
