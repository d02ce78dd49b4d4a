//! `fenrun payout`: money out.

mod due;
mod fail;
mod issue;
mod list;
mod settle;

use super::args::commands;

commands! {
    /// Pays parties: issues payouts, says what became of them, lists them
    Due => due,
    Issue => issue,
    Settle => settle,
    Fail => fail,
    List => list,
}
