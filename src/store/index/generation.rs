//! Published rows in memory, each with the size that wrote it, so that a view of an earlier size
//! reads what was there before.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;

use crate::ledger::{Changes, KeyRange, Order};

use super::block::hash;

/// Bits of the filter over a generation's keys: with as many rows as the overlay may hold, about
/// one absent key in twenty passes.
const FILTER_BITS: u64 = 1 << 21;
/// Rows are added in pieces of this many, so that readers get in between.
const PIECE_ROWS: usize = 256;
/// What a row takes in memory beside its key and value.
const ROW_BYTES: usize = 160;

/// What a run of layers changed; rows are only ever added, by layers of growing size.
#[derive(Debug, Default)]
pub(super) struct Generation {
    rows: RwLock<BTreeMap<Bytes, Versions>>,
    bytes: AtomicU64,
    filter: Filter,
}

/// Says of most absent keys that they are absent: a new command's id and the names of what it
/// creates are looked for in vain, and a tree of rows with random keys is slow to say so.
#[derive(Debug)]
struct Filter {
    words: Box<[AtomicU64]>,
}

impl Default for Filter {
    fn default() -> Self {
        let words = (0..FILTER_BITS / u64::from(u64::BITS)).map(|_| AtomicU64::new(0));
        Self {
            words: words.collect(),
        }
    }
}

impl Filter {
    /// Returns the word and the bit of both probes.
    fn places(&self, hash: u64) -> [(Option<&AtomicU64>, u64); 2] {
        [hash, hash >> 32].map(|hash| {
            let place = hash % FILTER_BITS;
            let word = usize::try_from(place / u64::from(u64::BITS)).unwrap_or(usize::MAX);
            (self.words.get(word), 1 << (place % u64::from(u64::BITS)))
        })
    }

    fn add(&self, hash: u64) {
        for (word, bit) in self.places(hash) {
            if let Some(word) = word {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    fn may_hold(&self, hash: u64) -> bool {
        let set = |(word, bit): (Option<&AtomicU64>, u64)| {
            word.is_none_or(|word| word.load(Ordering::Relaxed) & bit != 0)
        };
        self.places(hash).into_iter().all(set)
    }
}

/// A value, or none where the row was deleted, and the size that wrote it.
type Version = (u64, Option<Bytes>);

/// Every value of a key.
#[derive(Debug)]
struct Versions {
    newest: Version,
    /// Those before it, of growing size; empty for most keys.
    older: Vec<Version>,
}

impl Versions {
    /// Returns the value that a view of `size` sees, or none where it sees none of these.
    fn at(&self, size: u64) -> Option<Option<&Bytes>> {
        if self.newest.0 <= size {
            return Some(self.newest.1.as_ref());
        }
        let later = self.older.partition_point(|version| version.0 <= size);
        let seen = self.older.get(later.checked_sub(1)?)?;
        Some(seen.1.as_ref())
    }
}

/// A part of a range: its changes, and where the rest of the range begins or ends.
pub(super) struct Part {
    /// The changes of the part.
    pub changes: Changes,
    /// The first (ascending) or last (descending) key beyond the part; none at the range's end.
    pub beyond: Option<Bytes>,
}

impl Generation {
    /// Adds a layer. Views of lower sizes do not see it, so it need not come all at once.
    pub fn add(&self, changes: &Changes, size: u64) {
        let bytes = changes
            .len()
            .saturating_mul(ROW_BYTES)
            .saturating_add(changes.bytes());
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let mut changes = changes.iter().peekable();
        while changes.peek().is_some() {
            let mut rows = self.write();
            for (key, value) in changes.by_ref().take(PIECE_ROWS) {
                // Before the row can be seen: views that show it are made later.
                self.filter.add(hash(key));
                let newest = (size, value.cloned());
                match rows.entry(key.clone()) {
                    Entry::Occupied(mut versions) => {
                        let versions = versions.get_mut();
                        let old = std::mem::replace(&mut versions.newest, newest);
                        versions.older.push(old);
                    }
                    Entry::Vacant(place) => {
                        let older = Vec::new();
                        place.insert(Versions { newest, older });
                    }
                }
            }
        }
    }

    /// Returns the bytes that its rows take in memory, about.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Hands each key's newest value to `visit`, in key order, until it fails.
    pub fn each_newest<E>(
        &self,
        mut visit: impl FnMut(&[u8], Option<&[u8]>) -> Result<(), E>,
    ) -> Result<(), E> {
        let rows = self.read();
        let mut rows = rows.iter();
        rows.try_for_each(|(key, versions)| visit(key, versions.newest.1.as_deref()))
    }

    /// Returns what a view of `size` sees of `key`, whose hash is `hashed`: nothing, that it is
    /// deleted, or its value.
    pub fn get(&self, key: &[u8], hashed: u64, size: u64) -> Option<Option<Bytes>> {
        if !self.filter.may_hold(hashed) {
            return None;
        }
        let rows = self.read();
        let seen = rows.get(key)?.at(size)?;
        Some(seen.cloned())
    }

    /// Returns the next `rows_max` keys of a range as a view of `size` sees them.
    pub fn part(&self, range: KeyRange<'_>, order: Order, size: u64, rows_max: usize) -> Part {
        let mut part = Part {
            changes: Changes::new(),
            beyond: None,
        };
        if range.is_empty() {
            return part;
        }
        let rows = self.read();
        let found = rows.range::<[u8], _>(range.bounds());
        match order {
            Order::Ascending => part.fill(found, size, rows_max),
            Order::Descending => part.fill(found.rev(), size, rows_max),
        }
        part
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Bytes, Versions>> {
        // A panic while a row is added leaves it added or not; the layer is not shown then.
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<Bytes, Versions>> {
        self.rows.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    fn fill<'a>(
        &mut self,
        mut rows: impl Iterator<Item = (&'a Bytes, &'a Versions)>,
        size: u64,
        rows_max: usize,
    ) {
        for (key, versions) in rows.by_ref().take(rows_max) {
            match versions.at(size) {
                Some(Some(value)) => self.changes.put(key.clone(), value.clone()),
                Some(None) => self.changes.delete(key.clone()),
                None => (),
            }
        }
        self.beyond = rows.next().map(|(key, _)| key.clone());
    }
}
