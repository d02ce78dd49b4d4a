//! A ledger that the rules made has no findings; each row bent by hand has.

use super::*;
use crate::domain::{ContributionName, Period, PoolName, UseClass};
use crate::ledger::rows::*;
use crate::ledger::testing::{Scenario, public_key};

fn scenario() -> Scenario {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator admit branch provider owner=holding -> ok
         provider record digits@1 derivation=granted -> ok
         provider grant provider/digits@1 party lab 2026-01 -> ok
         lab record clean@1 from=provider/digits@1:100 -> ok
         provider withdraw provider/digits@1 2026-07 -> ok
         lab rotate -> ok
         operator revoke lab -> ok
         operator replace lab -> ok
         operator publish plain -> ok
         operator open solar -> ok
         payer use solar 2026-01 lab/clean@1:5 -> ok
         payer post solar 2026-01 receipt 5.00 CNY r1 -> ok
         payer post solar 2026-02 receipt 6.00 CNY r2 -> ok
         payer post solar 2026-01 refund 1.00 CNY r3 -> ok
         lab claim lab/clean@1 direct 5.00 CNY -> ok
         operator approve 0 4.00 CNY -> ok
         operator freeze solar 2026-01 -> ok",
    );
    scenario
}

fn january() -> (PoolName, Period) {
    ("solar".parse().unwrap(), "2026-01".parse().unwrap())
}

fn find(scenario: &Scenario, name: &str) -> (Locator, ContributionRow) {
    let name: ContributionName = name.parse().unwrap();
    let at = scenario.row::<ContributionNameRow>(&name).unwrap().at;
    (at, scenario.row(&at).unwrap())
}

/// Changes rows behind the rules' back and returns the invariants that notice.
fn bent(change: impl FnOnce(&Scenario, &mut State<'_>)) -> Vec<String> {
    let mut scenario = scenario();
    let view = scenario.view.clone();
    let mut state = State::new(&view);
    change(&scenario, &mut state);
    scenario.view.apply(&state.into_changes());
    let mut names: Vec<_> = check_invariants(&scenario.view)
        .unwrap()
        .iter()
        .map(|finding| finding.invariant.split(' ').take(3).collect::<Vec<_>>())
        .map(|words| words.join(" "))
        .collect();
    names.dedup();
    names
}

#[test]
fn what_the_rules_make_holds() {
    assert_eq!(check_invariants(&scenario().view).unwrap(), []);
}

#[test]
fn an_empty_state_has_no_charter() {
    let findings = check_invariants(&crate::ledger::MemoryView::new()).unwrap();
    assert_eq!(findings[0].found, "there is no charter");
}

#[test]
fn bent_parties_and_keys_are_found() {
    let lab: crate::domain::PartyName = "lab".parse().unwrap();
    let key = public_key("lab", 0);
    let revived = bent(|scenario, state| {
        let mut row: KeyRow = scenario.row(&key).unwrap();
        row.state = KeyState::Active;
        state.put(&key, &row);
    });
    assert_eq!(revived, ["every key serves"]);
    let lost = bent(|_, state| state.delete::<PartyRow>(&lab));
    assert!(lost.contains(&"every key serves".to_owned()), "{lost:?}");
    let unlisted = bent(|_, state| state.delete::<PartyKeyRow>(&(lab.clone(), 2)));
    assert_eq!(unlisted, ["every key serves"]);
    let log = bent(|_, state| state.delete::<KeyRow>(&public_key("log", 0)));
    assert_eq!(log, ["the charter's log"]);
    let owned = bent(|scenario, state| {
        let name = "provider".parse().unwrap();
        let mut row: PartyRow = scenario.row(&name).unwrap();
        row.beneficial_owner = "branch".parse().unwrap();
        state.put(&name, &row);
    });
    assert_eq!(owned, ["owners that are"]);
}

#[test]
fn bent_contributions_are_found() {
    let content = bent(|scenario, state| {
        let (at, mut row) = find(scenario, "lab/clean@1");
        row.content_hash.0[0] ^= 1;
        state.put(&at, &row);
    });
    assert_eq!(content, ["every contribution has", "every content hash"]);
    let younger = bent(|scenario, state| {
        let (at, mut row) = find(scenario, "lab/clean@1");
        row.parents[0].at = at;
        state.put(&at, &row);
    });
    assert_eq!(younger, ["every contribution has"]);
    let deep = bent(|scenario, state| {
        let (at, mut row) = find(scenario, "lab/clean@1");
        row.generation = 0;
        state.put(&at, &row);
    });
    assert_eq!(deep, ["every contribution has"]);
    let gone = bent(|scenario, state| {
        state.delete::<ContributionRow>(&find(scenario, "provider/digits@1").0);
    });
    let noticed = [
        "every contribution has",
        "every name is",
        "every content hash",
        "every id is",
        "every grant is",
    ];
    assert_eq!(gone, noticed);
}

#[test]
fn bent_pools_and_policies_are_found() {
    let policy = bent(|scenario, state| {
        let hash = scenario.policy("plain");
        let mut row: PolicyRow = scenario.row(&hash).unwrap();
        row.policy.objection_days = 1;
        state.put(&hash, &row);
    });
    assert_eq!(policy, ["every policy has"]);
    let lost = bent(|scenario, state| state.delete::<PolicyRow>(&scenario.policy("plain")));
    assert_eq!(lost, ["every id is", "every pool has"]);
    let payer = bent(|scenario, state| {
        let mut row: PoolRow = scenario.row(&january().0).unwrap();
        row.payer = "lab".parse().unwrap();
        state.put(&january().0, &row);
    });
    assert_eq!(payer, ["every pool has"]);
    let open_again = bent(|scenario, state| {
        let mut row: PoolRow = scenario.row(&january().0).unwrap();
        row.frozen_through = None;
        state.put(&january().0, &row);
    });
    assert_eq!(open_again, ["every period is"]);
    let gone = bent(|_, state| state.delete::<PoolRow>(&january().0));
    assert_eq!(gone, ["every id is", "every period is", "a pool's revenue"]);
}

#[test]
fn bent_inputs_of_a_period_are_found() {
    let sum = bent(|scenario, state| {
        let mut row: PeriodRow = scenario.row(&january()).unwrap();
        row.receipts += 1;
        state.put(&january(), &row);
    });
    assert_eq!(sum, ["every period is", "a pool's revenue"]);
    let unfrozen = bent(|scenario, state| {
        let mut row: PeriodRow = scenario.row(&january()).unwrap();
        row.state = PeriodState::Open;
        state.put(&january(), &row);
    });
    assert_eq!(unfrozen, ["every pool has", "every period is"]);
    let unused = bent(|scenario, state| {
        let (at, _) = find(scenario, "lab/clean@1");
        let (pool, period) = january();
        state.delete::<UseRow>(&(pool, period, (at, UseClass::Commercial)));
    });
    assert_eq!(unused, ["every period is"]);
    let revenue = bent(|_, state| {
        let at = scenario().accepted.len() as u64 - 4;
        let at = Locator {
            index: at,
            number: 0,
        };
        state.delete::<RevenueRow>(&(january().0, at));
    });
    assert_eq!(revenue, ["every period is", "every reference is"]);
    let unreferenced = bent(|_, state| {
        let key = (january().0, "r1".to_owned());
        state.delete::<RevenueReferenceRow>(&key);
    });
    assert_eq!(unreferenced, ["every revenue is"]);
}

#[test]
fn bent_claims_are_found() {
    let claim = |scenario: &Scenario| {
        let at: ThingRow = scenario.row(&scenario.claim("0")).unwrap();
        (at.at, scenario.row::<ClaimRow>(&at.at).unwrap())
    };
    let more = bent(|scenario, state| {
        let (at, mut row) = claim(scenario);
        row.decision.as_mut().unwrap().outstanding += 1;
        state.put(&at, &row);
    });
    assert_eq!(more, ["every claim has", "claims were lowered"]);
    let unlisted = bent(|scenario, state| {
        let (at, row) = claim(scenario);
        state.delete::<ContributionClaimRow>(&(row.contribution, at));
    });
    assert_eq!(unlisted, ["every claim has"]);
    let gone = bent(|scenario, state| state.delete::<ClaimRow>(&claim(scenario).0));
    assert_eq!(gone, ["every id is", "every claim that"]);
}
