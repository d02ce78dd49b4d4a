//! The commands of the outermost level, in the order in which help lists them.

use super::args::commands;

commands! {
    /// The commands
    Demo => super::demo,
    Init => super::init,
    Serve => super::serve,
    Connect => super::connect,
    Config => super::config,
    Hash => super::hash,
    Contribute => super::contribute,
    Verify => super::verify,
    Audit => super::audit,
    Statement => super::statement,
    Explain => super::explain,
    Key => super::key,
    Party => super::party,
    Contribution => super::contribution,
    Cost => super::cost,
    Pool => super::pool,
    Policy => super::policy,
    Use => super::uses,
    Revenue => super::revenue,
    Valuation => super::valuation,
    Settlement => super::settlement,
    Payout => super::payout,
    Book => super::book,
    Log => super::log,
    Command => super::command,
    Fsck => super::fsck,
    Reindex => super::reindex,
    Backup => super::backup,
    Restore => super::restore,
    Witness => super::witness,
    Calc => super::calc,
    Completions => super::completions,
}
