//! All rows in memory: the view of tests, of the auditor and of small ledgers.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::changes::Changes;
use super::traits::{KeyRange, Order, View, ViewFault, Visit};

/// A view over an ordered map in memory; it never fails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryView {
    rows: BTreeMap<Bytes, Bytes>,
}

impl MemoryView {
    /// Begins without rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// Carries out `changes`.
    pub fn apply(&mut self, changes: &Changes) {
        for (key, value) in changes.iter() {
            match value {
                Some(value) => {
                    self.rows.insert(key.clone(), value.clone());
                }
                None => {
                    self.rows.remove(key);
                }
            }
        }
    }

    /// Returns the rows, ascending by key.
    pub fn rows(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.rows.iter()
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Says whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl FromIterator<(Bytes, Bytes)> for MemoryView {
    fn from_iter<I: IntoIterator<Item = (Bytes, Bytes)>>(rows: I) -> Self {
        let rows = rows.into_iter().collect();
        Self { rows }
    }
}

impl View for MemoryView {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ViewFault> {
        Ok(self.rows.get(key).cloned())
    }

    fn scan(
        &self,
        range: KeyRange<'_>,
        order: Order,
        visit: &mut Visit<'_>,
    ) -> Result<(), ViewFault> {
        if range.is_empty() {
            return Ok(());
        }
        let rows = self.rows.range::<[u8], _>(range.bounds());
        let mut visit_row = |(key, value): (&Bytes, &Bytes)| visit(key, value);
        // A break is the visitor's wish and no failure, so what it returns is not looked at.
        let _flow = match order {
            Order::Ascending => rows.into_iter().try_for_each(&mut visit_row),
            Order::Descending => rows.into_iter().rev().try_for_each(&mut visit_row),
        };
        Ok(())
    }
}
