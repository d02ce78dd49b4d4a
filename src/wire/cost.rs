//! Cost claims: `ClaimCost` and `ApproveCost`.

use super::fields::{Fields, Read};
use super::proto;
use super::values::{bytes_of, read_amount};
use crate::domain::{ApproveCost, ClaimCost, CostClass};

impl Read for ClaimCost {
    type Message = proto::ClaimCost;

    fn read(message: proto::ClaimCost, fields: &mut Fields<'_>) -> Option<Self> {
        let contribution = fields.bytes("contribution", &message.contribution);
        let class = fields.parse::<CostClass>("cost_class", &message.cost_class);
        let amount = read_amount(fields, "amount", message.amount, 1);
        let evidence_hash = fields.bytes("evidence_hash", &message.evidence_hash);
        let note = fields.text("note", message.note);
        Some(Self {
            contribution: contribution?,
            class: class?,
            amount: amount?,
            evidence_hash: evidence_hash?,
            note,
        })
    }
}

impl From<&ClaimCost> for proto::ClaimCost {
    fn from(claim: &ClaimCost) -> Self {
        Self {
            contribution: bytes_of(&claim.contribution.0),
            cost_class: claim.class.as_str().to_owned(),
            amount: Some((&claim.amount).into()),
            evidence_hash: bytes_of(&claim.evidence_hash.0),
            note: claim.note.clone(),
        }
    }
}

impl Read for ApproveCost {
    type Message = proto::ApproveCost;

    fn read(message: proto::ApproveCost, fields: &mut Fields<'_>) -> Option<Self> {
        let claim = fields.bytes("claim", &message.claim);
        let approved = read_amount(fields, "approved", message.approved, 0);
        let reason = fields.text("reason", message.reason);
        Some(Self {
            claim: claim?,
            approved: approved?,
            reason,
        })
    }
}

impl From<&ApproveCost> for proto::ApproveCost {
    fn from(approval: &ApproveCost) -> Self {
        Self {
            claim: bytes_of(&approval.claim.0),
            approved: Some((&approval.approved).into()),
            reason: approval.reason.clone(),
        }
    }
}
