//! End-to-end tests in one binary, so that the crate is linked once.

mod digits;
mod running;
mod service;
