//! Games against their definitions.

mod closed_forms;
mod documents;
mod exact;
mod naive;
mod random;
