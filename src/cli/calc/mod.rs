//! The offline calculators: the service's core over files, with no server.

pub mod knn;
pub mod settlement;
