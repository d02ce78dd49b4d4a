//! Cost claims and the decisions on them.

use crate::ledger::testing::Scenario;
use crate::ledger::{ClaimRow, find};

fn scenario() -> Scenario {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "provider record digits@1 -> ok
         lab record own@1 -> ok
         provider claim provider/digits@1 direct 5.00 CNY -> ok",
    );
    scenario
}

#[test]
fn costs_are_claimed_on_contributions_of_ones_own() {
    let mut scenario = scenario();
    scenario.check(
        "provider claim provider/digits@1 direct 5.00 CNY -> ok
         provider claim provider/digits@1 labelling 7 JPY -> ok
         provider claim lab/own@1 direct 5.00 CNY -> NOT_FOUND
         provider claim provider/none@1 direct 5.00 CNY -> NOT_FOUND
         provider claim provider/digits@1 direct 0.00 CNY -> INVALID_ARGUMENT claim_cost.amount
         provider claim provider/none@1 direct -5.00 CNY -> INVALID_ARGUMENT claim_cost.amount
         operator claim provider/digits@1 direct 5.00 CNY -> NOT_PERMITTED
         provider withdraw provider/digits@1 2030-01 -> ok
         provider claim provider/digits@1 direct 5.00 CNY -> WITHDRAWN",
    );
    let state = crate::ledger::State::new(&scenario.view);
    let name = "provider/digits@1".parse().unwrap();
    let named: crate::ledger::ContributionNameRow = scenario.row(&name).unwrap();
    let claims = find::claims_on(&state, named.at).unwrap();
    let shown: Vec<_> = claims
        .iter()
        .map(|(at, row)| (at.index, row.class.as_str(), row.claimed.to_string()))
        .collect();
    let expected = [
        (9, "direct", "5.00 CNY".to_owned()),
        (10, "direct", "5.00 CNY".to_owned()),
        (11, "labelling", "7 JPY".to_owned()),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_claim_is_decided_once_and_up_to_what_was_claimed() {
    let mut scenario = scenario();
    scenario.check(
        "operator approve 0 5.01 CNY -> AMOUNT_OUT_OF_RANGE
         operator approve 0 5.00 EUR -> CURRENCY_MISMATCH
         operator approve 0 -0.01 CNY -> INVALID_ARGUMENT approve_cost.approved
         operator approve 1 5.00 CNY -> NOT_FOUND
         provider approve 0 5.00 CNY -> NOT_PERMITTED
         operator approve 0 4.00 CNY -> ok
         operator approve 0 4.00 CNY -> CLAIM_DECIDED
         operator approve 0 6.00 CNY -> AMOUNT_OUT_OF_RANGE
         operator !again -> again at 10
         lab claim lab/own@1 direct 5.00 CNY -> ok
         operator approve 1 0.00 CNY -> ok
         operator approve 1 1.00 CNY -> CLAIM_DECIDED",
    );
    let state = crate::ledger::State::new(&scenario.view);
    let (_, row): (_, ClaimRow) = find::claim(&state, &scenario.claim("0")).unwrap().unwrap();
    let decision = row.decision.unwrap();
    assert_eq!(
        (decision.at, decision.approved, row.outstanding()),
        (10, 400, 400)
    );
}

#[test]
fn nobody_decides_on_a_claim_of_its_own_or_of_its_owner() {
    let mut scenario = Scenario::founded();
    scenario.check(
        "operator admit both operator provider -> ok
         operator admit branch provider owner=holding -> ok
         operator admit office operator owner=holding -> ok
         operator admit arm provider owner=operator -> ok
         both record aa@1 -> ok
         both claim both/aa@1 direct 5.00 CNY -> ok
         branch record aa@1 -> ok
         branch claim branch/aa@1 direct 5.00 CNY -> ok
         arm record aa@1 -> ok
         arm claim arm/aa@1 direct 5.00 CNY -> ok
         both approve 0 1.00 CNY -> OWN_CLAIM
         both approve 0 0.00 CNY -> OWN_CLAIM
         office approve 1 1.00 CNY -> OWN_CLAIM
         operator approve 2 1.00 CNY -> OWN_CLAIM
         office approve 0 1.00 CNY -> ok
         both approve 0 1.00 CNY -> CLAIM_DECIDED
         operator approve 1 1.00 CNY -> ok
         both approve 2 1.00 CNY -> ok",
    );
}

#[test]
fn after_a_withdrawal_a_claim_can_only_be_refused() {
    let mut scenario = scenario();
    scenario.check(
        "provider claim provider/digits@1 direct 2.00 CNY -> ok
         operator approve 0 5.00 CNY -> ok
         provider withdraw provider/digits@1 2030-01 -> ok
         operator approve 1 2.00 CNY -> WITHDRAWN
         operator approve 1 0.00 CNY -> ok",
    );
    let state = crate::ledger::State::new(&scenario.view);
    let (_, first) = find::claim(&state, &scenario.claim("0")).unwrap().unwrap();
    assert_eq!(first.outstanding(), 500);
}
