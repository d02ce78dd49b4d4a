//! `fenrun contribution`: what was contributed, and who may use it.

mod grant;
mod list;
mod revoke;
mod search;
mod show;
mod upload;
mod withdraw;

use super::args::commands;

commands! {
    /// Lists, shows and searches contributions; withdraws them, grants and revokes their use
    List => list,
    Show => show,
    Search => search,
    Upload => upload,
    Withdraw => withdraw,
    Grant => grant,
    Revoke => revoke,
}
