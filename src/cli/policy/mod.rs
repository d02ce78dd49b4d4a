//! `fenrun policy`: the rules by which money is shared.

mod check;
mod document;
mod list;
mod publish;

use super::args::commands;

commands! {
    /// Checks, publishes and lists policies
    Check => check,
    Publish => publish,
    List => list,
}
