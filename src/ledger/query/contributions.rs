//! Contributions: by name, id or digits of the id, and in lists.

use std::ops::ControlFlow;

use super::page::{Cursor, Filling, PAGE_ROWS_MAX, Page, Span, newest};
use super::reference::by_digits;
use crate::domain::{ContentHash, ContributionKind, ContributionName, Parent, PartyName};
use crate::ledger::access::Caller;
use crate::ledger::decide::{Stop, not_found};
use crate::ledger::rows::{
    ContentRow, ContributionNameRow, ContributionRow, KeyPart, Locator, PartyRow, ThingKind,
};
use crate::ledger::state::State;
use crate::ledger::view::{Order, View, ViewFault};

/// A contribution as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// Where it was recorded.
    pub at: Locator,
    /// Its row.
    pub row: ContributionRow,
    /// What it was derived from, by id.
    pub parents: Vec<Parent>,
    /// Who stands behind its party.
    pub beneficial_owner: PartyName,
}

/// Which contributions are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContributionFilter {
    /// Only of this party.
    pub party: Option<PartyName>,
    /// Only of this kind.
    pub kind: Option<ContributionKind>,
    /// Only with this content hash.
    pub content_hash: Option<ContentHash>,
    /// Only names with this prefix.
    pub name_prefix: String,
    /// Only recorded at this index or later.
    pub from_index: u64,
    /// Only recorded before this index.
    pub to_index: Option<u64>,
}

impl ContributionFilter {
    fn holds(&self, row: &ContributionRow) -> bool {
        self.party
            .as_ref()
            .is_none_or(|party| row.name.party == *party)
            && self.kind.is_none_or(|kind| row.kind == kind)
            && self
                .content_hash
                .is_none_or(|hash| row.content_hash == hash)
            && (self.name_prefix.is_empty() || row.name.to_string().starts_with(&self.name_prefix))
    }
}

/// Returns a contribution by name, by id in hex, or by at least
/// [`REFERENCE_DIGITS_MIN`](super::REFERENCE_DIGITS_MIN) digits of its id; a name wins.
///
/// # Errors
/// `NOT_FOUND`; `INVALID_ARGUMENT` where the reference has another form, or stands for several
/// contributions that the caller may see; or a fault of the storage.
pub fn contribution(
    view: &dyn View,
    caller: &Caller,
    reference: &str,
) -> Result<Contribution, Stop> {
    let state = State::new(view);
    let Ok(name) = reference.parse::<ContributionName>() else {
        let select = |at| {
            let found = seen(&state, caller, at)?;
            Ok(found.map(|row| ((at, row.clone()), row.name.to_string())))
        };
        let kind = ThingKind::Contribution;
        let (at, row) = by_digits(&state, "contribution", reference, kind, &select)?;
        return Ok(shown(&state, at, row)?);
    };
    if let Some(named) = state.get::<ContributionNameRow>(&name)?
        && let Some(row) = seen(&state, caller, named.at)?
    {
        return Ok(shown(&state, named.at, row)?);
    }
    not_found(format!("contribution {reference}"))
}

/// Lists contributions, the newest first.
///
/// # Errors
/// Fails when the storage does.
pub fn contributions(
    view: &dyn View,
    caller: &Caller,
    filter: &ContributionFilter,
    cursor: Cursor,
    limit: usize,
) -> Result<Page<Contribution>, ViewFault> {
    let state = State::new(view);
    let span = Span {
        from_index: filter.from_index,
        to_index: filter.to_index.unwrap_or(u64::MAX),
        ..Span::all(cursor, limit)
    };
    let select = |at, row: ContributionRow| {
        if !filter.holds(&row) || !caller.sees_contribution(&state, at, &row)? {
            return Ok(None);
        }
        shown(&state, at, row).map(Some)
    };
    if let Some(hash) = filter.content_hash {
        let prefix = hash.prefix();
        return newest(&state, &prefix, span, &mut |at, _: ContentRow| {
            select(at, load(&state, at)?)
        });
    }
    if let Some(party) = &filter.party
        && let Some(places) = places_of(&state, party)?
    {
        let mut filling = Filling::new(span);
        let (from, to) = span.bounds();
        for at in places
            .into_iter()
            .rev()
            .filter(|at| (from..to).contains(at))
        {
            let item = select(at, load(&state, at)?)?;
            if filling.take(at, item).is_break() {
                break;
            }
        }
        return Ok(filling.finish());
    }
    newest(&state, &[], span, &mut |at, row| select(at, row))
}

/// Returns where the contributions of a party stand, the oldest first; none where they are more
/// than one page looks at, so that going through all contributions is as good.
fn places_of(state: &State<'_>, party: &PartyName) -> Result<Option<Vec<Locator>>, ViewFault> {
    let mut places = Vec::new();
    let prefix = party.prefix();
    state.scan(
        &prefix,
        Order::Ascending,
        &mut |_, row: ContributionNameRow| {
            places.push(row.at);
            if places.len() <= PAGE_ROWS_MAX {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        },
    )?;
    places.sort_unstable();
    Ok((places.len() <= PAGE_ROWS_MAX).then_some(places))
}

fn load(state: &State<'_>, at: Locator) -> Result<ContributionRow, ViewFault> {
    let missing = || ViewFault::new(format!("the contribution of entry {} has no row", at.index));
    state.get::<ContributionRow>(&at)?.ok_or_else(missing)
}

fn seen(
    state: &State<'_>,
    caller: &Caller,
    at: Locator,
) -> Result<Option<ContributionRow>, ViewFault> {
    let row = load(state, at)?;
    let sees = caller.sees_contribution(state, at, &row)?;
    Ok(sees.then_some(row))
}

fn shown(state: &State<'_>, at: Locator, row: ContributionRow) -> Result<Contribution, ViewFault> {
    let mut parents = Vec::with_capacity(row.parents.len());
    for parent in &row.parents {
        parents.push(Parent {
            contribution: load(state, parent.at)?.id,
            upstream_bps: parent.upstream_bps,
        });
    }
    let Some(party) = state.get::<PartyRow>(&row.name.party)? else {
        return Err(ViewFault::new(format!(
            "the party of {} has no row",
            row.name
        )));
    };
    Ok(Contribution {
        at,
        row,
        parents,
        beneficial_owner: party.beneficial_owner,
    })
}
