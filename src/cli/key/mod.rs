//! `fenrun key`: the keys of a party.

mod new;
mod replace;
mod revoke;
mod rotate;
mod rotate_log;
mod service;
mod show;

use super::args::commands;

pub(super) use new::{make, write_key};

commands! {
    /// Makes, shows and changes keys
    New => new,
    Show => show,
    Rotate => rotate,
    RotateLog => rotate_log,
    Service => service,
    Revoke => revoke,
    Replace => replace,
}
