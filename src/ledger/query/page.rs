//! Pages of a list, from the newest thing to the oldest.

use std::ops::ControlFlow;

use crate::ledger::rows::{KeyPart, Locator, Row};
use crate::ledger::state::State;
use crate::ledger::view::{Order, ViewFault};

/// The most rows that one page looks at. A page that finds little among them is short, or empty,
/// and still says where to go on.
pub const PAGE_ROWS_MAX: usize = 5_000;

/// Where a list goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The size of the log that the list is pinned to: what was created later is not in it.
    pub size: u64,
    /// The last thing looked at; the list goes on with what was created before it.
    pub before: Locator,
}

impl Cursor {
    /// Returns the cursor of a first page, which pins the list to a size of the log.
    pub fn start(size: u64) -> Self {
        let before = Locator {
            index: size,
            number: 0,
        };
        Self { size, before }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What was found, the newest first.
    pub items: Vec<T>,
    /// Where the list goes on; none at its end.
    pub next: Option<Cursor>,
}

/// The part of a list that a page is taken from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// Where the list goes on.
    pub cursor: Cursor,
    /// Only what was created at this index or later.
    pub from_index: u64,
    /// Only what was created before this index.
    pub to_index: u64,
    /// The most items.
    pub limit: usize,
}

impl Span {
    /// Returns all that a cursor leaves.
    pub fn all(cursor: Cursor, limit: usize) -> Self {
        Self {
            cursor,
            from_index: 0,
            to_index: u64::MAX,
            limit,
        }
    }

    /// Returns the first locator that belongs to the span, and the first past it.
    pub fn bounds(&self) -> (Locator, Locator) {
        let at = |index| Locator { index, number: 0 };
        let end = self.cursor.before.min(at(self.to_index));
        (at(self.from_index), end)
    }
}

/// Collects the items of a page and notices when it is full.
pub(crate) struct Filling<T> {
    span: Span,
    looked_at: usize,
    page: Page<T>,
}

impl<T> Filling<T> {
    pub fn new(span: Span) -> Self {
        Self {
            span,
            looked_at: 0,
            page: Page {
                items: Vec::new(),
                next: None,
            },
        }
    }

    /// Takes the next thing, which is an item or was passed over; breaks when the page is done.
    pub fn take(&mut self, at: Locator, item: Option<T>) -> ControlFlow<()> {
        self.page.items.extend(item);
        // Counts to `PAGE_ROWS_MAX` and stops there.
        self.looked_at = self.looked_at.saturating_add(1);
        if self.page.items.len() < self.span.limit && self.looked_at < PAGE_ROWS_MAX {
            return ControlFlow::Continue(());
        }
        self.page.next = Some(Cursor {
            before: at,
            ..self.span.cursor
        });
        ControlFlow::Break(())
    }

    pub fn finish(self) -> Page<T> {
        self.page
    }
}

/// Fills a page from a table whose keys are `prefix` and a locator; `select` turns a row into an
/// item, or passes it over.
pub(crate) fn newest<R: Row, T>(
    state: &State<'_>,
    prefix: &[u8],
    span: Span,
    select: &mut dyn FnMut(Locator, R) -> Result<Option<T>, ViewFault>,
) -> Result<Page<T>, ViewFault> {
    let (from, to) = span.bounds();
    let from = [prefix, &from.prefix()].concat();
    let to = [prefix, &to.prefix()].concat();
    let mut filling = Filling::new(span);
    state.scan_between::<R>(&from, &to, Order::Descending, |key, row| {
        let rest = key.get(prefix.len()..).unwrap_or_default();
        let Some(at) = Locator::from_key(rest) else {
            return Err(ViewFault::new("a key of a list ends without a locator"));
        };
        let item = select(at, row)?;
        Ok(filling.take(at, item))
    })?;
    Ok(filling.finish())
}
