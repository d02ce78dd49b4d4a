//! One action of every kind, for tests of who may ask. Most of them break some rule.

use super::{Scenario, action};
use crate::domain::{
    Action, ActionKind, ApproveCost, ClaimCost, ContentHash, Currency, DeclareUse, FreezePeriod,
    ImportWeights, Money, OpenPool, Period, PeriodKind, Policy, PolicyTerms, PoolName, PostRevenue,
    PublishPolicy, RevenueKind, Settle, ThingId, UseClass, UseMode,
};

/// Returns an action of a kind, as a party would send it.
pub(crate) fn sample(scenario: &Scenario, actor: &str, kind: ActionKind) -> Action {
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
        _ => return pool_action(kind),
    };
    action(scenario, actor, line)
}

fn pool_action(kind: ActionKind) -> Action {
    let pool: PoolName = "solar".parse().unwrap();
    let period: Period = "2026-01".parse().unwrap();
    let hash = ContentHash::of(b"something");
    let id = ThingId([7; 32]);
    let currency: Currency = "CNY".parse().unwrap();
    let money = Money {
        minor_units: 100,
        currency,
    };
    match kind {
        ActionKind::PublishPolicy => Action::from(PublishPolicy {
            policy: Policy {
                name: "plain".parse().unwrap(),
                time_zone: "UTC".to_owned(),
                objection_days: 0,
                terms: PolicyTerms::default(),
            },
            policy_hash: hash,
        }),
        ActionKind::OpenPool => Action::from(OpenPool {
            name: pool,
            payer: "payer".parse().unwrap(),
            currency,
            period_kind: PeriodKind::Month,
            evaluator: "evaluator".parse().unwrap(),
            policies: Vec::new(),
            validation_hash: None,
        }),
        ActionKind::DeclareUse => Action::from(DeclareUse {
            pool,
            period,
            mode: UseMode::Add,
            class: UseClass::Commercial,
            use_list: hash,
        }),
        ActionKind::PostRevenue => Action::from(PostRevenue {
            pool,
            period,
            kind: RevenueKind::Receipt,
            amount: money,
            reference: "invoice 1".to_owned(),
        }),
        ActionKind::ClaimCost => Action::from(ClaimCost {
            contribution: id,
            class: "direct".parse().unwrap(),
            amount: money,
            evidence_hash: hash,
            note: String::new(),
        }),
        ActionKind::ApproveCost => Action::from(ApproveCost {
            claim: id,
            approved: money,
            reason: String::new(),
        }),
        ActionKind::ImportWeights => Action::from(ImportWeights {
            pool,
            period,
            method: "knn".to_owned(),
            parameters: "{}".to_owned(),
            validation_hash: None,
            table_hash: hash,
        }),
        ActionKind::FreezePeriod => FreezePeriod { pool, period }.into(),
        _ => Action::from(Settle {
            pool,
            period,
            valuation: id,
            result_hash: hash,
        }),
    }
}
