//! The contributions in use in a pool's period, in the order in which they were recorded.

use std::ops::ControlFlow;

use super::page::PAGE_ROWS_MAX;
use super::pools::seen;
use crate::domain::{ContributionName, Period, PoolName, ThingId};
use crate::ledger::access::Caller;
use crate::ledger::decide::Stop;
use crate::ledger::find;
use crate::ledger::rows::{KeyPart, UseRow};
use crate::ledger::state::State;
use crate::ledger::view::{Order, View, prefix_end};

/// A use as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The name of the contribution.
    pub name: ContributionName,
    /// Its id.
    pub contribution: ThingId,
    /// Its row.
    pub row: UseRow,
}

/// One page of uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsePage {
    /// What was found.
    pub items: Vec<Use>,
    /// The place of the last row looked at, to go on after; none at the end.
    pub next: Option<Vec<u8>>,
}

/// Lists the uses of a period, one a contribution and class. The list is pinned to `size`: what
/// was declared at that index or later is not in it. It goes on after the place that the page
/// before ended with.
///
/// # Errors
/// `NOT_FOUND` where the caller sees no such pool, or a fault of the storage.
pub fn uses(
    view: &dyn View,
    caller: &Caller,
    (pool, period): (&PoolName, Period),
    size: u64,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<UsePage, Stop> {
    let state = State::new(view);
    let row = seen(&state, caller, pool)?;
    let mut page = UsePage {
        items: Vec::new(),
        next: None,
    };
    if period.kind() != row.period_kind {
        return Ok(page);
    }
    let prefix = (pool.clone(), period).prefix();
    let mut from = prefix.clone();
    if let Some(after) = after {
        // A zero byte more makes the first key past the one that was looked at.
        from.extend_from_slice(after);
        from.push(0);
    }
    let to = prefix_end(&prefix).unwrap_or_default();
    let mut looked_at = 0_usize;
    state.scan_between::<UseRow>(&from, &to, Order::Ascending, |key, row| {
        if row.declared_at < size {
            let contribution = find::recorded(&state, row.contribution)?;
            page.items.push(Use {
                name: contribution.name,
                contribution: contribution.id,
                row,
            });
        }
        looked_at = looked_at.saturating_add(1);
        if page.items.len() < limit && looked_at < PAGE_ROWS_MAX {
            return Ok(ControlFlow::Continue(()));
        }
        page.next = key.get(prefix.len()..).map(<[u8]>::to_vec);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(page)
}
