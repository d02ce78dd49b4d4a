//! The command line, one file a subcommand.

pub mod hash;

pub mod calc;
