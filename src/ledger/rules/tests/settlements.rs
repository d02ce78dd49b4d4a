//! Settling: every refusal, and what is booked.

use crate::book::Account;
use crate::domain::{ContentHash, Period, PoolName};
use crate::ledger::booking::book;
use crate::ledger::find;
use crate::ledger::testing::Scenario;
use crate::ledger::{
    AccountRow, PoolRow, SettledPeriodRow, SettlementRow, State, check_invariants, state_hash,
};

/// Returns a ledger with the pools `solar` and `wind`, of which `solar` is ready to be settled.
fn ready() -> Scenario {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator publish plain classes=direct -> ok
         operator open solar -> ok
         operator open wind -> ok
         operator open euro currency=EUR -> ok
         provider record aa@1 -> ok
         lab record bb@1 -> ok
         payer use solar 2026-01 provider/aa@1 lab/bb@1 -> ok
         payer post solar 2026-01 receipt 10.00 CNY r1 -> ok
         evaluator value solar 2026-01 provider/aa@1:1 lab/bb@1:3 -> ok",
    );
    scenario
}

#[track_caller]
fn check_sound(scenario: &Scenario) {
    assert_eq!(check_invariants(&scenario.view).unwrap(), []);
    assert_eq!(scenario.replay(), state_hash(&scenario.view).unwrap());
}

/// Shows every account that holds something.
fn balances(scenario: &Scenario) -> Vec<String> {
    let mut shown = Vec::new();
    State::new(&scenario.view)
        .each::<AccountRow>(|key, row| {
            let name = String::from_utf8_lossy(key);
            if row.balance != 0 {
                shown.push(format!("{} {}", name.trim_end_matches('\0'), row.balance));
            }
            Ok(())
        })
        .unwrap();
    shown
}

#[test]
fn a_settlement_needs_a_frozen_period_its_weights_and_the_result_of_the_preview() {
    let mut scenario = ready();
    scenario.check(
        "provider settle solar 2026-01 -> NOT_PERMITTED
         payer settle solar 2026-01 -> NOT_PERMITTED
         evaluator settle solar 2026-01 -> NOT_PERMITTED
         auditor settle solar 2026-01 -> NOT_PERMITTED
         operator settle none 2026-01 -> NOT_FOUND
         operator settle solar 2026-Q1 -> PERIOD_MISMATCH
         operator settle solar 2025-12 -> PERIOD_MISMATCH
         operator settle solar 2026-01 -> NOT_FROZEN
         operator settle solar 2026-01 valuation=9 -> NOT_FOUND
         operator freeze solar 2026-01 -> ok
         operator settle solar 2026-01 valuation=9 -> NOT_FOUND
         operator settle solar 2026-01 result=other -> RESULT_DIFFERS
         operator settle solar 2026-01 -> ok
         operator !again -> again at 17
         operator settle solar 2026-01 -> ALREADY_SETTLED
         operator settle solar 2026-01 valuation=9 -> NOT_FOUND",
    );
    check_sound(&scenario);
}

#[test]
fn the_weights_are_of_the_period_and_of_what_is_in_use_in_the_end() {
    let mut scenario = ready();
    scenario.check(
        "payer use solar 2026-02 provider/aa@1 -> ok
         evaluator value solar 2026-02 provider/aa@1:1 -> ok
         payer use euro 2026-01 provider/aa@1 lab/bb@1 -> ok
         evaluator value euro 2026-01 provider/aa@1:1 lab/bb@1:1 -> ok
         provider record cc@1 -> ok
         payer use solar 2026-01 provider/cc@1 -> ok
         operator freeze solar 2026-01 -> ok
         operator settle solar 2026-01 valuation=1 -> VALUATION_MISMATCH
         operator settle solar 2026-01 valuation=2 -> VALUATION_MISMATCH
         operator settle solar 2026-01 valuation=0 -> VALUATION_MISMATCH table.contributions
         evaluator value solar 2026-01 provider/aa@1:1 lab/bb@1:3 provider/cc@1:0 -> ok",
    );
    let attachments = std::mem::take(&mut scenario.attachments);
    assert_eq!(
        scenario.run("operator settle solar 2026-01"),
        "ATTACHMENT_MISSING"
    );
    scenario.attachments = attachments;
}

#[test]
fn periods_and_pools_settle_in_their_order() {
    let mut scenario = ready();
    scenario.check(
        "payer use wind 2026-01 provider/aa@1 -> ok
         payer post euro 2026-01 receipt 1.00 EUR r1 -> ok
         evaluator value wind 2026-01 provider/aa@1:1 -> ok
         payer post solar 2026-03 receipt 1.00 CNY r2 -> ok
         evaluator value solar 2026-03 -> ok
         operator freeze solar 2026-01 -> ok
         operator freeze solar 2026-02 -> ok
         operator freeze solar 2026-03 -> ok
         operator freeze wind 2026-01 -> ok
         operator settle solar 2026-03 -> EARLIER_PERIOD_OPEN",
    );
    let id = |name: &str| {
        let pool: PoolName = name.parse().unwrap();
        scenario.row::<PoolRow>(&pool).unwrap().id
    };
    let solar_first = id("solar") < id("wind");
    let mut pools = [("solar", 0), ("wind", 1)];
    if !solar_first {
        pools.reverse();
    }
    let line = |(pool, number): (&str, usize)| {
        format!("operator settle {pool} 2026-01 valuation={number}")
    };
    assert_eq!(scenario.run(&line(pools[1])), "EARLIER_PERIOD_OPEN");
    assert_eq!(scenario.run(&line(pools[0])), "ok");
    assert_eq!(scenario.run(&line(pools[1])), "ok");
    // The pool in another currency has the period open and is in nobody's way.
    scenario.check("operator settle solar 2026-03 valuation=2 -> ok");
    check_sound(&scenario);
}

#[test]
fn what_breaks_a_rule_of_the_run_is_named_by_its_path() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator publish plain stack=100 -> ok
         operator open solar -> ok
         provider record root@1 -> ok
         provider record old@1 from=provider/root@1:5000 -> ok
         lab record bb@1 -> ok
         payer use solar 2026-01 lab/bb@1 -> ok
         payer post solar 2026-01 receipt 10.00 CNY r1 -> ok
         evaluator value solar 2026-01 lab/bb@1:3 provider/old@1:1 duplicates=first -> ok
         operator freeze solar 2026-01 -> ok",
    );
    let answer = scenario.run("operator settle solar 2026-01");
    assert!(
        answer.starts_with("SETTLEMENT_REFUSED contributions["),
        "{answer}"
    );
    // Other weights are still taken, so that the period can be settled.
    scenario.check(
        "evaluator value solar 2026-01 lab/bb@1:3 -> ok
         operator settle solar 2026-01 -> ok",
    );
}

#[test]
fn an_account_holds_64_bits() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator publish plain -> ok
         operator open solar currency=JPY -> ok
         payer post solar 2026-01 receipt 9223372036854775807 JPY r1 -> ok
         payer post solar 2026-02 receipt 1 JPY r2 -> AMOUNT_OUT_OF_RANGE
         payer post solar 2026-02 refund 1 JPY r2 -> ok",
    );
    check_sound(&scenario);
}

#[test]
fn a_deficit_is_carried_by_the_pool_and_by_nobody_else() {
    let mut scenario = ready();
    scenario.check(
        "provider claim provider/aa@1 direct 5.00 CNY -> ok
         operator approve 0 5.00 CNY -> ok
         payer post solar 2026-01 refund 12.50 CNY r2 -> ok
         operator freeze solar 2026-01 -> ok
         operator settle solar 2026-01 -> ok",
    );
    assert_eq!(
        balances(&scenario),
        ["cash/solar/CNY 250", "pool-deficit/solar/CNY -250"]
    );
    assert_eq!(outstanding(&scenario, "0"), 500);
    check_sound(&scenario);
    scenario.check(
        "payer post solar 2026-02 receipt 2.00 CNY r3 -> ok
         evaluator value solar 2026-02 -> ok
         operator freeze solar 2026-02 -> ok
         operator settle solar 2026-02 -> ok",
    );
    assert_eq!(
        balances(&scenario),
        ["cash/solar/CNY 50", "pool-deficit/solar/CNY -50"]
    );
    scenario.check(
        "payer post solar 2026-03 receipt 10.50 CNY r4 -> ok
         payer use solar 2026-03 provider/aa@1 -> ok
         evaluator value solar 2026-03 provider/aa@1:1 -> ok
         operator freeze solar 2026-03 -> ok
         operator settle solar 2026-03 -> ok",
    );
    let paid = ["cash/solar/CNY -1000", "payable/provider/CNY 1000"];
    assert_eq!(balances(&scenario), paid);
    // The tier cap lets 40 % of the net go to costs.
    assert_eq!(outstanding(&scenario, "0"), 100);
    check_sound(&scenario);
}

#[test]
fn a_stopped_run_has_a_result_without_lines() {
    let mut scenario = ready();
    scenario.check(
        "payer post solar 2026-01 chargeback 10.00 CNY r2 -> ok
         operator freeze solar 2026-01 -> ok
         operator settle solar 2026-01 -> ok",
    );
    let row = settlement(&scenario, "solar", "2026-01");
    assert!(row.stopped && row.lines == 0 && row.net == 0);
    let json = b"{\"net\":0,\"pool_deficit\":0,\"stopped\":true}\n";
    assert_eq!(row.result_hash, ContentHash::of(json));
    assert_eq!(scenario.attachments[&row.result_hash], json[..]);
    assert_eq!(balances(&scenario), [""; 0]);
    check_sound(&scenario);
}

/// Returns what is outstanding on the claim of a number.
fn outstanding(scenario: &Scenario, number: &str) -> i64 {
    let found = find::claim(&State::new(&scenario.view), &scenario.claim(number));
    found.unwrap().unwrap().1.outstanding()
}

fn settlement(scenario: &Scenario, pool: &str, period: &str) -> SettlementRow {
    let key: (PoolName, Period) = (pool.parse().unwrap(), period.parse().unwrap());
    let settled: SettledPeriodRow = scenario.row(&key).unwrap();
    scenario.row(&settled.at).unwrap()
}

/// Claims of classes that the policy does not list, of other currencies, and of contributions
/// that are not in the run, stay as they are.
#[test]
fn only_claims_of_the_run_come_back() {
    let mut scenario = ready();
    scenario.check(
        "provider record other@1 -> ok
         provider claim provider/aa@1 direct 1.00 CNY -> ok
         provider claim provider/aa@1 travel 1.00 CNY -> ok
         provider claim provider/aa@1 direct 1.00 EUR -> ok
         provider claim provider/other@1 direct 1.00 CNY -> ok
         provider claim provider/aa@1 direct 1.00 CNY -> ok
         operator approve 0 1.00 CNY -> ok
         operator approve 1 1.00 CNY -> ok
         operator approve 2 1.00 EUR -> ok
         operator approve 3 1.00 CNY -> ok
         operator freeze solar 2026-01 -> ok
         operator settle solar 2026-01 -> ok",
    );
    let left = ["0", "1", "2", "3", "4"].map(|number| outstanding(&scenario, number));
    assert_eq!(left, [0, 100, 100, 100, 0]);
    assert_eq!(
        settlement(&scenario, "solar", "2026-01").cost_recovered,
        100
    );
    check_sound(&scenario);
}

/// The parties of an owner who has a contribution in the run are all in it, and so is whoever has
/// something carried, wherever it was earned.
#[test]
fn what_is_carried_is_paid_by_whichever_pool_settles() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator admit branch provider owner=lab -> ok
         operator publish plain minimum=500 -> ok
         operator publish free -> ok
         operator open solar -> ok
         operator open wind policies=2026-01:free -> ok
         provider record aa@1 -> ok
         branch record bb@1 -> ok
         payer use solar 2026-01 branch/bb@1 -> ok
         payer post solar 2026-01 receipt 4.99 CNY r1 -> ok
         evaluator value solar 2026-01 branch/bb@1:1 -> ok
         operator freeze solar 2026-01 -> ok
         operator settle solar 2026-01 -> ok",
    );
    let carried = ["carried/branch/CNY 499", "cash/solar/CNY -499"];
    assert_eq!(balances(&scenario), carried);
    scenario.check(
        "payer use wind 2026-02 provider/aa@1 -> ok
         payer post wind 2026-02 receipt 1.00 CNY r1 -> ok
         evaluator value wind 2026-02 provider/aa@1:1 -> ok
         operator freeze wind 2026-02 -> ok
         operator settle wind 2026-02 -> ok",
    );
    let paid = [
        "cash/solar/CNY -499",
        "cash/wind/CNY -100",
        "payable/branch/CNY 499",
        "payable/provider/CNY 100",
    ];
    assert_eq!(balances(&scenario), paid);
    check_sound(&scenario);
}

/// Lays a debt, which restatements will make, by hand.
fn lay_debt(scenario: &mut Scenario, owner: &str, amount: i64) {
    let account = |name: String| name.parse::<Account>().unwrap();
    let postings = vec![
        crate::book::Posting::new(account(format!("debt/{owner}/CNY")), -amount),
        crate::book::Posting::new(account("cash/older/CNY".to_owned()), amount),
    ];
    let view = scenario.view.clone();
    let mut state = State::new(&view);
    assert!(book(&mut state, 1, postings).is_ok());
    scenario.view.apply(&state.into_changes());
}

#[test]
fn the_worked_example_is_booked_to_the_cent() {
    let mut scenario = Scenario::worked_example();
    lay_debt(&mut scenario, "aa", 10_000);
    scenario.check("operator settle solar 2026-10 -> ok");
    let row = settlement(&scenario, "solar", "2026-10");
    assert_eq!(
        (row.net, row.operator_fee, row.cost_recovered),
        (100_003, 5_000, 40_001)
    );
    assert_eq!((row.shared, row.stopped), (50_685, false));
    let booked = [
        "carried/bb/CNY 5994",
        "cash/older/CNY 10000",
        "cash/solar/CNY -100003",
        "operator-fee/solar/CNY 5000",
        "payable/aa/CNY 38509",
        "payable/cc/CNY 17236",
        "payable/ll/CNY 18947",
        "profit-layer/solar/CNY 2667",
        "public-interest/solar/CNY 1650",
    ];
    assert_eq!(balances(&scenario), booked);
    let left = ["0", "1", "2", "3"].map(|number| outstanding(&scenario, number));
    assert_eq!(left, [0, 0, 6_857, 17_142]);
    assert_eq!(check_invariants(&scenario.view).unwrap(), []);
}

#[test]
fn the_next_run_opens_with_what_the_last_one_left() {
    let mut scenario = Scenario::worked_example();
    scenario.check(
        "operator settle solar 2026-10 -> ok
         payer use solar 2026-11 bb/data@1 -> ok
         payer post solar 2026-11 receipt 100.00 CNY r3 -> ok
         evaluator value solar 2026-11 bb/data@1:1 -> ok
         operator freeze solar 2026-11 -> ok
         operator settle solar 2026-11 -> ok",
    );
    let row = settlement(&scenario, "solar", "2026-11");
    // Net 10,000 · fee 500 · budget 4,000 of which B's claim takes all · public 165 · profit layer
    // 5,335 + 2,667 · floor budget 400 · shared 7,602 with a cap of half for the only owner.
    let found = (row.net, row.operator_fee, row.cost_recovered, row.shared);
    assert_eq!(found, (10_000, 500, 4_000, 7_602));
    let booked = balances(&scenario);
    assert!(
        booked.contains(&"payable/bb/CNY 13795".to_owned()),
        "{booked:?}"
    );
    assert!(
        booked.contains(&"profit-layer/solar/CNY 4201".to_owned()),
        "{booked:?}"
    );
    check_sound(&scenario);
}

#[test]
fn a_settlement_replays_to_the_same_rows_and_result() {
    let mut scenario = Scenario::worked_example();
    scenario.check("operator settle solar 2026-10 -> ok");
    let hash = state_hash(&scenario.view).unwrap();
    assert_eq!((scenario.replay(), scenario.replay()), (hash, hash));
    // What is kept is the canonical form of what the run computed.
    let row = settlement(&scenario, "solar", "2026-10");
    let kept = &scenario.attachments[&row.result_hash];
    assert_eq!(ContentHash::of(kept), row.result_hash);
    assert!(kept.ends_with(b"}\n"));
}
