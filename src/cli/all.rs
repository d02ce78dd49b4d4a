//! The commands of the outermost level, in the order in which help lists them.

use super::args::commands;
use super::{calc, completions, config, connect, hash, key};

commands! {
    /// The commands
    Connect => connect,
    Config => config,
    Hash => hash,
    Key => key,
    Calc => calc,
    Completions => completions,
}
