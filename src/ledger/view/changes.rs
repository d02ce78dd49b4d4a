//! What an entry changes: keys with their new value, or with none where a row goes away.

use std::collections::BTreeMap;
use std::collections::btree_map;

use bytes::Bytes;

use super::traits::KeyRange;

/// Rows to write and rows to delete, in key order; the last word on a key counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    rows: BTreeMap<Bytes, Option<Bytes>>,
    bytes: usize,
}

impl Changes {
    /// Begins with no change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes `value` under `key`.
    pub fn put(&mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.set(key.into(), Some(value.into()));
    }

    /// Deletes the row under `key`.
    pub fn delete(&mut self, key: impl Into<Bytes>) {
        self.set(key.into(), None);
    }

    /// Takes over every change of `later`, which wins where both name a key.
    pub fn merge(&mut self, later: Self) {
        for (key, value) in later.rows {
            self.set(key, value);
        }
    }

    /// Returns what is known of `key`: nothing, that it is deleted, or its new value.
    pub fn get(&self, key: &[u8]) -> Option<Option<&Bytes>> {
        self.rows.get(key).map(Option::as_ref)
    }

    /// Goes through all changes in key order; none as a value means deleted.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Bytes, Option<&Bytes>)> {
        self.rows.iter().map(|(key, value)| (key, value.as_ref()))
    }

    /// Goes through the changes whose keys lie in `range`, in key order.
    pub fn range(
        &self,
        range: KeyRange<'_>,
    ) -> impl DoubleEndedIterator<Item = (&Bytes, Option<&Bytes>)> {
        let rows = if range.is_empty() {
            btree_map::Range::default()
        } else {
            self.rows.range::<[u8], _>(range.bounds())
        };
        rows.map(|(key, value)| (key, value.as_ref()))
    }

    /// Returns the number of keys that change.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Says whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the bytes of all keys and new values together.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn set(&mut self, key: Bytes, value: Option<Bytes>) {
        // Saturating: the sum of buffers that lie in memory at once stays below `usize::MAX`.
        let added = value.as_ref().map_or(0, Bytes::len);
        self.bytes = self.bytes.saturating_add(added);
        let key_bytes = key.len();
        match self.rows.insert(key, value) {
            Some(old) => {
                let removed = old.map_or(0, |old| old.len());
                self.bytes = self.bytes.saturating_sub(removed);
            }
            None => self.bytes = self.bytes.saturating_add(key_bytes),
        }
    }
}
