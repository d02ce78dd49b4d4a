//! `fenrun valuation`: what contributions were valued at.

mod import;
mod list;
mod show;

use super::args::commands;

commands! {
    /// Imports, shows and lists valuations
    Import => import,
    Show => show,
    List => list,
}
