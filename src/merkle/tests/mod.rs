//! Tests of the tree against its definition, and of notes against the published form.

mod forks;
mod log_proofs;
mod notes;
mod tiles;
mod tree;
mod witness;
