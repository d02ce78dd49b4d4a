//! One action of every kind, for tests of who may ask. Most of them break some rule.

use super::{Scenario, action};
use crate::domain::{Action, ActionKind, ContentHash, ImportWeights, Settle, ThingId};

/// Returns an action of a kind, as a party would send it.
pub(crate) fn sample(scenario: &mut Scenario, actor: &str, kind: ActionKind) -> Action {
    let line = match kind {
        ActionKind::Found => "found",
        ActionKind::AmendCharter => "amend 1000",
        ActionKind::Upgrade => "upgrade 2",
        ActionKind::AdmitParty => "admit new provider",
        ActionKind::RotateKey => "rotate",
        ActionKind::RevokeKey => "revoke ghost",
        ActionKind::ReplaceKey => "replace lab",
        ActionKind::RecordContribution => "record digits@1",
        ActionKind::RecordContributions => "record-many digits@1 digits@2",
        ActionKind::WithdrawContribution => "withdraw provider/none@1 2026-01",
        ActionKind::GrantUse => "grant provider/none@1 party lab 2026-01",
        ActionKind::RevokeUse => "ungrant provider/none@1 party lab 2026-01",
        ActionKind::PublishPolicy => "publish plain",
        ActionKind::OpenPool => "open solar",
        ActionKind::DeclareUse => "use solar 2026-01 provider/none@1",
        ActionKind::PostRevenue => "post solar 2026-01 receipt 1.00 CNY r1",
        ActionKind::ClaimCost => "claim provider/none@1 direct 1.00 CNY",
        ActionKind::ApproveCost => "approve 0 1.00 CNY",
        ActionKind::CommitReveal => "commit solar secret",
        ActionKind::StartValuation => "start solar 2026-01 coverage duplicates:first",
        ActionKind::FinishValuation => "finish 0 provider/none@1:1",
        ActionKind::FreezePeriod => "freeze solar 2026-01",
        ActionKind::IssuePayout => "pay lab 1.00 CNY p1",
        ActionKind::SettlePayout => "paid 0 b1",
        ActionKind::FailPayout => "unpaid 0",
        ActionKind::ImportWeights => return import_weights().into(),
        ActionKind::Settle => return settle().into(),
    };
    action(scenario, actor, line)
}

fn import_weights() -> ImportWeights {
    ImportWeights {
        pool: "solar".parse().unwrap(),
        period: "2026-01".parse().unwrap(),
        method: "knn".to_owned(),
        parameters: "{}".to_owned(),
        validation_hash: None,
        table_hash: ContentHash::of(b"something"),
    }
}

fn settle() -> Settle {
    Settle {
        pool: "solar".parse().unwrap(),
        period: "2026-01".parse().unwrap(),
        valuation: ThingId([7; 32]),
        result_hash: ContentHash::of(b"something"),
    }
}
