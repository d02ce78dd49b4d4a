//! Recording, deriving, withdrawing and granting.

use crate::domain::{ContentHash, GrantUse, GrantedPolicy, Grantee, Reason};
use crate::ledger::consent::may_use;
use crate::ledger::decide::Stop;
use crate::ledger::rows::{ContributionNameRow, ContributionRow};
use crate::ledger::testing::{Scenario, answer_text};
use crate::ledger::{State, Verdict, state_hash};

#[test]
fn a_name_is_recorded_once() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "provider record digits@1 -> ok
         provider !again -> again at 7
         provider record digits@1 -> NAME_TAKEN record_contribution
         provider record digits@2 content=digits@1 -> ok
         lab record digits@1 content=digits@1 -> ok
         payer record digits@1 -> NOT_PERMITTED
         operator record digits@1 -> NOT_PERMITTED",
    );
}

#[test]
fn a_contribution_takes_four_rows() {
    let mut scenario = Scenario::peopled();
    let before = scenario.view.len();
    scenario.check("provider record digits@1 -> ok");
    assert_eq!(scenario.view.len() - before, 4);
    scenario.check("provider record-many aa@1 bb@1 cc@1 -> ok");
    assert_eq!(scenario.view.len() - before, 16);
}

#[test]
fn a_bulk_is_recorded_whole_or_not_at_all() {
    let mut scenario = Scenario::peopled();
    scenario.check("provider record-many aa@1 bb@1 -> ok");
    let before = scenario.view.clone();
    scenario.check(
        "provider record-many cc@1 bb@1 dd@1 cc@1 -> NAME_TAKEN \
            record_contributions.contributions[1] record_contributions.contributions[3]
         provider record-many -> INVALID_ARGUMENT record_contributions.contributions
         provider record-many cc@1 dd@1 from=lab/none@1:0 -> NOT_FOUND \
            record_contributions.contributions[0].parents[0] \
            record_contributions.contributions[1].parents[0]",
    );
    assert_eq!(scenario.view, before);
    scenario.check(
        "provider record-many cc@1 dd@1 from=provider/aa@1:5000,provider/bb@1:5000 -> ok
         provider record ee@1 from=provider/dd@1:1 -> ok",
    );
    let row = row(&scenario, "provider/ee@1");
    assert_eq!((row.generation, row.parents[0].at.number), (2, 1));
}

#[test]
fn derivation_needs_what_the_parents_terms_ask() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "provider record free@1 min=500 -> ok
         provider record asked@1 derivation=granted -> ok
         provider record closed@1 derivation=none min=500 -> ok
         provider record gone@1 -> ok
         provider withdraw provider/gone@1 2030-01 -> ok
         lab record aa@1 from=provider/free@1:499 -> UPSTREAM_TOO_LOW record_contribution.parents[0]
         lab record aa@1 from=provider/free@1:500 -> ok
         lab record bb@1 from=provider/asked@1:0 -> CONSENT_MISSING record_contribution.parents[0]
         provider record own@1 from=provider/asked@1:0,provider/closed@1:500 -> ok
         provider record own@2 from=provider/closed@1:0 -> \
            UPSTREAM_TOO_LOW record_contribution.parents[0]
         provider grant provider/asked@1 party lab 2026-01 -> ok
         lab record bb@1 from=provider/asked@1:0 -> ok
         provider ungrant provider/asked@1 party lab 2027-01 -> ok
         lab record cc@1 from=provider/asked@1:0 -> CONSENT_MISSING record_contribution.parents[0]
         provider grant provider/asked@1 party lab 2027-01 -> ok
         lab record cc@1 from=provider/asked@1:0 -> ok
         lab record dd@1 from=provider/closed@1:500 -> \
            CONSENT_MISSING record_contribution.parents[0]
         lab record dd@1 from=provider/gone@1:0 -> WITHDRAWN record_contribution.parents[0]
         lab record dd@1 from=lab/aa@1:5001,lab/bb@1:5000 -> \
            UPSTREAM_TOO_HIGH record_contribution.parents
         lab record dd@1 from=lab/aa@1:5000,lab/bb@1:5000 -> ok",
    );
}

#[test]
fn of_several_faults_the_earliest_reason_answers_and_all_are_listed() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "provider record closed@1 derivation=none min=500 -> ok
         provider withdraw provider/closed@1 2026-01 -> ok
         lab record aa@1 -> ok
         lab record aa@1 from=provider/none@1:0,provider/closed@1:0 -> NOT_FOUND \
            record_contribution.parents[0] record_contribution \
            record_contribution.parents[1] record_contribution.parents[1] \
            record_contribution.parents[1]
         lab record aa@1 from=provider/closed@1:0 -> NAME_TAKEN record_contribution \
            record_contribution.parents[0] record_contribution.parents[0] \
            record_contribution.parents[0]
         lab record bb@1 from=provider/closed@1:0 -> CONSENT_MISSING \
            record_contribution.parents[0] record_contribution.parents[0] \
            record_contribution.parents[0]
         provider record bb@1 from=provider/closed@1:0,lab/aa@1:10001 -> UPSTREAM_TOO_LOW \
            record_contribution.parents[0] record_contribution.parents \
            record_contribution.parents[0]
         provider record bb@1 from=provider/closed@1:501,lab/aa@1:9500 -> UPSTREAM_TOO_HIGH \
            record_contribution.parents record_contribution.parents[0]",
    );
}

#[test]
fn a_path_has_at_most_sixty_four_derivations() {
    let mut scenario = Scenario::peopled();
    scenario.check("provider record deep@1 -> ok");
    for version in 2..=65 {
        let line = format!(
            "provider record deep@{version} from=provider/deep@{}:1",
            version - 1
        );
        assert_eq!(scenario.run(&line), "ok", "{line}");
    }
    assert_eq!(row(&scenario, "provider/deep@65").generation, 64);
    scenario.check(
        "provider record deep@66 from=provider/deep@65:1,provider/deep@1:1 -> \
            DERIVATION_TOO_DEEP record_contribution.parents",
    );
}

#[test]
fn only_its_own_is_withdrawn_and_once() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "provider record digits@1 -> ok
         lab withdraw provider/digits@1 2026-01 -> NOT_FOUND
         lab withdraw provider/none@1 2026-01 -> NOT_FOUND
         provider withdraw provider/digits@1 2026-01 -> ok
         provider withdraw provider/digits@1 2026-02 -> WITHDRAWN",
    );
}

#[test]
fn grants_are_the_owners_and_name_who_exists() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "provider record digits@1 derivation=granted -> ok
         lab grant provider/digits@1 party lab 2026-01 -> NOT_FOUND
         lab ungrant provider/digits@1 party lab 2026-01 -> NOT_FOUND
         provider grant provider/digits@1 party ghost 2026-01 -> NOT_FOUND
         provider grant provider/digits@1 party payer 2026-01 -> ROLE_MISSING
         provider grant provider/digits@1 party lab 2026-01 policy=x -> \
            INVALID_ARGUMENT grant_use.policy
         provider ungrant provider/digits@1 party lab 2026-01 -> NOT_FOUND
         provider grant provider/digits@1 party lab 2026-01 -> ok
         provider ungrant provider/digits@1 party lab 2026-06 -> ok
         provider ungrant provider/digits@1 party lab 2026-06 -> NOT_FOUND
         provider ungrant provider/digits@1 party lab 2026-07 -> NOT_FOUND
         provider ungrant provider/digits@1 party lab 2026-05 -> ok
         provider withdraw provider/digits@1 2026-07 -> ok
         provider grant provider/digits@1 party lab 2026-01 -> WITHDRAWN",
    );
}

/// Says whether a pool may use a contribution, as the lines do.
fn used(scenario: &Scenario, name: &str, period: &str, policy: &str) -> String {
    let (pool, period) = ("solar".parse().unwrap(), period.parse().unwrap());
    let policy = ContentHash::of(policy.as_bytes());
    let at = scenario.row::<ContributionNameRow>(&name.parse().unwrap());
    let at = at.unwrap().at;
    let state = State::new(&scenario.view);
    let row = row(scenario, name);
    match may_use(&state, at, &row, &pool, &policy, period) {
        Ok(()) => "ok".to_owned(),
        Err(Stop::Rejected(rejection)) => rejection.reason.to_string(),
        Err(Stop::Fault(fault)) => panic!("{fault}"),
    }
}

/// Asks for every period and policy whether `provider/digits@1` may be used.
#[track_caller]
fn check_used(scenario: &Scenario, expected: [(&str, &str, &str); 6]) {
    for (period, policy, answer) in expected {
        let found = used(scenario, "provider/digits@1", period, policy);
        assert_eq!(found, answer, "{period} {policy}");
    }
}

fn grant_pool(scenario: &mut Scenario, policy: GrantedPolicy, from: &str) {
    let grant = GrantUse {
        contribution: scenario.contribution("provider/digits@1"),
        grantee: Grantee::Pool("solar".parse().unwrap()),
        policy,
        from_period: from.parse().unwrap(),
    };
    assert_eq!(scenario.answer("provider", grant), "ok");
}

#[test]
fn a_pools_use_is_granted_by_period_and_policy() {
    let mut scenario = Scenario::peopled();
    let missing = Reason::ConsentMissing.as_str();
    scenario.check("provider record digits@1 pools=granted -> ok");
    assert_eq!(
        used(&scenario, "provider/digits@1", "2026-03", "one"),
        missing
    );
    let one = GrantedPolicy::Only(ContentHash::of(b"one"));
    grant_pool(&mut scenario, one, "2026-03");
    let granted = [
        ("2026-02", "one", missing),
        ("2026-03", "one", "ok"),
        ("2026-03", "two", missing),
        ("2026-Q1", "one", missing),
        ("2026-Q2", "one", "ok"),
        ("2027", "one", "ok"),
    ];
    check_used(&scenario, granted);
    scenario.check("provider ungrant provider/digits@1 pool solar 2026-05 -> ok");
    grant_pool(&mut scenario, GrantedPolicy::Any, "2026-07");
    let granted_again = [
        ("2026-04", "one", "ok"),
        ("2026-04", "two", missing),
        ("2026-05", "one", missing),
        ("2026-06", "one", missing),
        ("2026-07", "two", "ok"),
        ("2026-Q2", "one", "ok"),
    ];
    check_used(&scenario, granted_again);
    scenario.check("provider withdraw provider/digits@1 2026-08 -> ok");
    let withdrawn = [
        ("2026-04", "one", "ok"),
        ("2026-07", "two", "ok"),
        ("2026-08", "two", "WITHDRAWN"),
        ("2026-Q3", "two", "ok"),
        ("2026-06", "one", missing),
        ("2027", "two", "WITHDRAWN"),
    ];
    check_used(&scenario, withdrawn);
}

#[test]
fn what_is_anothers_answers_as_what_is_not() {
    for line in [
        "withdraw provider/digits@1 2026-01",
        "grant provider/digits@1 party lab 2026-01",
        "ungrant provider/digits@1 party lab 2026-01",
    ] {
        let mut with = Scenario::peopled();
        with.check("provider record digits@1 -> ok");
        let mut without = Scenario::peopled();
        without.check("provider amend 1 -> NOT_PERMITTED");
        let signed = {
            let action = crate::ledger::testing::action(&mut with, "lab", line);
            with.sign("lab", action)
        };
        let [one, other] = [with.decide(&signed), without.decide(&signed)];
        match (one.unwrap(), other.unwrap()) {
            (Verdict::Rejected(one), Verdict::Rejected(other)) => assert_eq!(one, other),
            (one, other) => panic!("{} {}", answer_text(&one), answer_text(&other)),
        }
    }
}

#[test]
fn contributions_replay_to_the_same_rows() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "provider record digits@1 derivation=granted -> ok
         provider grant provider/digits@1 party lab 2026-01 -> ok
         lab record clean@1 from=provider/digits@1:100 -> ok
         lab record-many aa@1 bb@1 from=lab/clean@1:100 -> ok
         provider ungrant provider/digits@1 party lab 2026-06 -> ok
         provider withdraw provider/digits@1 2026-07 -> ok",
    );
    assert_eq!(scenario.replay(), state_hash(&scenario.view).unwrap());
}

fn row(scenario: &Scenario, name: &str) -> ContributionRow {
    let at = scenario.row::<ContributionNameRow>(&name.parse().unwrap());
    scenario.row(&at.unwrap().at).unwrap()
}
