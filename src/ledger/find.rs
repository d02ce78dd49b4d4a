//! Finds rows by what people and commands name them by.

use super::rows::{ContributionRow, Locator, ThingKind, ThingRow};
use super::state::State;
use super::view::ViewFault;
use crate::domain::ThingId;

/// Returns the contribution of an id and where it was recorded; none where there is none.
///
/// # Errors
/// Fails when the storage does, or where the id has no row.
pub(crate) fn contribution(
    state: &State<'_>,
    id: &ThingId,
) -> Result<Option<(Locator, ContributionRow)>, ViewFault> {
    let thing = state.get::<ThingRow>(id)?;
    let Some(thing) = thing.filter(|thing| thing.kind == ThingKind::Contribution) else {
        return Ok(None);
    };
    match state.get::<ContributionRow>(&thing.at)? {
        Some(row) => Ok(Some((thing.at, row))),
        None => Err(ViewFault::new(format!("the contribution {id} has no row"))),
    }
}
