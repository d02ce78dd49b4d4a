//! What is refused as malformed: each field out of its form or range, by its path.

use super::*;
use crate::wire::proto::command::Action as Sent;
use crate::wire::{VIOLATIONS_MAX, proto};

/// Refused with exactly these violations, each `path: description` or the beginning of it.
fn check(message: &proto::Command, expected: &[&str]) {
    let rejection = decode_command(&message.encode_to_vec()).unwrap_err();
    let found: Vec<String> = rejection
        .violations
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(rejection.reason, Reason::Malformed, "{expected:?}");
    let alike = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, expected)| found.starts_with(expected));
    assert!(alike, "found {found:#?}, expected {expected:#?}");
}

fn with(action: Sent) -> proto::Command {
    proto::Command {
        action: Some(action),
        ..sample_message()
    }
}

fn contribution() -> proto::RecordContribution {
    match sample_message().action {
        Some(Sent::RecordContribution(contribution)) => contribution,
        other => panic!("{other:?}"),
    }
}

fn check_contribution(spoil: impl FnOnce(&mut proto::RecordContribution), expected: &[&str]) {
    let mut contribution = contribution();
    spoil(&mut contribution);
    check(&with(Sent::RecordContribution(contribution)), expected);
}

#[test]
fn bytes_that_are_no_message() {
    assert_eq!(reason(b"\xff"), Some(Reason::Malformed));
    assert_eq!(reason(b"\x0a\x05abc"), Some(Reason::Malformed));
    // The actor is no UTF-8.
    assert_eq!(reason(b"\x12\x02\xff\xfe"), Some(Reason::Malformed));
    assert_eq!(reason(b""), Some(Reason::Malformed));
}

#[test]
fn the_envelope() {
    check(
        &proto::Command::default(),
        &[
            "ledger: is required",
            "actor: the name of a party is 2",
            "nonce: a nonce takes 16 bytes, 0",
            "created_at: is required",
            "action: is required",
        ],
    );
    let spoilt = proto::Command {
        ledger: vec![1; 31].into(),
        actor: "pools".to_owned(),
        nonce: vec![1; 17].into(),
        created_at: Some(prost_types::Timestamp {
            seconds: -1,
            nanos: 1_000_000_000,
        }),
        ..sample_message()
    };
    check(
        &spoilt,
        &[
            "ledger: a ledger id takes 32 bytes, 31",
            "actor: the name \"pools\" is reserved",
            "nonce: a nonce takes 16 bytes, 17",
            "created_at.seconds: -1 is not in 0 to 253402300799",
            "created_at.nanos: 1000000000 is not in 0 to 999999999",
        ],
    );
}

#[test]
fn the_last_time_is_in_range_and_is_floored_to_milliseconds() {
    let at = |seconds, nanos| proto::Command {
        created_at: Some(prost_types::Timestamp { seconds, nanos }),
        ..sample_message()
    };
    let last = decode_command(&at(253_402_300_799, 999_999_999).encode_to_vec()).unwrap();
    assert_eq!(last.created_at, UnixMillis::MAX);
    check(
        &at(253_402_300_800, 0),
        &["created_at.seconds: 253402300800"],
    );
    check(&at(0, -1), &["created_at.nanos: -1"]);
}

#[test]
fn a_founding_command() {
    let found = proto::Found {
        origin: "https://x+y/".to_owned(),
        operator: "other".to_owned(),
        operator_key: vec![1; 32].into(),
        log_key: vec![1; 33].into(),
        log_key_possession: vec![1; 32].into(),
        rules_version: 0,
        time_window_ms: 999,
        approvals: vec![16],
        terms_hash: bytes::Bytes::new(),
    };
    check(
        &with(Sent::Found(found.clone())),
        &[
            "ledger: is empty in a founding command",
            "found.origin: an origin is",
            "found.log_key: a public key takes 32 bytes, 33",
            "found.log_key_possession: a signature takes 64 bytes, 32",
            "found.rules_version: 0 is not in 1 to",
            "found.time_window_ms: 999 is not in 1000 to 86400000 milliseconds",
            "found.approvals: is empty in rules version 1",
            "found.terms_hash: a content hash takes 32 bytes, 0",
        ],
    );
    let other_operator = proto::Command {
        ledger: bytes::Bytes::new(),
        ..with(Sent::Found(proto::Found {
            origin: "log.example".to_owned(),
            log_key: vec![1; 32].into(),
            log_key_possession: vec![1; 64].into(),
            rules_version: 1,
            time_window_ms: 1_000,
            approvals: vec![],
            terms_hash: vec![1; 32].into(),
            ..found
        }))
    };
    check(&other_operator, &["found.operator: is the command's actor"]);
}

#[test]
fn a_contribution() {
    check_contribution(
        |contribution| *contribution = proto::RecordContribution::default(),
        &[
            "record_contribution.dataset: the name of a dataset is",
            "record_contribution.version: 0 is not in 1 to 999999999",
            "record_contribution.kind: is required",
            "record_contribution.content_hash: a content hash takes 32 bytes, 0",
            "record_contribution.terms: is required",
        ],
    );
    check_contribution(
        |contribution| {
            contribution.version = 1_000_000_000;
            contribution.kind = 6;
            contribution.description = "\u{7}".to_owned();
            contribution.terms = Some(proto::ContributionTerms::default());
            contribution.parents[1].upstream_bps = 10_001;
            contribution.parents[0].contribution = vec![1; 2].into();
        },
        &[
            "record_contribution.version: 1000000000 is not",
            "record_contribution.kind: 6 is not a value that this program knows",
            "record_contribution.parents[0].contribution: an id takes 32 bytes, 2",
            "record_contribution.parents[1].upstream_bps: 10001 is not in 0 to 10000 basis points",
            "record_contribution.terms.pools: is required",
            "record_contribution.terms.derivation: is required",
            "record_contribution.terms.licence: is required",
            "record_contribution.description: has the control character U+0007",
        ],
    );
}

#[test]
fn parents_ascend_and_are_not_too_many() {
    check_contribution(
        |contribution| contribution.parents.reverse(),
        &["record_contribution.parents[1]: does not come after the one before it"],
    );
    check_contribution(
        |contribution| contribution.parents[1] = contribution.parents[0].clone(),
        &["record_contribution.parents[1]: does not come after the one before it"],
    );
    check_contribution(
        |contribution| {
            let parent = contribution.parents[0].clone();
            contribution.parents = vec![parent; 65];
        },
        &["record_contribution.parents: has 65 items, not 0 to 64"],
    );
}

#[test]
fn texts_are_counted_in_characters() {
    let described = |text: String| {
        let contribution = proto::RecordContribution {
            description: text,
            ..contribution()
        };
        with(Sent::RecordContribution(contribution))
    };
    assert_eq!(reason(&described("润".repeat(1_000)).encode_to_vec()), None);
    assert_eq!(
        reason(&described("a\n\tb".to_owned()).encode_to_vec()),
        None
    );
    check(
        &described("润".repeat(1_001)),
        &["record_contribution.description: has 1001 characters, not 0 to 1000"],
    );
    check(
        &described("a\rb".to_owned()),
        &["record_contribution.description: has the control character U+000D"],
    );
}

#[test]
fn licences() {
    use proto::contribution_terms::Licence;
    let licensed = |licence: Licence| {
        let mut contribution = contribution();
        contribution.terms.as_mut().unwrap().licence = Some(licence);
        with(Sent::RecordContribution(contribution))
    };
    for good in [
        "MIT",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "LicenseRef-ours",
    ] {
        let message = licensed(Licence::LicenceSpdx(good.to_owned()));
        assert_eq!(reason(&message.encode_to_vec()), None, "{good}");
    }
    for bad in ["", "Mit license", "MIT OR", "MIT/Apache-2.0", "(MIT"] {
        check(
            &licensed(Licence::LicenceSpdx(bad.to_owned())),
            &["record_contribution.terms.licence_spdx: is no SPDX expression: "],
        );
    }
    check(
        &licensed(Licence::LicenceHash(vec![1; 31].into())),
        &["record_contribution.terms.licence_hash: a content hash takes 32 bytes, 31"],
    );
}

#[test]
fn bulk_is_bounded_and_says_how_much_more_is_wrong() {
    let bulk = |contributions| {
        with(Sent::RecordContributions(proto::RecordContributions {
            contributions,
        }))
    };
    check(
        &bulk(vec![]),
        &["record_contributions.contributions: has 0 items, not 1 to 1000"],
    );
    let empty = proto::RecordContribution::default;
    check(
        &bulk(vec![empty(); 1_001]),
        &["record_contributions.contributions: has 1001 items"],
    );
    let message = bulk(vec![empty(); 1_000]);
    let violations = decode_command(&message.encode_to_vec())
        .unwrap_err()
        .violations;
    assert_eq!(violations.len(), VIOLATIONS_MAX + 1);
    assert_eq!(
        violations[99].path,
        "record_contributions.contributions[19].terms"
    );
    assert_eq!(
        violations[100].to_string(),
        "4900 more fields are wrong and not listed"
    );
}

#[test]
fn applications() {
    let admit = |application: Vec<u8>| {
        with(Sent::AdmitParty(proto::AdmitParty {
            application: application.into(),
            signature: vec![1; 63].into(),
            beneficial_owner: "X".to_owned(),
        }))
    };
    let roles = |roles: Vec<i32>| {
        proto::Application {
            roles,
            ..proto::Application::default()
        }
        .encode_to_vec()
    };
    let rest = [
        "admit_party.application.public_key: a public key takes 32 bytes, 0",
        "admit_party.application.terms_hash: a content hash takes 32 bytes, 0",
        "admit_party.signature: a signature takes 64 bytes, 63",
        "admit_party.beneficial_owner: the name of a party is",
    ];
    let head = [
        "admit_party.application.ledger: a ledger id takes",
        "admit_party.application.name: the name",
    ];
    for (numbers, wrong) in [
        (
            vec![],
            "admit_party.application.roles: names at least one role",
        ),
        (
            vec![3, 2],
            "admit_party.application.roles[1]: does not come after",
        ),
        (
            vec![2, 2],
            "admit_party.application.roles[1]: does not come after",
        ),
        (
            vec![2, 9],
            "admit_party.application.roles[1]: 9 is not a value",
        ),
    ] {
        check(
            &admit(roles(numbers)),
            &[&head[..], &[wrong], &rest].concat(),
        );
    }
    check(
        &admit(b"\xff".to_vec()),
        &[
            &["admit_party.application: the bytes are not an application"][..],
            &rest[2..],
        ]
        .concat(),
    );
    let loose = [&[0x18, 0x02][..], &[0x18, 0x03]].concat();
    let not_canonical = "admit_party.application: generated code writes other bytes";
    check(
        &admit(loose),
        &[&[not_canonical], &head[..], &rest].concat(),
    );
}

#[test]
fn keys() {
    check(
        &with(Sent::RotateKey(proto::RotateKey::default())),
        &[
            "rotate_key.new_key: a public key",
            "rotate_key.possession: a signature",
        ],
    );
    check(
        &with(Sent::RevokeKey(proto::RevokeKey::default())),
        &["revoke_key.public_key: a public key"],
    );
    check(
        &with(Sent::ReplaceKey(proto::ReplaceKey::default())),
        &[
            "replace_key.party: the name",
            "replace_key.new_key: a",
            "replace_key.possession: a",
        ],
    );
}

#[test]
fn grants() {
    use proto::grant_use::{Grantee, Policy};
    let grant = |grantee, policy| {
        with(Sent::GrantUse(proto::GrantUse {
            contribution: vec![1; 32].into(),
            grantee,
            policy,
            from_period: "2026-10".to_owned(),
        }))
    };
    let pool = || Some(Grantee::Pool("solar".to_owned()));
    let party = || Some(Grantee::ChildParty("school".to_owned()));
    assert_eq!(
        reason(&grant(pool(), Some(Policy::AnyPolicy(true))).encode_to_vec()),
        None
    );
    assert_eq!(reason(&grant(party(), None).encode_to_vec()), None);
    check(
        &grant(None, None),
        &[
            "grant_use.grantee: is required",
            "grant_use.policy: is required",
        ],
    );
    check(&grant(pool(), None), &["grant_use.policy: is required"]);
    check(
        &grant(pool(), Some(Policy::AnyPolicy(false))),
        &["grant_use.any_policy: is true where it stands"],
    );
    check(
        &grant(pool(), Some(Policy::PolicyHash(vec![1].into()))),
        &["grant_use.policy_hash: a content hash"],
    );
    check(
        &grant(party(), Some(Policy::AnyPolicy(true))),
        &["grant_use.policy: is left out"],
    );
    let revoke = proto::RevokeUse {
        from_period: "2026-13".to_owned(),
        ..proto::RevokeUse::default()
    };
    check(
        &with(Sent::RevokeUse(revoke)),
        &[
            "revoke_use.contribution: an id",
            "revoke_use.grantee: is required",
            "revoke_use.from_period: a period is",
        ],
    );
    check(
        &with(Sent::WithdrawContribution(
            proto::WithdrawContribution::default(),
        )),
        &[
            "withdraw_contribution.contribution: an id",
            "withdraw_contribution.from_period: a period",
        ],
    );
}

#[test]
fn policies() {
    let policy = proto::Policy {
        name: "F".to_owned(),
        time_zone: "12/34".to_owned(),
        objection_days: 3_651,
        operator_fee: Some(proto::OperatorFee {
            bps: 10_001,
            flat: -1,
            cap: Some(-1),
        }),
        cost_recovery: Some(proto::CostRecovery {
            tier_cap_bps: 0,
            classes: vec!["Direct".to_owned()],
        }),
        owner_cap: Some(proto::OwnerCap { bps: 10_001 }),
        upstream: Some(proto::Upstream {
            stack_max_bps: 0,
            depth_max: 65,
        }),
        minimum_payout: -1,
        ..proto::Policy::default()
    };
    let publish = |policy| with(Sent::PublishPolicy(proto::PublishPolicy { policy }));
    check(&publish(None), &["publish_policy.policy: is required"]);
    check(
        &publish(Some(policy)),
        &[
            "publish_policy.policy.name: the name of a policy",
            "publish_policy.policy.time_zone: is 1 to 64 of",
            "publish_policy.policy.objection_days: 3651 is not in 0 to 3650 days",
            "publish_policy.policy.operator_fee.bps: 10001",
            "publish_policy.policy.owner_cap.bps: 10001",
            "publish_policy.policy.operator_fee.flat: -1",
            "publish_policy.policy.operator_fee.cap: -1",
            "publish_policy.policy.minimum_payout: -1",
            "publish_policy.policy.upstream.depth_max: 65 is not in 0 to 64 edges",
            "publish_policy.policy.cost_recovery.classes[0]: a class of cost is",
        ],
    );
}

#[test]
fn pools_and_money() {
    let pool = proto::OpenPool {
        currency_code: "cny".to_owned(),
        validation_hash: vec![1].into(),
        policies: vec![proto::PoolPolicy::default()],
        ..proto::OpenPool::default()
    };
    check(
        &with(Sent::OpenPool(pool)),
        &[
            "open_pool.name: the name of a pool",
            "open_pool.payer: the name of a party",
            "open_pool.currency_code: \"cny\" is not an ISO 4217",
            "open_pool.period_kind: is required",
            "open_pool.evaluator: the name of a party",
            "open_pool.policies[0].from_period: a period",
            "open_pool.policies[0].policy_hash: a content hash",
            "open_pool.validation_hash: a content hash takes 32 bytes, 1",
        ],
    );
    let revenue = |reference: &str, minor_units| {
        with(Sent::PostRevenue(proto::PostRevenue {
            pool: "solar".to_owned(),
            period: "2026".to_owned(),
            kind: 1,
            amount: Some(proto::Money {
                minor_units,
                currency_code: "CNY".to_owned(),
            }),
            reference: reference.to_owned(),
        }))
    };
    assert_eq!(reason(&revenue("invoice 7", 1).encode_to_vec()), None);
    assert_eq!(reason(&revenue(&"润".repeat(128), 1).encode_to_vec()), None);
    check(
        &revenue("x", 0),
        &["post_revenue.amount.minor_units: 0 is not in 1 to"],
    );
    for bad in ["", " x", "x\u{a0}", "a\nb", &"a".repeat(129)] {
        check(
            &revenue(bad, 1),
            &["post_revenue.reference: is 1 to 128 printable"],
        );
    }
}

#[test]
fn costs() {
    let claim = proto::ClaimCost {
        amount: Some(proto::Money::default()),
        ..proto::ClaimCost::default()
    };
    check(
        &with(Sent::ClaimCost(claim)),
        &[
            "claim_cost.contribution: an id",
            "claim_cost.cost_class: a class of cost",
            "claim_cost.amount.minor_units: 0 is not in 1 to",
            "claim_cost.amount.currency_code: \"\" is not",
            "claim_cost.evidence_hash: a content hash",
        ],
    );
    let approve = |minor_units| {
        with(Sent::ApproveCost(proto::ApproveCost {
            claim: vec![1; 32].into(),
            approved: Some(proto::Money {
                minor_units,
                currency_code: "CNY".to_owned(),
            }),
            reason: String::new(),
        }))
    };
    assert_eq!(reason(&approve(0).encode_to_vec()), None);
    check(
        &approve(-1),
        &["approve_cost.approved.minor_units: -1 is not in 0 to"],
    );
}

#[test]
fn use_and_settlement() {
    check(
        &with(Sent::DeclareUse(proto::DeclareUse {
            mode: 3,
            use_class: 4,
            ..proto::DeclareUse::default()
        })),
        &[
            "declare_use.pool: the",
            "declare_use.period: a",
            "declare_use.mode: 3",
            "declare_use.use_class: 4",
            "declare_use.use_list: a",
        ],
    );
    check(
        &with(Sent::FreezePeriod(proto::FreezePeriod::default())),
        &["freeze_period.pool: the", "freeze_period.period: a"],
    );
    check(
        &with(Sent::Settle(proto::Settle::default())),
        &[
            "settle.pool: the",
            "settle.period: a",
            "settle.valuation: an id",
            "settle.result_hash: a",
        ],
    );
}

#[test]
fn payouts() {
    check(
        &with(Sent::IssuePayout(proto::IssuePayout {
            party: "A".to_owned(),
            amount: Some(proto::Money {
                minor_units: 0,
                currency_code: "CNY".to_owned(),
            }),
            reference: " r".to_owned(),
        })),
        &[
            "issue_payout.party: the",
            "issue_payout.amount.minor_units: 0 is not in 1 to",
            "issue_payout.reference: is 1 to 128",
        ],
    );
    check(
        &with(Sent::SettlePayout(proto::SettlePayout::default())),
        &[
            "settle_payout.payout: an id",
            "settle_payout.bank_reference: is 1 to 128",
        ],
    );
    check(
        &with(Sent::FailPayout(proto::FailPayout {
            reason: "a".repeat(1_001),
            ..proto::FailPayout::default()
        })),
        &[
            "fail_payout.payout: an id",
            "fail_payout.reason: has 1001 characters",
        ],
    );
}

#[test]
fn weights() {
    let import = |method: &str, parameters: &str| {
        with(Sent::ImportWeights(proto::ImportWeights {
            pool: "solar".to_owned(),
            period: "2026-10".to_owned(),
            method: method.to_owned(),
            parameters: parameters.to_owned(),
            validation_hash: bytes::Bytes::new(),
            table_hash: vec![1; 32].into(),
        }))
    };
    for good in [
        "{}",
        r#"{"a":{"x":[-1,true,null]},"k":5}"#,
        r#"{"k":18446744073709551615}"#,
    ] {
        assert_eq!(
            reason(&import("knn-shapley-row", good).encode_to_vec()),
            None,
            "{good}"
        );
    }
    for (bad, says) in [
        ("", "is not JSON"),
        ("[]", "is not a JSON object"),
        (r#"{"k": 5}"#, "is written {\"k\":5} in canonical form"),
        (r#"{"b":1,"a":1}"#, "is written {\"a\":1,\"b\":1}"),
        (r#"{"a":1,"a":1}"#, "is written {\"a\":1}"),
        (r#"{"\u0061":1}"#, "is written {\"a\":1}"),
        (r#"{"k":0.5}"#, "has a number that is no integer"),
        (
            r#"{"k":[18446744073709551616]}"#,
            "has a number that is no integer",
        ),
        (&"[".repeat(4_000), "is not JSON"),
        (&" ".repeat(4_097), "has 4097 bytes"),
    ] {
        check(
            &import("knn", bad),
            &[&format!("import_weights.parameters: {says}")],
        );
    }
    for bad in ["", "KNN", "a b", &"a".repeat(65)] {
        check(
            &import(bad, "{}"),
            &["import_weights.method: is 1 to 64 of"],
        );
    }
}

#[test]
fn malformed_wins_over_not_canonical() {
    let spoilt = proto::Command {
        actor: String::new(),
        ..sample_message()
    };
    let bytes = [spoilt.encode_to_vec(), vec![0x78, 0x01]].concat();
    assert_eq!(reason(&bytes), Some(Reason::Malformed));
    let sound = [sample_message().encode_to_vec(), vec![0x78, 0x01]].concat();
    assert_eq!(reason(&sound), Some(Reason::NonCanonical));
}
