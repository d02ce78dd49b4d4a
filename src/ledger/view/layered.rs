//! A view with changes laid over it, as what is pending lies over what is published.

use std::iter::Peekable;
use std::ops::ControlFlow;

use bytes::Bytes;

use super::changes::Changes;
use super::traits::{KeyRange, Order, View, ViewFault, Visit};

/// The rows of `base` after `changes`, without touching `base`.
#[derive(Clone, Copy)]
pub struct Layered<'a> {
    /// What lies below.
    pub base: &'a dyn View,
    /// What lies above, and wins.
    pub changes: &'a Changes,
}

impl View for Layered<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ViewFault> {
        match self.changes.get(key) {
            Some(value) => Ok(value.cloned()),
            None => self.base.get(key),
        }
    }

    fn scan(
        &self,
        range: KeyRange<'_>,
        order: Order,
        visit: &mut Visit<'_>,
    ) -> Result<(), ViewFault> {
        let changed = self.changes.range(range);
        match order {
            Order::Ascending => merge(self.base, range, order, changed, visit),
            Order::Descending => merge(self.base, range, order, changed.rev(), visit),
        }
    }
}

/// Scans `base` and gives each change at its place, instead of the row under the same key.
///
/// `changed` must come in `order`.
fn merge<'c>(
    base: &dyn View,
    range: KeyRange<'_>,
    order: Order,
    changed: impl Iterator<Item = (&'c Bytes, Option<&'c Bytes>)>,
    visit: &mut Visit<'_>,
) -> Result<(), ViewFault> {
    let mut changed = changed.peekable();
    let mut flow = ControlFlow::Continue(());
    base.scan(range, order, &mut |key, value| {
        flow = give_before(&mut changed, key, order, visit);
        if flow.is_continue() {
            flow = match changed.next_if(|(changed_key, _)| changed_key.as_ref() == key) {
                Some((_, Some(new))) => visit(key, new),
                Some((_, None)) => ControlFlow::Continue(()),
                None => visit(key, value),
            };
        }
        flow
    })?;
    for (key, value) in changed {
        if flow.is_break() {
            break;
        }
        if let Some(value) = value {
            flow = visit(key, value);
        }
    }
    Ok(())
}

/// Gives the changes that come before the base's row `key`.
fn give_before<'c>(
    changed: &mut Peekable<impl Iterator<Item = (&'c Bytes, Option<&'c Bytes>)>>,
    key: &[u8],
    order: Order,
    visit: &mut Visit<'_>,
) -> ControlFlow<()> {
    let comes_before = |changed_key: &[u8]| match order {
        Order::Ascending => changed_key < key,
        Order::Descending => changed_key > key,
    };
    while let Some((changed_key, value)) = changed.next_if(|(k, _)| comes_before(k)) {
        if let Some(value) = value {
            visit(changed_key, value)?;
        }
    }
    ControlFlow::Continue(())
}
