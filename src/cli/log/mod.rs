//! `fenrun log`: the entries themselves.

mod checkpoints;
mod consistency;
mod export;
pub(in crate::cli) mod prove;
mod show;

use super::args::commands;
use crate::client::EntryReference;

commands! {
    /// Shows entries of the log, proves that they are in it, and exports it
    Show => show,
    Prove => prove,
    Checkpoints => checkpoints,
    Consistency => consistency,
    Export => export,
}

/// Reads an index, or the id of a command.
///
/// A text of at most seven decimal digits is always an index; `#` before it makes a longer one so.
fn reference(text: &str) -> EntryReference {
    let plain = text.len() < 8;
    let digits = text.strip_prefix('#').or(plain.then_some(text));
    match digits.and_then(|digits| digits.parse().ok()) {
        Some(index) => EntryReference::Index(index),
        None => EntryReference::Command(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_are_indexes_and_long_ones_are_ids() {
        let index = EntryReference::Index;
        let command = |text: &str| EntryReference::Command(text.to_owned());
        assert_eq!(reference("0"), index(0));
        assert_eq!(reference("1234567"), index(1_234_567));
        assert_eq!(reference("#12345678"), index(12_345_678));
        assert_eq!(reference("12345678"), command("12345678"));
        assert_eq!(reference("deadbeef"), command("deadbeef"));
    }
}
