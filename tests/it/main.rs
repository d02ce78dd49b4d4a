//! End-to-end tests in one binary, so that the crate is linked once.

mod audit;
mod cli;
mod client_vector;
mod demo;
mod digits;
mod edits;
mod fairness;
mod kill;
mod running;
mod service;
mod web;
mod witness;
