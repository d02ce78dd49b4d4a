//! The service over plain HTTP.

mod client;
mod tiles;

pub use client::{Got, get, get_with};
