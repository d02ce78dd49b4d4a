//! The command line as people run it: real processes, real files, a real service.

mod audits;
mod backups;
mod commands;
mod games;
mod guarded;
mod journey;
mod log_key;
pub mod machine;
mod proofs;
mod reference;
mod valuing;
