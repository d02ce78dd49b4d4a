//! The service over plain HTTP.

mod client;
mod tiles;

pub use client::{Got, ask, get, get_with};
