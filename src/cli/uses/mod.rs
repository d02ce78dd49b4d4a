//! `fenrun use`: which contributions a payer used.

mod declare;
mod list;

use super::args::commands;

commands! {
    /// Declares and lists the use of contributions
    Declare => declare,
    List => list,
}
