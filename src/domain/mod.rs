//! Plain values that every other module speaks in; no clock, file, network or randomness.

mod allot;
mod ids;
mod policy;
mod violation;

pub use allot::{AllotError, allot, basis_points_of};
pub use ids::{
    CommandId, ContentHash, IdError, KeyId, LedgerId, Nonce, PublicKey, Signature, ThingId,
    TreeHash,
};
pub use policy::{
    BASIS_POINTS_MAX, CLASS_BYTES_MAX, CostRecovery, DEPTH_MAX_DEFAULT, Floor, MIN_WEIGHT_DEFAULT,
    OperatorFee, PolicyTerms, PublicInterest, RegulatedCeiling, Reserve, UpstreamLimits,
};
pub use violation::Violation;
