//! The rows of the state: one table a type, its key and its value, both of them bytes.
//!
//! A key is the table's tag and the parts of the key so that bytes order as the parts do:
//! integers big-endian, names ended by a zero byte where something follows. A value is the
//! postcard form of the row's struct. Rows with random keys are few and small (ids, hashes), all
//! others are ascending or keep together what belongs together, because the index pays for
//! scattered writes.

mod book;
mod charter;
mod contribution;
mod cost;
mod input;
mod key;
mod party;
mod payout;
mod policy;
mod pool;
mod request;
mod settlement;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::view::ViewFault;

pub use book::{AccountRow, PostingRow};
pub use charter::{CharterRow, LogKeyRow, ThingKind, ThingRow};
pub use contribution::{
    ContentRow, ContributionNameRow, ContributionRow, GrantRow, ParentRow, Withdrawal,
};
pub use cost::{ClaimDecision, ClaimRow, ContributionClaimRow};
pub use input::{RevenueReferenceRow, RevenueRow, UseRow};
pub use key::{KeyPart, Locator};
pub use party::{
    KeyHolder, KeyRow, KeyState, OwnedPartyRow, PartyAdmittedRow, PartyKeyRow, PartyRow,
};
pub use payout::{BankReferenceRow, PayoutDecision, PayoutReferenceRow, PayoutRow, WaitingRow};
pub use policy::{PolicyPublishedRow, PolicyRow};
pub use pool::{PeriodRow, PeriodState, PoolOpenedRow, PoolRow, RevenueSpan};
pub use request::{CommitmentRow, OpenRequestRow, ValuationRequestRow};
pub use settlement::{PartySettlementRow, SettledPeriodRow, SettlementRow, ValuationRow};

/// The form of the rows, for who keeps them in a file of its own: raised when one changes.
pub const ROWS_FORMAT: u32 = 2;

/// A row of one table.
pub trait Row: Serialize + DeserializeOwned {
    /// The table's tag, the first byte of its keys; each table has its own.
    const TABLE: u8;
    /// What the row is known by.
    type Key: KeyPart;
}

/// Returns the full key of a row.
pub fn key<R: Row>(key: &R::Key) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    bytes.push(R::TABLE);
    key.write(&mut bytes);
    bytes
}

/// Returns the value of a row.
pub fn encode<R: Row>(row: &R) -> Bytes {
    // Writing plain structs to memory has no way to fail; an empty value would not decode.
    postcard::to_allocvec(row)
        .map(Bytes::from)
        .unwrap_or_default()
}

/// Reads the value of a row.
///
/// # Errors
/// A [`ViewFault`] naming the key where the bytes are no such row.
pub fn decode<R: Row>(key: &[u8], value: &[u8]) -> Result<R, ViewFault> {
    postcard::from_bytes(value).map_err(|error| {
        ViewFault::because(
            format!("the row {} does not decode", hex::encode(key)),
            error,
        )
    })
}
