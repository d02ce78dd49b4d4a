//! `fenrun key`: the keys of a party.

mod new;
mod replace;
mod revoke;
mod rotate;
mod rotate_log;
mod show;

use super::args::commands;

pub(super) use new::{make, write_key};

commands! {
    /// Makes, shows and changes keys
    New => new,
    Show => show,
    Rotate => rotate,
    RotateLog => rotate_log,
    Revoke => revoke,
    Replace => replace,
}
