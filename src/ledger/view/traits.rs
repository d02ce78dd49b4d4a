//! The trait itself, the range of keys a scan covers, and scanning by prefix.

use std::error::Error;
use std::ops::{Bound, ControlFlow};

use bytes::Bytes;

/// The storage behind a view failed; the question has no answer, and no rule may be decided.
#[derive(Debug, thiserror::Error)]
#[error("the storage of the ledger's state failed: {what}")]
pub struct ViewFault {
    what: String,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ViewFault {
    /// Says what failed where the storage gives no cause of its own.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            source: None,
        }
    }

    /// Says what failed and keeps the storage's own error as the cause.
    pub fn because(
        what: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            what: what.into(),
            source: Some(source.into()),
        }
    }
}

/// Which way a scan goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the smallest key to the largest.
    Ascending,
    /// From the largest key to the smallest, as lists show the newest first.
    Descending,
}

/// The keys that a scan covers: from `from` on, up to but without `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRange<'a> {
    /// The first key that belongs to the range.
    pub from: &'a [u8],
    /// The first key past the range; none means that the range has no end.
    pub to: Option<&'a [u8]>,
}

impl<'a> KeyRange<'a> {
    /// Covers every key.
    pub const ALL: KeyRange<'static> = KeyRange {
        from: &[],
        to: None,
    };

    /// Covers the keys from `from` on, without `to`.
    pub const fn between(from: &'a [u8], to: &'a [u8]) -> Self {
        Self { from, to: Some(to) }
    }

    /// Says whether no key can lie in the range.
    pub fn is_empty(&self) -> bool {
        self.to.is_some_and(|to| to <= self.from)
    }

    /// Says whether `key` lies in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.from <= key && self.to.is_none_or(|to| key < to)
    }

    /// Returns the range as the two bounds that ordered maps take.
    ///
    /// An ordered map may refuse bounds in the wrong order, so ask [`Self::is_empty`] first.
    pub fn bounds(&self) -> (Bound<&'a [u8]>, Bound<&'a [u8]>) {
        let end = self.to.map_or(Bound::Unbounded, Bound::Excluded);
        (Bound::Included(self.from), end)
    }
}

/// What a scan hands each key and value to; breaking ends the scan.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Ordered rows of bytes, as of one size of the log.
///
/// A view does not change while it is held: two reads of one view never contradict each other.
/// Keys are compared bytewise. A scan gives every row of the range exactly once, in the order
/// asked for, until the visitor breaks.
pub trait View {
    /// Returns the value under `key`, or none.
    ///
    /// # Errors
    /// Fails when the storage does.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ViewFault>;

    /// Hands the rows of `range` to `visit`, in `order`, until it breaks.
    ///
    /// # Errors
    /// Fails when the storage does; rows given before that were right.
    fn scan(
        &self,
        range: KeyRange<'_>,
        order: Order,
        visit: &mut Visit<'_>,
    ) -> Result<(), ViewFault>;
}

/// Hands the rows whose keys start with `prefix` to `visit`, in `order`, until it breaks.
///
/// # Errors
/// Fails when the storage does.
pub fn scan_prefix(
    view: &dyn View,
    prefix: &[u8],
    order: Order,
    visit: &mut Visit<'_>,
) -> Result<(), ViewFault> {
    let end = prefix_end(prefix);
    let range = KeyRange {
        from: prefix,
        to: end.as_deref(),
    };
    view.scan(range, order, visit)
}

/// Returns the smallest key that is larger than every key that starts with `prefix`.
///
/// None when there is no such key: the prefix is empty or all bytes of it are 255.
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}
