//! `fenrun cost`: money spent on contributions.

mod approve;
mod claim;
mod list;

use super::args::commands;

commands! {
    /// Claims costs, decides on them, lists them
    Claim => claim,
    Approve => approve,
    List => list,
}
