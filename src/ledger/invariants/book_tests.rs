//! The book of a settled ledger has no findings; each row bent by hand has.

use super::*;
use crate::book::Account;
use crate::domain::{Period, PoolName};
use crate::ledger::rows::*;
use crate::ledger::testing::Scenario;

fn scenario() -> Scenario {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator publish plain classes=direct minimum=200 -> ok
         operator open solar -> ok
         provider record aa@1 -> ok
         lab record bb@1 -> ok
         payer use solar 2026-01 provider/aa@1 lab/bb@1 -> ok
         payer post solar 2026-01 receipt 5.00 CNY r1 -> ok
         provider claim provider/aa@1 direct 1.00 CNY -> ok
         operator approve 0 1.00 CNY -> ok
         evaluator value solar 2026-01 provider/aa@1:3 lab/bb@1:1 -> ok
         operator freeze solar 2026-01 -> ok
         operator settle solar 2026-01 -> ok",
    );
    scenario
}

fn january() -> (PoolName, Period) {
    ("solar".parse().unwrap(), "2026-01".parse().unwrap())
}

fn account(name: &str) -> Account {
    name.parse().unwrap()
}

fn settled(scenario: &Scenario) -> (Locator, SettlementRow) {
    let settled: SettledPeriodRow = scenario.row(&january()).unwrap();
    (settled.at, scenario.row(&settled.at).unwrap())
}

/// Changes rows behind the rules' back and returns how many of each invariant notice.
fn bent(change: impl FnOnce(&Scenario, &mut State<'_>)) -> Vec<String> {
    let mut scenario = scenario();
    let view = scenario.view.clone();
    let mut state = State::new(&view);
    change(&scenario, &mut state);
    scenario.view.apply(&state.into_changes());
    let findings = check_invariants(&scenario.view).unwrap();
    let mut names: Vec<String> = findings
        .iter()
        .map(|finding| {
            let words: Vec<_> = finding.invariant.split(' ').take(3).collect();
            words.join(" ")
        })
        .collect();
    names.dedup();
    names
}

#[test]
fn what_was_booked_holds() {
    assert_eq!(check_invariants(&scenario().view).unwrap(), []);
}

#[test]
fn bent_accounts_and_postings_are_found() {
    let raised = bent(|scenario, state| {
        let key = account("payable/provider/CNY");
        let row: AccountRow = scenario.row(&key).unwrap();
        let balance = row.balance + 1;
        state.put(&key, &AccountRow { balance, ..row });
    });
    assert_eq!(raised, ["every balance is", "the postings of"]);
    let consistent = bent(|scenario, state| {
        // A posting, its balance and the account raised alike: one entry no longer sums to zero.
        let key = account("payable/provider/CNY");
        let row: AccountRow = scenario.row(&key).unwrap();
        let mut postings = state.list::<PostingRow>(&key.prefix()).unwrap();
        let (rest, posting) = postings.pop().unwrap();
        let at = Locator::from_key(&rest).unwrap();
        let (amount, balance) = (posting.amount + 1, posting.balance + 1);
        state.put(&(key.clone(), at), &PostingRow { amount, balance });
        state.put(&key, &AccountRow { balance, ..row });
    });
    assert_eq!(consistent, ["every balance is", "the postings of"]);
    let lost = bent(|_, state| state.delete::<AccountRow>(&account("carried/lab/CNY")));
    assert_eq!(lost, ["every balance is", "the postings of"]);
    let wrong_side = bent(|scenario, state| {
        let key = account("carried/lab/CNY");
        let row: AccountRow = scenario.row(&key).unwrap();
        let balance = -1;
        state.put(&key, &AccountRow { balance, ..row });
    });
    assert_eq!(wrong_side, ["every balance is", "the postings of"]);
}

#[test]
fn bent_settlements_and_valuations_are_found() {
    let unsettled = bent(|scenario, state| {
        let mut row: PeriodRow = scenario.row(&january()).unwrap();
        row.state = PeriodState::Frozen { at: 16 };
        state.put(&january(), &row);
    });
    assert_eq!(unsettled, ["a pool's revenue", "a period is"]);
    let paid_back = bent(|scenario, state| {
        let (at, mut row) = settled(scenario);
        row.cost_recovered += 1;
        state.put(&at, &row);
    });
    assert_eq!(paid_back, ["claims were lowered"]);
    let elsewhere = bent(|scenario, state| {
        let (at, mut row) = settled(scenario);
        row.period = "2026-02".parse().unwrap();
        state.put(&at, &row);
    });
    assert_eq!(elsewhere, ["every settlement has"]);
    let gone = bent(|scenario, state| {
        state.delete::<ValuationRow>(&settled(scenario).1.valuation);
    });
    assert!(
        gone.contains(&"every settlement has".to_owned()),
        "{gone:?}"
    );
    let forged = bent(|scenario, state| {
        let at = settled(scenario).1.valuation;
        let mut row: ValuationRow = scenario.row(&at).unwrap();
        row.evaluator = "lab".parse().unwrap();
        state.put(&at, &row);
    });
    assert_eq!(forged, ["every valuation has"]);
    let unknown = bent(|scenario, state| {
        let (at, _) = settled(scenario);
        let nowhere = Locator { number: 7, ..at };
        state.put(&("lab".parse().unwrap(), nowhere), &PartySettlementRow);
    });
    assert_eq!(unknown, ["every settlement has"]);
}
