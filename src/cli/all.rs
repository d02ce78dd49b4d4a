//! The commands of the outermost level, in the order in which help lists them.

use super::args::commands;
use super::{
    audit, calc, command, completions, config, connect, contribute, contribution, cost, hash, key,
    log, party, verify,
};

commands! {
    /// The commands
    Connect => connect,
    Config => config,
    Hash => hash,
    Contribute => contribute,
    Verify => verify,
    Audit => audit,
    Key => key,
    Party => party,
    Contribution => contribution,
    Cost => cost,
    Log => log,
    Command => command,
    Calc => calc,
    Completions => completions,
}
