//! Rows addressed by their number, so that the steps compare integers and not ids.

use std::ops::{Index, IndexMut};

/// Rows of one kind, in ascending order of their ids.
///
/// Row numbers are handed out by [`super::run::Run`] for the tables of the same run and never
/// leave it, so a number without a row is a fault in this module and nothing an input can cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table<Row>(Vec<Row>);

impl<Row> Table<Row> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, Row> {
        self.0.iter()
    }
}

impl<Row: Clone + Default> Table<Row> {
    /// Returns as many empty rows as `other` has rows.
    pub(super) fn beside<Other>(other: &Table<Other>) -> Self {
        Self(vec![Row::default(); other.len()])
    }
}

impl<Row> FromIterator<Row> for Table<Row> {
    fn from_iter<Rows: IntoIterator<Item = Row>>(rows: Rows) -> Self {
        Self(rows.into_iter().collect())
    }
}

#[allow(
    clippy::indexing_slicing,
    reason = "row numbers come from the same run; see the type's invariant"
)]
impl<Row> Index<usize> for Table<Row> {
    type Output = Row;

    fn index(&self, row: usize) -> &Row {
        &self.0[row]
    }
}

#[allow(
    clippy::indexing_slicing,
    reason = "row numbers come from the same run; see the type's invariant"
)]
impl<Row> IndexMut<usize> for Table<Row> {
    fn index_mut(&mut self, row: usize) -> &mut Row {
        &mut self.0[row]
    }
}
