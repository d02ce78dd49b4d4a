//! End-to-end tests in one binary, so that the crate is linked once.

mod audit;
mod client_vector;
mod cli;
mod digits;
mod running;
mod service;
