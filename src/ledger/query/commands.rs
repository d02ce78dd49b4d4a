//! Where the command of an id was recorded.

use crate::domain::CommandId;
use crate::ledger::rows::ThingRow;
use crate::ledger::state::State;
use crate::ledger::view::{View, ViewFault};

/// Returns the index of a command's entry; none where it was not accepted. Who may see the entry
/// is for [`Caller::sees_entry`](crate::ledger::Caller::sees_entry) to say.
///
/// # Errors
/// Fails when the storage does.
pub fn command_index(view: &dyn View, id: &CommandId) -> Result<Option<u64>, ViewFault> {
    let row = State::new(view).get::<ThingRow>(&id.thing(0))?;
    Ok(row.map(|row| row.at.index))
}
