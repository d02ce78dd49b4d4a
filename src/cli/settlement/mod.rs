//! `fenrun settlement`: how the money of a pool's period is shared.

mod preview;
mod run_it;
mod show;

use super::args::commands;

commands! {
    /// Previews, books and shows settlements
    Preview => preview,
    Run => run_it,
    Show => show,
}
