//! The charter, parties and their keys.

use std::ops::ControlFlow;

use super::page::{Cursor, Page, Span, newest};
use crate::domain::{PartyName, PublicKey, Role};
use crate::ledger::access::Caller;
use crate::ledger::decide::{Stop, not_found};
use crate::ledger::rows::{CharterRow, KeyPart, KeyRow, PartyAdmittedRow, PartyKeyRow, PartyRow};
use crate::ledger::state::State;
use crate::ledger::view::{Order, View, ViewFault};

/// The most keys of a party that are shown.
pub const KEYS_SHOWN_MAX: usize = 100;

/// A party as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Its name.
    pub name: PartyName,
    /// Its row.
    pub row: PartyRow,
    /// Its newest [`KEYS_SHOWN_MAX`] keys, the newest first.
    pub keys: Vec<(PublicKey, KeyRow)>,
}

/// Which parties are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartyFilter {
    /// Only with this role.
    pub role: Option<Role>,
    /// Only names with this prefix.
    pub name_prefix: String,
}

/// Returns the charter in force; none before the founding. It is public.
///
/// # Errors
/// Fails when the storage does.
pub fn charter(view: &dyn View) -> Result<Option<CharterRow>, ViewFault> {
    State::new(view).get(&())
}

/// Returns a party by name.
///
/// # Errors
/// `NOT_FOUND`, or a fault of the storage.
pub fn party(view: &dyn View, caller: &Caller, name: &PartyName) -> Result<Party, Stop> {
    let state = State::new(view);
    if caller.sees_party(name)
        && let Some(row) = state.get::<PartyRow>(name)?
    {
        return Ok(shown(&state, name, row)?);
    }
    not_found(format!("party {name}"))
}

/// Lists parties, the newest first.
///
/// # Errors
/// Fails when the storage does.
pub fn parties(
    view: &dyn View,
    caller: &Caller,
    filter: &PartyFilter,
    cursor: Cursor,
    limit: usize,
) -> Result<Page<Party>, ViewFault> {
    let state = State::new(view);
    let span = Span::all(cursor, limit);
    newest(&state, &[], span, &mut |_, admitted: PartyAdmittedRow| {
        let name = admitted.name;
        if !caller.sees_party(&name) || !name.as_str().starts_with(&filter.name_prefix) {
            return Ok(None);
        }
        let Some(row) = state.get::<PartyRow>(&name)? else {
            return Err(ViewFault::new(format!("the party {name} has no row")));
        };
        if filter.role.is_some_and(|role| !row.has(role)) {
            return Ok(None);
        }
        shown(&state, &name, row).map(Some)
    })
}

fn shown(state: &State<'_>, name: &PartyName, row: PartyRow) -> Result<Party, ViewFault> {
    let mut public_keys = Vec::new();
    let prefix = name.prefix();
    state.scan(&prefix, Order::Descending, &mut |_, key: PartyKeyRow| {
        public_keys.push(key.public_key);
        if public_keys.len() < KEYS_SHOWN_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    let mut keys = Vec::with_capacity(public_keys.len());
    for key in public_keys {
        let Some(row) = state.get::<KeyRow>(&key)? else {
            return Err(ViewFault::new(format!(
                "the key {key} of {name} has no row"
            )));
        };
        keys.push((key, row));
    }
    let name = name.clone();
    Ok(Party { name, row, keys })
}
