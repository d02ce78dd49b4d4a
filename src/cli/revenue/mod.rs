//! `fenrun revenue`: money in, and money taken back.

mod list;
mod post;

use super::args::commands;

commands! {
    /// Posts and lists revenue
    Post => post,
    List => list,
}
