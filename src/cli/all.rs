//! The commands of the outermost level, in the order in which help lists them.

use super::args::commands;

commands! {
    /// The commands
    Init => super::init,
    Serve => super::serve,
    Connect => super::connect,
    Config => super::config,
    Hash => super::hash,
    Contribute => super::contribute,
    Verify => super::verify,
    Audit => super::audit,
    Key => super::key,
    Party => super::party,
    Contribution => super::contribution,
    Cost => super::cost,
    Log => super::log,
    Command => super::command,
    Calc => super::calc,
    Completions => super::completions,
}
