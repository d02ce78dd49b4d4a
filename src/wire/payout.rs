//! Payouts: `IssuePayout`, `SettlePayout` and `FailPayout`.

use super::fields::{Fields, Read};
use super::proto;
use super::values::{bytes_of, read_amount};
use crate::domain::{FailPayout, IssuePayout, PartyName, SettlePayout};

impl Read for IssuePayout {
    type Message = proto::IssuePayout;

    fn read(message: proto::IssuePayout, fields: &mut Fields<'_>) -> Option<Self> {
        let party = fields.parse::<PartyName>("party", &message.party);
        let amount = read_amount(fields, "amount", message.amount, 1);
        let reference = fields.reference("reference", message.reference);
        Some(Self {
            party: party?,
            amount: amount?,
            reference,
        })
    }
}

impl From<&IssuePayout> for proto::IssuePayout {
    fn from(payout: &IssuePayout) -> Self {
        Self {
            party: payout.party.as_str().to_owned(),
            amount: Some((&payout.amount).into()),
            reference: payout.reference.clone(),
        }
    }
}

impl Read for SettlePayout {
    type Message = proto::SettlePayout;

    fn read(message: proto::SettlePayout, fields: &mut Fields<'_>) -> Option<Self> {
        let payout = fields.bytes("payout", &message.payout);
        let bank_reference = fields.reference("bank_reference", message.bank_reference);
        Some(Self {
            payout: payout?,
            bank_reference,
        })
    }
}

impl From<&SettlePayout> for proto::SettlePayout {
    fn from(settled: &SettlePayout) -> Self {
        Self {
            payout: bytes_of(&settled.payout.0),
            bank_reference: settled.bank_reference.clone(),
        }
    }
}

impl Read for FailPayout {
    type Message = proto::FailPayout;

    fn read(message: proto::FailPayout, fields: &mut Fields<'_>) -> Option<Self> {
        let payout = fields.bytes("payout", &message.payout);
        let reason = fields.text("reason", message.reason);
        Some(Self {
            payout: payout?,
            reason,
        })
    }
}

impl From<&FailPayout> for proto::FailPayout {
    fn from(failed: &FailPayout) -> Self {
        Self {
            payout: bytes_of(&failed.payout.0),
            reason: failed.reason.clone(),
        }
    }
}
