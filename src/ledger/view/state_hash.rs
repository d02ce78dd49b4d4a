//! One hash over all rows: two replicas that show the same hold the same state.

use std::ops::ControlFlow;

use super::traits::{KeyRange, Order, View, ViewFault};

/// Returns the state hash: BLAKE3 over every row in key order.
///
/// A row enters as `u32 LE key length ‖ key ‖ u32 LE value length ‖ value`.
///
/// # Errors
/// Fails when the storage does, or when a key or value of it has 2^32 bytes or more.
pub fn state_hash(view: &dyn View) -> Result<[u8; 32], ViewFault> {
    let mut hasher = blake3::Hasher::new();
    let mut too_long = false;
    view.scan(KeyRange::ALL, Order::Ascending, &mut |key, value| {
        for part in [key, value] {
            let Ok(length) = u32::try_from(part.len()) else {
                too_long = true;
                return ControlFlow::Break(());
            };
            hasher.update(&length.to_le_bytes());
            hasher.update(part);
        }
        ControlFlow::Continue(())
    })?;
    if too_long {
        return Err(ViewFault::new("a row of 4 GiB or more has no state hash"));
    }
    Ok(hasher.finalize().into())
}
