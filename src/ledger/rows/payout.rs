//! Payouts, and what of a payable account still waits for the days of objection.

use serde::{Deserialize, Serialize};

use super::{Locator, Row};
use crate::book::Account;
use crate::domain::{Money, PartyName, PayoutState, ThingId, UnixMillis};

/// How a payout ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutDecision {
    /// The entry that said so.
    pub at: u64,
    /// The bank's reference where the money went out; none where it did not.
    pub bank_reference: Option<String>,
}

/// Money on its way to a party, or that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutRow {
    /// Its id.
    pub id: ThingId,
    /// The party that is paid.
    pub party: PartyName,
    /// The amount, above zero.
    pub amount: Money,
    /// The reference of the payment order.
    pub reference: String,
    /// How it ended; none while it is on its way.
    pub decision: Option<PayoutDecision>,
}

impl PayoutRow {
    /// Returns where the payout stands.
    pub fn state(&self) -> PayoutState {
        match &self.decision {
            None => PayoutState::Pending,
            Some(decision) if decision.bank_reference.is_some() => PayoutState::Settled,
            Some(_) => PayoutState::Failed,
        }
    }
}

impl Row for PayoutRow {
    const TABLE: u8 = b'Y';
    type Key = Locator;
}

/// Which payout has a reference of a payment order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutReferenceRow {
    /// Where it was issued.
    pub at: Locator,
}

impl Row for PayoutReferenceRow {
    const TABLE: u8 = b'y';
    type Key = String;
}

/// Which payout has a reference of the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankReferenceRow {
    /// Where it was issued.
    pub at: Locator,
}

impl Row for BankReferenceRow {
    const TABLE: u8 = b'z';
    type Key = String;
}

/// What a settlement made payable and may not be paid out before its days of objection are over.
/// The key is the payable account and the place of the settlement; a payout deletes rows that no
/// longer wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingRow {
    /// Minor units, above zero.
    pub amount: i64,
    /// The first recorded time at which it can be paid out.
    pub payable_from: UnixMillis,
}

impl Row for WaitingRow {
    const TABLE: u8 = b'w';
    type Key = (Account, Locator);
}
