//! `fenrun pool`: one payer's money for one model or product.

mod freeze;
mod list;
mod open;
mod show;

use super::args::commands;

commands! {
    /// Opens, shows and freezes pools
    Open => open,
    List => list,
    Show => show,
    Freeze => freeze,
}
