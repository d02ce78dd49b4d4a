//! Plain values that every other module speaks in; no clock, file, network or randomness.

mod allot;
mod ids;

pub use allot::{AllotError, allot, basis_points_of};
pub use ids::{
    CommandId, ContentHash, IdError, KeyId, LedgerId, Nonce, PublicKey, Signature, ThingId,
    TreeHash,
};
