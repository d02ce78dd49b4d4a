//! Fenrun records who contributed which data to AI, works out what each contribution was worth,
//! shares the money, and lets anyone check all of it.
//!
//! The crate is laid out in floors (`ARCHITECTURE.md`): a module imports lower floors only, and
//! clock, files, network and threads start at `store`. Everything below it is a pure function of
//! its arguments, so that the server, a follower and the auditor reach the same result.

#![deny(missing_docs)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![deny(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap
)]
#![deny(
    clippy::too_many_lines,
    clippy::self_named_module_files,
    clippy::disallowed_methods
)]
#![deny(clippy::todo, clippy::unimplemented, clippy::dbg_macro)]

pub mod domain;

pub mod book;
pub mod content;
pub mod keys;
pub mod merkle;
pub mod settlement;
pub mod valuation;
pub mod wire;

pub mod audit;
pub mod ledger;

pub mod store;

pub mod engine;

pub mod web;

pub mod client;
pub mod service;

pub mod config;

pub mod cli;
pub mod telemetry;
