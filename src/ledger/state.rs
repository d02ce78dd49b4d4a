//! Typed access to rows: reads through the changes that the command has made so far.

use std::ops::ControlFlow;

use super::rows::Row;
use super::view::{Changes, Layered, Order, View, ViewFault, prefix_end, scan_prefix};
use super::{KeyRange, rows};

/// The rows as of the entry before, and the changes that the entry at hand makes to them.
pub struct State<'a> {
    base: &'a dyn View,
    changes: Changes,
}

impl<'a> State<'a> {
    /// Returns a state without changes over a view.
    pub fn new(base: &'a dyn View) -> Self {
        Self {
            base,
            changes: Changes::new(),
        }
    }

    /// Returns the row under a key, or none.
    ///
    /// # Errors
    /// A [`ViewFault`] where the storage fails or the row does not decode.
    pub fn get<R: Row>(&self, key: &R::Key) -> Result<Option<R>, ViewFault> {
        let key = rows::key::<R>(key);
        let bytes = match self.changes.get(&key) {
            Some(changed) => changed.cloned(),
            None => self.base.get(&key)?,
        };
        bytes
            .map(|bytes| rows::decode::<R>(&key, &bytes))
            .transpose()
    }

    /// Puts a row under its key, over what was there.
    pub fn put<R: Row>(&mut self, key: &R::Key, row: &R) {
        self.changes.put(rows::key::<R>(key), rows::encode(row));
    }

    /// Deletes the row under a key.
    pub fn delete<R: Row>(&mut self, key: &R::Key) {
        self.changes.delete(rows::key::<R>(key));
    }

    /// Hands each row whose key begins with `prefix` (after the table's tag) to `visit` with the
    /// rest of its key, until it breaks.
    ///
    /// # Errors
    /// A [`ViewFault`] where the storage fails or a row does not decode.
    pub fn scan<R: Row>(
        &self,
        prefix: &[u8],
        order: Order,
        visit: &mut dyn FnMut(&[u8], R) -> ControlFlow<()>,
    ) -> Result<(), ViewFault> {
        let mut full = vec![R::TABLE];
        full.extend_from_slice(prefix);
        let mut damaged = None;
        let layered = self.layered();
        let mut each = |key: &[u8], value: &[u8]| match rows::decode::<R>(key, value) {
            Ok(row) => visit(key.get(full.len()..).unwrap_or_default(), row),
            Err(fault) => {
                damaged = Some(fault);
                ControlFlow::Break(())
            }
        };
        scan_prefix(&layered, &full, order, &mut each)?;
        damaged.map_or(Ok(()), Err)
    }

    /// Hands each row whose key (without the table's tag) lies from `from` up to but without `to`
    /// to `visit`, with that key, until it breaks or fails.
    ///
    /// # Errors
    /// As [`State::scan`], and what `visit` fails with.
    pub fn scan_between<R: Row>(
        &self,
        from: &[u8],
        to: &[u8],
        order: Order,
        mut visit: impl FnMut(&[u8], R) -> Result<ControlFlow<()>, ViewFault>,
    ) -> Result<(), ViewFault> {
        let from = [&[R::TABLE], from].concat();
        let to = [&[R::TABLE], to].concat();
        let mut outcome = Ok(());
        let range = KeyRange::between(&from, &to);
        self.layered().scan(range, order, &mut |key, value| {
            let visited = rows::decode::<R>(key, value)
                .and_then(|row| visit(key.get(1..).unwrap_or_default(), row));
            visited.unwrap_or_else(|fault| {
                outcome = Err(fault);
                ControlFlow::Break(())
            })
        })?;
        outcome
    }

    /// Hands every row of a table to `visit` with its key (without the table's tag), ascending,
    /// until it fails.
    ///
    /// # Errors
    /// As [`State::scan`], and what `visit` fails with.
    pub fn each<R: Row>(
        &self,
        mut visit: impl FnMut(&[u8], R) -> Result<(), ViewFault>,
    ) -> Result<(), ViewFault> {
        let mut outcome = Ok(());
        self.scan::<R>(&[], Order::Ascending, &mut |key, row| {
            outcome = visit(key, row);
            match outcome {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        outcome
    }

    /// Returns every row whose key begins with `prefix`, with the rest of its key, ascending.
    ///
    /// # Errors
    /// As [`State::scan`].
    pub fn list<R: Row>(&self, prefix: &[u8]) -> Result<Vec<(Vec<u8>, R)>, ViewFault> {
        let mut found = Vec::new();
        self.scan::<R>(prefix, Order::Ascending, &mut |key, row| {
            found.push((key.to_vec(), row));
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// Returns the first row from `from` on (a key without the table's tag), in `order` within
    /// the table, with its key without the tag.
    ///
    /// # Errors
    /// As [`State::scan`].
    pub fn first<R: Row>(
        &self,
        from: &[u8],
        order: Order,
    ) -> Result<Option<(Vec<u8>, R)>, ViewFault> {
        let table = [R::TABLE];
        let end = prefix_end(&table).unwrap_or_default();
        let mut full = vec![R::TABLE];
        full.extend_from_slice(from);
        let range = match order {
            Order::Ascending => KeyRange::between(&full, &end),
            Order::Descending => KeyRange::between(&table, &full),
        };
        let mut found = None;
        let layered = self.layered();
        super::View::scan(&layered, range, order, &mut |key, value| {
            found = Some((
                key.get(1..).unwrap_or_default().to_vec(),
                rows::decode::<R>(key, value),
            ));
            ControlFlow::Break(())
        })?;
        found
            .map(|(key, row)| row.map(|row| (key, row)))
            .transpose()
    }

    fn layered(&self) -> Layered<'_> {
        Layered {
            base: self.base,
            changes: &self.changes,
        }
    }

    /// Returns the changes, ending the state.
    pub fn into_changes(self) -> Changes {
        self.changes
    }
}
