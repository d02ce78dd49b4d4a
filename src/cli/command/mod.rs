//! `fenrun command`: commands by hand, for authors of other clients.

mod send;
mod show;
mod sign;

use super::args::commands;

commands! {
    /// Signs, sends and shows single commands
    Sign => sign,
    Send => send,
    Show => show,
}
