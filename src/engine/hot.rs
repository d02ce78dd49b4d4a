//! The rows that nearly every command is decided on: the charter, and the key and the party that
//! sign. They change seldom and lie deep in the index, so the thread that decides remembers them.
//!
//! What is remembered is the state before the batch at hand: whoever lets a batch go tells what
//! it changes, and whoever drops one forgets everything.

use std::cell::RefCell;
use std::collections::HashMap;

use bytes::Bytes;

use crate::ledger::{
    Changes, CharterRow, KeyRange, KeyRow, Order, PartyRow, Row, View, ViewFault, Visit,
};

/// How many rows are remembered, of some hundred bytes each; when there are more, all are
/// forgotten, and those in use come back.
const ROWS_MAX: usize = 16 * 1024;
const TABLES: [u8; 3] = [CharterRow::TABLE, KeyRow::TABLE, PartyRow::TABLE];

/// See the module comment.
#[derive(Debug, Default)]
pub(super) struct HotRows {
    rows: RefCell<HashMap<Bytes, Bytes>>,
}

impl HotRows {
    /// Returns a view of `base`, which must be the state that this remembers rows of.
    pub(super) fn over<'a>(&'a self, base: &'a dyn View) -> Remembering<'a> {
        Remembering { hot: self, base }
    }

    /// Notes that the state now includes `changes`.
    pub(super) fn apply(&mut self, changes: &Changes) {
        let rows = self.rows.get_mut();
        for (key, value) in changes.iter().filter(|(key, _)| is_hot(key)) {
            match value {
                Some(value) => drop(rows.insert(key.clone(), value.clone())),
                None => drop(rows.remove(key)),
            }
        }
    }
}

/// The rows of a view, of which some are remembered.
pub(super) struct Remembering<'a> {
    hot: &'a HotRows,
    base: &'a dyn View,
}

fn is_hot(key: &[u8]) -> bool {
    key.first().is_some_and(|table| TABLES.contains(table))
}

impl View for Remembering<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ViewFault> {
        if !is_hot(key) {
            return self.base.get(key);
        }
        if let Some(value) = self.hot.rows.borrow().get(key) {
            return Ok(Some(value.clone()));
        }
        let value = self.base.get(key)?;
        if let Some(value) = &value {
            let mut rows = self.hot.rows.borrow_mut();
            if rows.len() >= ROWS_MAX {
                rows.clear();
            }
            // Of their own: a row of the index is a part of a block, which it would keep.
            rows.insert(Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        }
        Ok(value)
    }

    fn scan(
        &self,
        range: KeyRange<'_>,
        order: Order,
        visit: &mut Visit<'_>,
    ) -> Result<(), ViewFault> {
        self.base.scan(range, order, visit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::MemoryView;

    fn charter() -> Vec<u8> {
        vec![CharterRow::TABLE]
    }

    fn put(value: &'static str) -> Changes {
        let mut changes = Changes::new();
        changes.put(charter(), value);
        changes
    }

    #[test]
    fn a_remembered_row_follows_what_is_applied() {
        let (mut hot, mut base) = (HotRows::default(), MemoryView::new());
        let seen = |hot: &HotRows, base: &MemoryView| hot.over(base).get(&charter()).unwrap();
        assert_eq!(seen(&hot, &base), None);
        base.apply(&put("one"));
        assert_eq!(seen(&hot, &base).as_deref(), Some(b"one".as_slice()));
        base.apply(&put("two"));
        assert_eq!(
            seen(&hot, &base).as_deref(),
            Some(b"one".as_slice()),
            "it is remembered, so whoever changes the state says so"
        );
        hot.apply(&put("two"));
        assert_eq!(seen(&hot, &base).as_deref(), Some(b"two".as_slice()));
        let mut gone = Changes::new();
        gone.delete(charter());
        base.apply(&gone);
        hot.apply(&gone);
        assert_eq!(seen(&hot, &base), None);
    }
}
