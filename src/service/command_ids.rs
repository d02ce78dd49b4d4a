//! Finds entries by the first digits of their command's id.
//!
//! Rows are keyed by ids of things, which are hashes of command ids, so no row is in the order of
//! these digits, and a row for each entry would cost every write. Few people type digits, so a
//! list is made from the log when somebody first does, and brought up to date when they do again:
//! eight bytes an entry, sorted, which say where to look; the entry itself says the rest.

use std::sync::{Arc, Mutex, PoisonError};

use super::status::Failure;
use crate::domain::{CommandId, Entry, Reason, Rejection, Violation};
use crate::ledger::query::{CANDIDATES_MAX, Digits, REFERENCE_DIGITS_MIN};
use crate::store::log::{LogFault, LogReader};

/// The field of requests that has the digits.
const FIELD: &str = "command_id";
/// How many bytes of entries are read at once.
const READ_BYTES: usize = 1 << 20;
/// The most entries that are looked at for some digits; ids are hashes, so that more is somebody's
/// mischief.
const LOOKED_AT_MAX: usize = 1_000;

/// The entries of one log by the beginning of their command ids; clones are the same list.
#[derive(Clone, Default)]
pub(super) struct CommandIds(Arc<Mutex<Sorted>>);

#[derive(Default)]
struct Sorted {
    /// How many entries of the log are in the list.
    size: u64,
    /// The first four bytes of an id, then the index, of four bytes too.
    places: Vec<u64>,
}

impl CommandIds {
    /// Returns the index of the one entry among the first `size` that the digits stand for, among
    /// those that `seen` says the caller sees. Blocks while the list is made.
    ///
    /// # Errors
    /// `NOT_FOUND`; `INVALID_ARGUMENT` where the digits are none, too few or too many, or stand
    /// for several commands; what `seen` fails with; or a fault of the storage.
    pub fn find(
        &self,
        log: &dyn LogReader,
        size: u64,
        digits: &str,
        seen: &dyn Fn(&Entry) -> Result<bool, Failure>,
    ) -> Result<u64, Failure> {
        let Some(wanted) = Digits::parse(digits) else {
            let text = format!("must be {REFERENCE_DIGITS_MIN} to 64 hex digits of a command's id");
            return Err(Failure::field(FIELD, text));
        };
        let mut found = Vec::new();
        for index in self.places(log, size, wanted.first_four())? {
            let entry = Entry::from_leaf(&log.leaf(index)?);
            let entry = entry.map_err(|error| Failure::Fault(error.into()))?;
            let id = entry.command_id().to_string();
            if wanted.begin(&id) && seen(&entry)? {
                found.push((index, id));
            }
            if found.len() > CANDIDATES_MAX {
                break;
            }
        }
        match found.as_slice() {
            [] => Err(Failure::missing(format!("entry with the command {digits}"))),
            [(index, _)] => Ok(*index),
            several => Err(ambiguous(several)),
        }
    }

    /// Returns the indexes below `size` whose command ids begin with these four bytes, ascending.
    fn places(&self, log: &dyn LogReader, size: u64, first: u32) -> Result<Vec<u64>, Failure> {
        // A panic leaves a list without its last entries, or with some twice or out of order.
        let mut sorted = match self.0.lock() {
            Ok(sorted) => sorted,
            Err(poisoned) => {
                let mut sorted = PoisonError::into_inner(poisoned);
                *sorted = Sorted::default();
                sorted
            }
        };
        sorted.catch_up(log, size)?;
        Ok(sorted.beginning_with(first, size))
    }
}

impl Sorted {
    fn catch_up(&mut self, log: &dyn LogReader, size: u64) -> Result<(), LogFault> {
        let known = self.places.len();
        let read = self.read(log, size);
        if self.places.len() > known {
            // Stable sorting takes what is in order as it is.
            self.places.sort();
        }
        read
    }

    fn read(&mut self, log: &dyn LogReader, size: u64) -> Result<(), LogFault> {
        while self.size < size {
            let leaves = log.leaves(self.size, size, READ_BYTES)?;
            for leaf in leaves {
                // What is no entry has no id; whoever reads it by its index is told so.
                if let Ok(entry) = Entry::from_leaf(&leaf) {
                    self.places.extend(place(&entry.command_id(), self.size));
                }
                self.size = self.size.saturating_add(1);
            }
        }
        Ok(())
    }

    fn beginning_with(&self, first: u32, size: u64) -> Vec<u64> {
        let from = u64::from(first) << 32;
        let start = self.places.partition_point(|place| *place < from);
        let rest = self.places.get(start..).unwrap_or_default().iter();
        let same = rest.take_while(|place| **place >> 32 == u64::from(first));
        let indexes = same.map(|place| *place & u64::from(u32::MAX));
        let below = indexes.filter(|index| *index < size);
        below.take(LOOKED_AT_MAX).collect()
    }
}

/// Returns where an entry stands in the list; entries past 2^32 stand in none and are found by
/// their whole id.
fn place(id: &CommandId, index: u64) -> Option<u64> {
    let first = id.0.first_chunk::<4>().copied().map(u32::from_be_bytes)?;
    let index = u32::try_from(index).ok()?;
    Some(u64::from(first) << 32 | u64::from(index))
}

fn ambiguous(several: &[(u64, String)]) -> Failure {
    let ids = several.iter().take(CANDIDATES_MAX);
    let ids: Vec<&str> = ids.map(|(_, id)| id.as_str()).collect();
    let text = "stands for more than one command; give more digits";
    let violations = vec![Violation::new(FIELD, text)];
    let rejection = Rejection::with_violations(Reason::InvalidArgument, violations);
    rejection.fact("candidates", ids.join(", ")).into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::domain::{PublicKey, Signature, UnixMillis};
    use crate::engine::testing::key;
    use crate::merkle::{Checkpoint, leaf_hash, sign_checkpoint};
    use crate::store::log::{Batch, LogStore, MemoryLog};

    fn entry(command: &str) -> Entry {
        Entry {
            recorded_at: UnixMillis(1),
            public_key: PublicKey([1; 32]),
            signature: Signature([2; 64]),
            command: command.to_owned().into(),
        }
    }

    fn append(log: &mut MemoryLog, commands: &[String]) {
        let leaves: Vec<_> = commands
            .iter()
            .map(|command| entry(command).leaf().unwrap())
            .collect();
        let hashes: Vec<_> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let mut tree = log.tree();
        hashes.iter().for_each(|hash| tree.push(*hash));
        let checkpoint = Checkpoint {
            origin: "log.example/test".parse().unwrap(),
            size: tree.size(),
            root: tree.root(),
        };
        let note = sign_checkpoint(&checkpoint, &[&key("log")]);
        let batch = Batch {
            first_index: log.size(),
            leaves: &leaves,
            hashes: &hashes,
            checkpoint: &note,
        };
        log.append(&batch).unwrap();
    }

    fn id(command: &str) -> String {
        CommandId::of(command.as_bytes()).to_string()
    }

    /// Returns two commands whose ids have the same first eight digits.
    fn twins() -> [String; 2] {
        let mut seen = HashMap::new();
        let mut numbers = 0_u32..;
        numbers
            .find_map(|number| {
                let command = number.to_string();
                let digits = id(&command)[..8].to_owned();
                let twin = seen.insert(digits, command.clone())?;
                Some([twin, command])
            })
            .unwrap()
    }

    fn rejected(found: Result<u64, Failure>) -> Rejection {
        match found {
            Err(Failure::Refused(rejection)) => rejection,
            found => panic!("{found:?}"),
        }
    }

    #[test]
    fn digits_find_the_one_entry_that_the_caller_sees() {
        let mut log = MemoryLog::new();
        let [first, second] = twins();
        append(&mut log, &["other".to_owned(), first.clone()]);
        let (ids, all) = (CommandIds::default(), |_: &Entry| Ok(true));
        let reader = log.reader();
        let find = |size: u64, digits: &str| ids.find(reader.as_ref(), size, digits, &all);
        let (first_id, second_id) = (id(&first), id(&second));
        let digits = &first_id[..8];
        assert_eq!(find(2, digits).unwrap(), 1);
        assert_eq!(find(2, &digits.to_uppercase()).unwrap(), 1);
        assert_eq!(find(2, &id("other")[..9]).unwrap(), 0);

        // The list grows with the log, and who reads an older state sees no more than that.
        append(&mut log, &["another".to_owned(), second]);
        let several = rejected(find(4, digits));
        assert_eq!(several.reason, Reason::InvalidArgument);
        let candidates = format!("{first_id}, {second_id}");
        assert_eq!(several.facts, [("candidates", candidates)]);
        assert_eq!(find(2, digits).unwrap(), 1);
        assert_eq!(rejected(find(1, digits)).reason, Reason::NotFound);
        // More digits, or what the caller may not see, leave one.
        for (index, whole) in [(1, &first_id), (3, &second_id)] {
            let more = (9..64)
                .find(|end| first_id[..*end] != second_id[..*end])
                .unwrap();
            assert_eq!(find(4, &whole[..more]).unwrap(), index);
            let only = |entry: &Entry| Ok(entry.command_id().to_string() == *whole);
            let found = ids.find(reader.as_ref(), 4, digits, &only);
            assert_eq!(found.unwrap(), index);
        }
        let none = ids.find(reader.as_ref(), 4, digits, &|_| Ok(false));
        assert_eq!(rejected(none).reason, Reason::NotFound);
    }

    #[test]
    fn digits_that_are_none_are_refused_with_what_would_be() {
        let (ids, log) = (CommandIds::default(), MemoryLog::new());
        let long = "0".repeat(65);
        for digits in ["", "1234567", "12345678x", long.as_str()] {
            let found = ids.find(log.reader().as_ref(), 0, digits, &|_| Ok(true));
            let rejection = rejected(found);
            assert_eq!(rejection.reason, Reason::InvalidArgument);
            let [violation] = rejection.violations.as_slice() else {
                panic!("{rejection:?}");
            };
            assert_eq!(violation.path, "command_id");
            assert!(violation.description.contains("8 to 64 hex digits"));
        }
    }
}
