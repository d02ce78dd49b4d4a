//! Payouts: what can be paid, once, after the days of objection.

use crate::book::Account;
use crate::ledger::booking::balance;
use crate::ledger::query::{PayoutFilter, balance_at, payables, payouts, trial_balance};
use crate::ledger::testing::Scenario;
use crate::ledger::{State, WaitingRow, check_invariants, query, state_hash};

/// A settled month of which provider gets 3.00 CNY and lab 1.00 CNY.
fn scenario(objection: u32) -> Scenario {
    let mut scenario = Scenario::peopled();
    scenario.check(&format!(
        "operator publish plain minimum=50 objection={objection} -> ok
         operator open solar -> ok
         provider record aa@1 -> ok
         lab record bb@1 -> ok"
    ));
    settle(&mut scenario, "2026-01");
    scenario
}

fn settle(scenario: &mut Scenario, period: &str) {
    scenario.check(&format!(
        "payer use solar {period} provider/aa@1 lab/bb@1 -> ok
         payer post solar {period} receipt 4.00 CNY r{period} -> ok
         evaluator value solar {period} provider/aa@1:3 lab/bb@1:1 -> ok
         operator freeze solar {period} -> ok
         operator settle solar {period} -> ok"
    ));
}

/// Returns what the accounts of a party hold: payable, on its way, paid.
fn holds(scenario: &Scenario, party: &str) -> [i64; 3] {
    let state = State::new(&scenario.view);
    ["payable", "paying", "paid"].map(|kind| {
        let account: Account = format!("{kind}/{party}/CNY").parse().unwrap();
        balance(&state, &account).unwrap()
    })
}

#[track_caller]
fn sound(scenario: &Scenario) {
    assert_eq!(check_invariants(&scenario.view).unwrap(), vec![]);
    assert_eq!(scenario.replay(), state_hash(&scenario.view).unwrap());
}

#[test]
fn money_leaves_when_it_is_issued_and_comes_back_when_it_fails() {
    let mut scenario = scenario(0);
    assert_eq!(holds(&scenario, "provider"), [300, 0, 0]);
    scenario.check("operator pay provider 2.00 CNY p1 -> ok");
    assert_eq!(holds(&scenario, "provider"), [100, 200, 0]);
    scenario.check(
        "operator !again -> again at 16
         operator pay provider 2.00 CNY p2 -> NOT_PAYABLE
         operator unpaid 0 -> ok",
    );
    assert_eq!(holds(&scenario, "provider"), [300, 0, 0]);
    scenario.check(
        "operator pay provider 3.00 CNY p1 -> REFERENCE_TAKEN
         operator pay provider 3.00 CNY p2 -> ok
         operator paid 1 b1 -> ok",
    );
    assert_eq!(holds(&scenario, "provider"), [0, 0, 300]);
    sound(&scenario);
}

#[test]
fn a_payout_ends_once() {
    let mut scenario = scenario(0);
    scenario.check(
        "operator pay provider 1.00 CNY p1 -> ok
         operator pay lab 1.00 CNY p2 -> ok
         operator paid 0 b1 -> ok
         operator !again -> again at 18
         operator paid 0 b2 -> PAYOUT_DECIDED
         operator unpaid 0 -> PAYOUT_DECIDED
         operator paid 1 b1 -> REFERENCE_TAKEN
         operator paid 0 b1 -> PAYOUT_DECIDED
         operator unpaid 1 -> ok
         operator paid 1 b2 -> PAYOUT_DECIDED
         operator unpaid 1 -> PAYOUT_DECIDED
         operator paid 2 b2 -> NOT_FOUND
         operator unpaid 2 -> NOT_FOUND",
    );
    sound(&scenario);
}

#[test]
fn only_what_is_payable_is_paid() {
    let mut scenario = scenario(0);
    scenario.check(
        "operator pay provider 3.01 CNY p1 -> NOT_PAYABLE
         operator pay provider 3.00 USD p1 -> NOT_PAYABLE
         operator pay payer 0.01 CNY p1 -> NOT_PAYABLE
         operator pay ghost 0.01 CNY p1 -> NOT_FOUND
         operator pay provider 0.00 CNY p1 -> INVALID_ARGUMENT issue_payout.amount
         operator pay ghost -1.00 CNY p1 -> INVALID_ARGUMENT issue_payout.amount
         provider pay provider 3.00 CNY p1 -> NOT_PERMITTED
         operator pay provider 0.01 CNY p1 -> ok
         operator pay provider 3.00 CNY p1 -> NOT_PAYABLE",
    );
    sound(&scenario);
}

#[test]
fn days_of_objection_go_by_in_recorded_time() {
    let mut scenario = scenario(3);
    let settled_at = scenario.times.last().unwrap().0;
    scenario.wait(2, 0);
    scenario.check("operator pay provider 0.01 CNY p1 -> NOT_PAYABLE");
    settle(&mut scenario, "2026-02");
    // One millisecond before the days of January's settlement are over.
    let left = settled_at + 3 * 86_400_000 - 1 - scenario.now().0;
    scenario.wait(0, left);
    scenario.check("operator pay provider 0.01 CNY p1 -> NOT_PAYABLE");
    scenario.wait(0, 1);
    scenario.check(
        "operator pay provider 3.01 CNY p1 -> NOT_PAYABLE
         operator pay provider 3.00 CNY p1 -> ok
         operator pay provider 0.01 CNY p2 -> NOT_PAYABLE
         operator unpaid 0 -> ok
         operator pay provider 3.01 CNY p2 -> NOT_PAYABLE
         operator pay provider 1.00 CNY p2 -> ok",
    );
    // The row of January has been dropped with the first payout; February waits.
    let waiting = State::new(&scenario.view).list::<WaitingRow>(b"payable/provider/CNY\0");
    assert_eq!(waiting.unwrap().len(), 1);
    sound(&scenario);
    scenario.wait(3, 0);
    scenario.check("operator pay provider 5.00 CNY p3 -> ok");
    assert_eq!(holds(&scenario, "provider"), [0, 600, 0]);
    sound(&scenario);
}

#[test]
fn a_party_is_shown_its_own() {
    let mut scenario = scenario(3);
    scenario.wait(3, 0);
    scenario.check(
        "operator pay provider 1.00 CNY p1 -> ok
         operator pay lab 1.00 CNY p2 -> ok
         operator unpaid 1 -> ok",
    );
    let size = scenario.accepted.len() as u64;
    let view = &scenario.view;
    let listed = |name: &str, filter: &PayoutFilter| {
        let cursor = query::Cursor::start(size);
        let page = payouts(view, &scenario.caller(name), filter, cursor, 10).unwrap();
        page.items
            .iter()
            .map(|one| one.row.reference.clone())
            .collect::<Vec<_>>()
    };
    let all = PayoutFilter::default();
    assert_eq!(listed("operator", &all), ["p2", "p1"]);
    assert_eq!(listed("provider", &all), ["p1"]);
    assert_eq!(listed("payer", &all), [""; 0]);
    let failed = PayoutFilter {
        party: Some("lab".parse().unwrap()),
        state: Some(crate::domain::PayoutState::Failed),
    };
    assert_eq!(listed("auditor", &failed), ["p2"]);
    let id = scenario.payout("0").to_string();
    let one = |name: &str| query::payout(view, &scenario.caller(name), &id[..8]).is_ok();
    assert!(one("provider") && one("auditor") && !one("lab"));
    let due = |name: &str, party: Option<&str>| {
        let party = party.map(|party| party.parse().unwrap());
        let page = payables(view, &scenario.caller(name), party.as_ref(), None, 10).unwrap();
        let due = page.payables.iter();
        due.map(|due| (due.account.to_string(), due.free_at(scenario.now())))
            .collect::<Vec<_>>()
    };
    let (lab, provider) = (
        "payable/lab/CNY".to_owned(),
        "payable/provider/CNY".to_owned(),
    );
    let both = [(lab.clone(), 100), (provider.clone(), 200)];
    assert_eq!(due("operator", None), both);
    assert_eq!(due("operator", Some("provider")), both[1..]);
    assert_eq!(due("lab", None), both[..1]);
    assert_eq!(due("lab", Some("provider")), []);
}

#[test]
fn balances_are_known_at_every_size_of_the_log() {
    let mut scenario = scenario(0);
    let settled = scenario.accepted.len() as u64;
    scenario.check(
        "operator pay provider 1.00 CNY p1 -> ok
         operator paid 0 b1 -> ok",
    );
    let account: Account = "payable/provider/CNY".parse().unwrap();
    let caller = scenario.caller("provider");
    let at = |size| balance_at(&scenario.view, &caller, &account, size).unwrap();
    assert_eq!(
        [0, settled - 1, settled, settled + 1, u64::MAX].map(at),
        [0, 0, 300, 200, 200]
    );
    let lab = scenario.caller("lab");
    assert!(balance_at(&scenario.view, &lab, &account, settled).is_err());
    let auditor = scenario.caller("auditor");
    for size in 0..=scenario.accepted.len() as u64 {
        let balance = trial_balance(&scenario.view, &auditor, size).unwrap();
        assert!(
            balance
                .currencies
                .iter()
                .all(|row| row.credits == row.debits)
        );
    }
    let before = trial_balance(&scenario.view, &auditor, settled).unwrap();
    assert_eq!(before.currencies[0].credits, 400);
}
