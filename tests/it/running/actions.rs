//! Actions that tests ask for, with everything that a test does not say set to something plain.

use fenrun::domain::{
    Action, ActionKind, AmendCharter, ApproveCost, ClaimCost, CommitReveal, ContentHash,
    ContributionKind, ContributionTerms, DeclareUse, DerivationConsent, FailPayout,
    FinishValuation, Found, FreezePeriod, GrantUse, GrantedPolicy, Grantee, ImportWeights,
    IssuePayout, Licence, Period, PoolConsent, PublicKey, PublishPolicy, RecordContribution,
    RecordContributions, ReplaceKey, RevokeKey, RevokeUse, Role, RotateKey, Settle, SettlePayout,
    Signature, Signer, StartValuation, ThingId, Upgrade, UseClass, UseMode, WithdrawContribution,
};
use fenrun::wire::policy_hash;

use super::settled::{PERIOD, POOL, open_pool, policy, receipt};
use super::{ORIGIN, Running, WINDOW_MS, key, terms_hash};

/// Returns the recording of a version of a dataset with this content; any pool may use it, and
/// everybody may derive from it.
pub fn record(dataset: &str, version: u32, content: &[u8]) -> RecordContribution {
    RecordContribution {
        dataset: dataset.parse().unwrap(),
        version,
        kind: ContributionKind::Original,
        content_hash: ContentHash::of(content),
        content_bytes: content.len() as u64,
        rows: 0,
        parents: Vec::new(),
        terms: ContributionTerms {
            pools: PoolConsent::Any,
            derivation: DerivationConsent::Free,
            upstream_bps_min: 0,
            licence: Licence::Spdx("CC-BY-4.0".to_owned()),
        },
        description: String::new(),
    }
}

/// Returns an action of a kind, as a party would send it; most of them break some rule, and none
/// that is accepted keeps another sample from reaching its rules.
pub fn sample(running: &Running, party: &str, kind: ActionKind) -> Action {
    let signature = key(party).sign(b"something else");
    match kind {
        ActionKind::Found => found(party, signature).into(),
        ActionKind::AmendCharter => AmendCharter {
            time_window_ms: WINDOW_MS,
            log_key: None,
        }
        .into(),
        ActionKind::Upgrade => Upgrade { rules_version: 2 }.into(),
        ActionKind::AdmitParty => running.admission("newcomer", Role::Provider).into(),
        ActionKind::RotateKey => RotateKey {
            new_key: key("unused").public_key(),
            possession: signature,
        }
        .into(),
        ActionKind::RevokeKey => RevokeKey {
            public_key: PublicKey([9; 32]),
            suspect_from: None,
        }
        .into(),
        ActionKind::ReplaceKey => ReplaceKey {
            party: "lab".parse().unwrap(),
            new_key: key("unused").public_key(),
            possession: signature,
        }
        .into(),
        _ => content_sample(kind),
    }
}

fn found(party: &str, signature: Signature) -> Found {
    Found {
        origin: ORIGIN.parse().unwrap(),
        operator: party.parse().unwrap(),
        operator_key: key(party).public_key(),
        log_key: key("log").public_key(),
        log_key_possession: signature,
        rules_version: 1,
        time_window_ms: WINDOW_MS,
        approvals: Vec::new(),
        terms_hash: terms_hash(),
    }
}

fn content_sample(kind: ActionKind) -> Action {
    let contribution = ThingId([7; 32]);
    let from_period: Period = PERIOD.parse().unwrap();
    let grantee = Grantee::ChildParty("lab".parse().unwrap());
    match kind {
        ActionKind::RecordContribution => record("sample", 1, b"sample").into(),
        ActionKind::RecordContributions => RecordContributions {
            contributions: vec![record("sample", 2, b"sample")],
        }
        .into(),
        ActionKind::WithdrawContribution => WithdrawContribution {
            contribution,
            from_period,
            reason: String::new(),
        }
        .into(),
        ActionKind::GrantUse => GrantUse {
            contribution,
            grantee,
            policy: GrantedPolicy::Any,
            from_period,
        }
        .into(),
        ActionKind::RevokeUse => RevokeUse {
            contribution,
            grantee,
            from_period,
        }
        .into(),
        _ => pool_sample(kind),
    }
}

fn pool_sample(kind: ActionKind) -> Action {
    let (pool, period) = (POOL.parse().unwrap(), PERIOD.parse().unwrap());
    let hash = ContentHash::of(b"something");
    match kind {
        ActionKind::PublishPolicy => {
            let policy = policy();
            let policy_hash = policy_hash(&policy);
            PublishPolicy {
                policy,
                policy_hash,
            }
            .into()
        }
        ActionKind::OpenPool => open_pool("sample", hash).into(),
        ActionKind::DeclareUse => DeclareUse {
            pool,
            period,
            mode: UseMode::Add,
            class: UseClass::Commercial,
            use_list: hash,
        }
        .into(),
        ActionKind::PostRevenue => receipt("sample", "1.00 CNY").into(),
        ActionKind::ClaimCost => ClaimCost {
            contribution: ThingId([7; 32]),
            class: "direct".parse().unwrap(),
            amount: "1.00 CNY".parse().unwrap(),
            evidence_hash: hash,
            note: String::new(),
        }
        .into(),
        ActionKind::ApproveCost => ApproveCost {
            claim: ThingId([7; 32]),
            approved: "1.00 CNY".parse().unwrap(),
            reason: String::new(),
        }
        .into(),
        ActionKind::ImportWeights => ImportWeights {
            pool,
            period,
            method: "measured".to_owned(),
            parameters: "{}".to_owned(),
            validation_hash: None,
            table_hash: hash,
        }
        .into(),
        ActionKind::CommitReveal => CommitReveal {
            pool,
            commitment: hash,
        }
        .into(),
        ActionKind::StartValuation => StartValuation {
            pool,
            period,
            method: "coverage".to_owned(),
            parameters: "{\"duplicates\":\"first\"}".to_owned(),
            validation_hash: None,
            commitment: None,
        }
        .into(),
        ActionKind::FinishValuation => FinishValuation {
            request: ThingId([7; 32]),
            table_hash: hash,
            reveal: None,
        }
        .into(),
        ActionKind::FreezePeriod => FreezePeriod { pool, period }.into(),
        ActionKind::IssuePayout => IssuePayout {
            party: "ghost".parse().unwrap(),
            amount: "1.00 CNY".parse().unwrap(),
            reference: "sample".to_owned(),
        }
        .into(),
        ActionKind::SettlePayout => SettlePayout {
            payout: ThingId([7; 32]),
            bank_reference: "sample".to_owned(),
        }
        .into(),
        ActionKind::FailPayout => FailPayout {
            payout: ThingId([7; 32]),
            reason: String::new(),
        }
        .into(),
        _ => Settle {
            pool,
            period,
            valuation: ThingId([7; 32]),
            result_hash: hash,
        }
        .into(),
    }
}
