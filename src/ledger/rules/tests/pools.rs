//! Policies, pools, revenue and the sealing of periods.

use crate::domain::{Period, PoolName};
use crate::ledger::testing::Scenario;
use crate::ledger::{PeriodRow, PeriodState, PoolRow, state_hash};

/// Returns a ledger with the pool `solar` and a second payer.
fn scenario() -> Scenario {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator admit other payer -> ok
         operator publish plain -> ok
         operator open solar -> ok",
    );
    scenario
}

fn period(scenario: &Scenario, period: &str) -> PeriodRow {
    let pool: PoolName = "solar".parse().unwrap();
    let period: Period = period.parse().unwrap();
    scenario.row(&(pool, period)).unwrap()
}

#[test]
fn a_policy_is_published_once_and_its_name_is_no_key() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator publish plain -> ok
         operator publish plain -> NAME_TAKEN
         operator publish other -> ok
         operator publish plain fee=500 -> ok
         operator publish plain fee=10001 classes=aa,aa -> INVALID_ARGUMENT \
            publish_policy.policy.operator_fee.bps \
            publish_policy.policy.cost_recovery.classes[1]
         payer publish third -> NOT_PERMITTED",
    );
}

#[test]
fn a_pool_names_what_exists() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator publish plain -> ok
         operator open solar policies= -> INVALID_ARGUMENT open_pool.policies
         operator open solar policies=2026-02:plain,2026-01:plain -> \
            INVALID_ARGUMENT open_pool.policies
         operator open solar policies=2026-02:plain,2026-02:plain -> \
            INVALID_ARGUMENT open_pool.policies
         operator open solar payer=ghost evaluator=nobody policies=2026-01:none -> NOT_FOUND \
            open_pool.policies[0].policy_hash open_pool.payer open_pool.evaluator
         operator open solar payer=lab evaluator=payer -> ROLE_MISSING open_pool.payer \
            open_pool.evaluator
         operator open solar policies=2026-01:plain,2026-Q2:plain -> PERIOD_MISMATCH \
            open_pool.policies[1].from_period
         operator open solar kind=quarter -> PERIOD_MISMATCH open_pool.policies[0].from_period
         operator open solar -> ok
         operator open solar payer=lab -> NAME_TAKEN open_pool.name open_pool.payer
         operator open solar payer=ghost -> NOT_FOUND open_pool.payer open_pool.name
         operator open wind kind=quarter policies=2026-Q1:plain -> ok
         payer open third -> NOT_PERMITTED",
    );
}

#[test]
fn the_policy_of_a_period_is_the_last_that_has_begun() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator publish plain -> ok
         operator publish later fee=1 -> ok
         operator open solar policies=2026-03:plain,2026-06:later -> ok",
    );
    let pool: PoolRow = scenario.row(&"solar".parse().unwrap()).unwrap();
    let policy = |period: &str| pool.policy_of(&period.parse().unwrap());
    assert_eq!(policy("2026-02"), None);
    assert_eq!(policy("2026-03"), Some(scenario.policy("plain")));
    assert_eq!(policy("2026-05"), Some(scenario.policy("plain")));
    assert_eq!(policy("2026-06"), Some(scenario.policy("later")));
    assert_eq!(policy("2031-01"), Some(scenario.policy("later")));
    assert_eq!((policy("2026-Q3"), policy("2027")), (None, None));
}

#[test]
fn revenue_is_posted_by_payer_or_operator_under_a_reference_of_its_own() {
    let mut scenario = scenario();
    scenario.check(
        "payer post solar 2026-01 receipt 10.50 CNY r1 -> ok
         operator post solar 2026-01 refund 3.00 CNY r2 -> ok
         payer post solar 2026-02 receipt 7.00 CNY r3 -> ok
         payer post solar 2026-01 chargeback 20.00 CNY r4 -> ok
         other post solar 2026-01 receipt 1.00 CNY r5 -> NOT_FOUND
         operator post wind 2026-01 receipt 1.00 CNY r5 -> NOT_FOUND
         payer post wind 2026-01 receipt 1.00 CNY r5 -> NOT_FOUND
         provider post solar 2026-01 receipt 1.00 CNY r5 -> NOT_PERMITTED
         payer post solar 2026-01 receipt 0.00 CNY r5 -> INVALID_ARGUMENT post_revenue.amount
         payer post solar 2026-01 receipt -1.00 CNY r5 -> INVALID_ARGUMENT post_revenue.amount
         payer post solar 2026-01 receipt 1.00 EUR r1 -> CURRENCY_MISMATCH
         payer post solar 2025-12 receipt 1.00 CNY r1 -> PERIOD_MISMATCH
         payer post solar 2026-Q1 receipt 1.00 CNY r5 -> PERIOD_MISMATCH
         payer post solar 2026-03 receipt 1.00 CNY r1 -> REFERENCE_TAKEN
         operator open wind -> ok
         payer post wind 2026-01 receipt 1.00 CNY r1 -> ok",
    );
    let january = period(&scenario, "2026-01");
    assert_eq!((january.receipts, january.taken_back), (1_050, 2_300));
    assert_eq!(january.revenue_sum(), -1_250);
    let pool: PoolName = "solar".parse().unwrap();
    let state = crate::ledger::State::new(&scenario.view);
    let revenue = crate::ledger::find::revenue(&state, &pool, &january).unwrap();
    let references: Vec<_> = revenue
        .iter()
        .map(|(_, row)| row.reference.as_str())
        .collect();
    assert_eq!(references, ["r1", "r2", "r4"]);
}

#[test]
fn sums_of_revenue_stay_within_sixty_four_bits() {
    let mut scenario = scenario();
    let most = "92233720368547758.07";
    scenario.check(&format!(
        "payer post solar 2026-01 receipt {most} CNY r1 -> ok
         payer post solar 2026-01 receipt 0.01 CNY r2 -> AMOUNT_OUT_OF_RANGE
         payer post solar 2026-01 receipt 0.01 CNY r1 -> AMOUNT_OUT_OF_RANGE
         payer post solar 2026-01 refund {most} CNY r2 -> ok
         payer post solar 2026-01 chargeback 0.01 CNY r3 -> AMOUNT_OUT_OF_RANGE
         payer post solar 2026-02 receipt {most} CNY r3 -> ok"
    ));
    assert_eq!(period(&scenario, "2026-01").revenue_sum(), 0);
}

#[test]
fn periods_are_frozen_in_their_order_and_take_nothing_then() {
    let mut scenario = scenario();
    scenario.check(
        "provider record digits@1 -> ok
         payer post solar 2026-02 receipt 1.00 CNY r1 -> ok
         payer use solar 2026-03 provider/digits@1 -> ok
         operator freeze wind 2026-01 -> NOT_FOUND
         payer freeze solar 2026-02 -> NOT_PERMITTED
         operator freeze solar 2025-12 -> PERIOD_MISMATCH
         operator freeze solar 2026 -> PERIOD_MISMATCH
         operator freeze solar 2026-03 -> EARLIER_PERIOD_OPEN
         operator freeze solar 2026-02 -> ok
         operator freeze solar 2026-02 -> PERIOD_CLOSED
         operator freeze solar 2026-01 -> PERIOD_CLOSED
         payer post solar 2026-02 receipt 1.00 CNY r1 -> PERIOD_CLOSED
         operator post solar 2026-01 receipt 1.00 CNY r2 -> PERIOD_CLOSED
         payer use solar 2026-02 provider/digits@1 -> PERIOD_CLOSED
         payer use solar 2026-02 list=missing -> PERIOD_CLOSED
         operator freeze solar 2026-05 -> EARLIER_PERIOD_OPEN
         payer use solar 2026-03 mode=replace -> ok
         operator freeze solar 2026-05 -> ok
         payer post solar 2026-04 receipt 1.00 CNY r2 -> PERIOD_CLOSED
         payer post solar 2026-06 receipt 1.00 CNY r2 -> ok",
    );
    let frozen = period(&scenario, "2026-02");
    assert_eq!(frozen.state, PeriodState::Frozen { at: 13 });
    assert_eq!(period(&scenario, "2026-03").state, PeriodState::Open);
    let pool: PoolRow = scenario.row(&"solar".parse().unwrap()).unwrap();
    assert_eq!(pool.frozen_through, Some("2026-05".parse().unwrap()));
}

#[test]
fn pools_replay_to_the_same_rows() {
    let mut scenario = scenario();
    scenario.check(
        "provider record digits@1 -> ok
         payer post solar 2026-02 receipt 1.00 CNY r1 -> ok
         payer use solar 2026-02 provider/digits@1:5 -> ok
         payer use solar 2026-02 provider/digits@1:5 class=research -> ok
         payer use solar 2026-02 provider/digits@1:7 mode=replace -> ok
         provider claim provider/digits@1 direct 5.00 CNY -> ok
         operator approve 0 4.00 CNY -> ok
         operator freeze solar 2026-02 -> ok",
    );
    assert_eq!(scenario.replay(), state_hash(&scenario.view).unwrap());
}

#[test]
fn an_entry_of_a_pool_takes_few_rows() {
    let mut scenario = scenario();
    let rows = |scenario: &mut Scenario, line: &str| {
        let before = scenario.view.len();
        assert_eq!(scenario.run(line), "ok", "{line}");
        scenario.view.len() - before
    };
    assert_eq!(rows(&mut scenario, "operator publish third fee=1"), 3);
    assert_eq!(rows(&mut scenario, "operator open wind"), 3);
    let post = "payer post wind 2026-01 receipt 1.00 CNY r1";
    // Two of them are postings, and the first post opens two accounts.
    assert_eq!(rows(&mut scenario, post), 8);
    assert_eq!(rows(&mut scenario, &post.replace("r1", "r2")), 5);
    assert_eq!(rows(&mut scenario, "provider record digits@1"), 4);
    let declare = "payer use wind 2026-01 provider/digits@1";
    assert_eq!(rows(&mut scenario, declare), 2);
    assert_eq!(rows(&mut scenario, declare), 1);
    let claim = "provider claim provider/digits@1 direct 1.00 CNY";
    assert_eq!(rows(&mut scenario, claim), 3);
    assert_eq!(rows(&mut scenario, "operator approve 0 1.00 CNY"), 1);
    assert_eq!(rows(&mut scenario, "operator freeze wind 2026-01"), 1);
}
