//! The `fenrun` binary; everything it does is in the library's `cli` module.

use std::process::ExitCode;

/// What one thread of the write door allocates another frees, which the system's allocator is slow
/// at (`docs/decisions/allocator.md`).
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    fenrun::cli::main()
}
