//! Plain values that every other module speaks in; no clock, file, network or randomness.

mod allot;
mod command;
mod entry;
mod finding;
mod ids;
pub mod json;
mod money;
mod names;
mod payouts;
mod period;
mod policy;
mod policy_json;
mod receipt;
mod rejection;
mod signing;
mod time;
mod use_list;
mod violation;

pub use allot::{AllotError, allot, allot_wide, basis_points_of};
pub use command::*;
pub use entry::{
    ATTACHMENT_BYTES_MAX, COMMAND_BYTES_MAX, ENTRY_BYTES_MAX, ENTRY_HEADER_BYTES, ENTRY_VERSION,
    Entry, EntryError,
};
pub use finding::FindingKind;
pub use ids::{
    CommandId, ContentHash, IdError, KeyId, LedgerId, Nonce, PublicKey, Reveal, Signature, ThingId,
    TreeHash,
};
pub use money::{Currency, Money, MoneyError};
pub use names::{
    ContributionName, CostClass, DatasetName, NAME_LENGTH, NameError, ORIGIN_LENGTH_MAX, Origin,
    PartyName, PolicyName, PoolName, VERSION_MAX,
};
pub use payouts::{FailPayout, IssuePayout, PayoutState, SettlePayout};
pub use period::{Period, PeriodError, PeriodKind};
pub use policy::{
    BASIS_POINTS_MAX, CLASS_BYTES_MAX, CostRecovery, DEPTH_MAX_DEFAULT, Floor, MIN_WEIGHT_DEFAULT,
    OperatorFee, PolicyTerms, PublicInterest, RegulatedCeiling, Reserve, UpstreamLimits,
};
pub use receipt::{KeptReceipt, Receipt};
pub use rejection::{Reason, ReasonClass, Rejection};
pub use signing::{
    APPLICATION_TYPE, COMMAND_TYPE, POSSESSION_TYPE, Signer, Verifier, signing_bytes,
};
pub use time::UnixMillis;
pub use use_list::{USE_LINES_MAX, UseLine, read_use_list, write_use_list};
pub use violation::Violation;
