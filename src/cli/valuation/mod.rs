//! `fenrun valuation`: what contributions were valued at.

mod commit;
mod import;
mod list;
mod requests;
mod reveal;
mod show;
mod start;
mod watch;

use super::args::commands;

commands! {
    /// Asks for, imports, shows and lists valuations
    Start => start,
    Watch => watch,
    Requests => requests,
    Commit => commit,
    Reveal => reveal,
    Import => import,
    Show => show,
    List => list,
}
