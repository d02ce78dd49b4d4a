//! Declaring use: the list, consent, the policy's limits, adding and replacing.

use crate::domain::{ContributionName, Period, PoolName, UseClass};
use crate::ledger::rules::PERIOD_USES_MAX;
use crate::ledger::settling::{RUN_ANCESTORS_MAX, RUN_CONTRIBUTIONS_MAX, with_ancestors};
use crate::ledger::testing::Scenario;
use crate::ledger::{
    ContributionNameRow, ContributionRow, Locator, ParentRow, PeriodRow, State, find,
};

fn scenario() -> Scenario {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator admit other payer -> ok
         operator publish plain -> ok
         operator open solar -> ok
         provider record-many aa@1 bb@1 cc@1 -> ok",
    );
    scenario
}

/// Shows the uses of a month: name, class and units.
fn uses(scenario: &Scenario, month: &str) -> String {
    let state = State::new(&scenario.view);
    let pool: PoolName = "solar".parse().unwrap();
    let period: Period = month.parse().unwrap();
    let rows = find::uses(&state, &pool, period).unwrap();
    let counted = scenario
        .row::<PeriodRow>(&(pool, period))
        .map(|row| row.uses);
    assert_eq!(counted.unwrap_or(0), rows.len() as u64);
    let shown = rows.iter().map(|row| {
        let name = find::recorded(&state, row.contribution).unwrap().name;
        let class = match row.class {
            UseClass::Commercial => "",
            UseClass::Research => " research",
            UseClass::PublicInterest => " public",
        };
        format!("{}{class} {}", name.dataset, row.units)
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[test]
fn the_payer_declares_and_nobody_else() {
    let mut scenario = scenario();
    scenario.check(
        "payer use wind 2026-01 provider/aa@1 -> NOT_FOUND
         other use solar 2026-01 provider/aa@1 -> NOT_FOUND
         operator use solar 2026-01 provider/aa@1 -> NOT_PERMITTED
         payer use solar 2025-12 provider/aa@1 -> PERIOD_MISMATCH
         payer use solar 2026-Q1 provider/aa@1 -> PERIOD_MISMATCH
         payer use solar 2026-Q1 provider/none@1 -> NOT_FOUND use_list:1
         payer use solar 2026-01 provider/aa@1 -> ok",
    );
}

#[test]
fn a_list_is_stored_and_of_its_form() {
    let mut scenario = scenario();
    scenario.check(
        "payer use solar 2026-01 list=missing -> ATTACHMENT_MISSING
         payer use solar 2025-12 list=missing -> PERIOD_MISMATCH
         payer use solar 2026-01 raw=abc -> ATTACHMENT_INVALID use_list:1
         payer use solar 2025-12 raw=abc -> PERIOD_MISMATCH
         payer use solar 2026-01 provider/aa@1 provider/aa@1 -> ATTACHMENT_INVALID use_list:2
         payer use solar 2026-01 -> ATTACHMENT_INVALID use_list
         payer use solar 2026-01 mode=replace -> ok
         payer use solar 2026-01 lab/x1@1 -> NOT_FOUND use_list:1
         payer use solar 2026-01 lab/x1@1 lab/x2@1 -> NOT_FOUND use_list:1 use_list:2",
    );
}

#[test]
fn declarations_add_up_or_replace() {
    let mut scenario = scenario();
    scenario.check(
        "payer use solar 2026-01 provider/bb@1:5 -> ok
         payer use solar 2026-01 provider/aa@1 provider/bb@1:7 -> ok
         payer use solar 2026-01 provider/bb@1:1 class=public_interest -> ok
         payer use solar 2026-01 provider/cc@1 class=research -> ok
         payer use solar 2026-02 provider/cc@1:3 -> ok",
    );
    let expected = "aa 0, bb 12, bb public 1, cc research 0";
    assert_eq!(uses(&scenario, "2026-01"), expected);
    scenario.check("payer use solar 2026-01 provider/bb@1:2 mode=replace -> ok");
    assert_eq!(uses(&scenario, "2026-01"), "bb 2");
    assert_eq!(uses(&scenario, "2026-02"), "cc 3");
    scenario.check("payer use solar 2026-01 mode=replace -> ok");
    assert_eq!(uses(&scenario, "2026-01"), "");
}

#[test]
fn units_add_up_within_sixty_four_bits() {
    let mut scenario = scenario();
    let most = u64::MAX;
    scenario.check(&format!(
        "payer use solar 2026-01 provider/aa@1:{most} -> ok
         payer use solar 2026-01 provider/aa@1:1 -> AMOUNT_OUT_OF_RANGE use_list:1
         payer use solar 2026-01 provider/aa@1:1 class=research -> ok
         payer use solar 2026-01 provider/aa@1:1 mode=replace -> ok"
    ));
    assert_eq!(uses(&scenario, "2026-01"), "aa 1");
}

#[test]
fn use_needs_consent_for_pool_policy_and_period() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator publish plain -> ok
         operator publish later fee=1 -> ok
         operator open solar policies=2026-01:plain,2026-06:later -> ok
         operator open wind -> ok
         provider record any@1 -> ok
         provider record asked@1 pools=granted -> ok
         payer use solar 2026-01 provider/asked@1 -> CONSENT_MISSING use_list:1
         provider grant provider/asked@1 pool solar 2026-02 policy=plain -> ok
         payer use solar 2026-01 provider/asked@1 -> CONSENT_MISSING use_list:1
         payer use solar 2026-02 provider/asked@1 -> ok
         payer use wind 2026-02 provider/asked@1 -> CONSENT_MISSING use_list:1
         payer use solar 2026-06 provider/asked@1 -> CONSENT_MISSING use_list:1
         provider grant provider/asked@1 pool solar 2026-06 -> ok
         payer use solar 2026-06 provider/asked@1 -> ok
         provider ungrant provider/asked@1 pool solar 2026-07 -> ok
         payer use solar 2026-06 provider/asked@1 mode=replace -> ok
         payer use solar 2026-07 provider/asked@1 -> CONSENT_MISSING use_list:1
         provider withdraw provider/any@1 2026-03 -> ok
         payer use solar 2026-02 provider/any@1 -> ok
         payer use solar 2026-03 provider/any@1 -> WITHDRAWN use_list:1
         provider withdraw provider/asked@1 2026-03 -> ok
         payer use solar 2026-08 provider/asked@1 -> CONSENT_MISSING use_list:1",
    );
}

#[test]
fn a_tighter_policy_refuses_the_use() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator publish stack stack=3000 -> ok
         operator publish depth depth=1 -> ok
         operator publish both stack=3000 depth=1 -> ok
         operator open stack policies=2026-01:stack -> ok
         operator open depth policies=2026-01:depth -> ok
         operator open both policies=2026-01:both -> ok
         provider record root@1 -> ok
         provider record low@1 from=provider/root@1:3000 -> ok
         provider record high@1 from=provider/root@1:3001 -> ok
         provider record sum@1 from=provider/root@1:1500,provider/low@1:1501 -> ok
         provider record over@1 from=provider/high@1:1 -> ok
         payer use stack 2026-01 provider/low@1 -> ok
         payer use stack 2026-01 provider/high@1 -> UPSTREAM_TOO_HIGH use_list:1
         payer use stack 2026-01 provider/sum@1 -> UPSTREAM_TOO_HIGH use_list:1
         payer use stack 2026-01 provider/over@1 -> UPSTREAM_TOO_HIGH use_list:1
         payer use depth 2026-01 provider/low@1 provider/high@1 -> ok
         payer use depth 2026-01 provider/over@1 -> DERIVATION_TOO_DEEP use_list:1
         payer use both 2026-01 provider/over@1 -> UPSTREAM_TOO_HIGH use_list:1 use_list:1",
    );
}

#[test]
fn every_line_that_reaches_too_high_a_stack_is_named() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator publish plain stack=100 -> ok
         operator open solar -> ok
         provider record root@1 -> ok
         provider record high@1 from=provider/root@1:101 -> ok
         provider record-many aa@1 bb@1 from=provider/high@1:1 -> ok
         payer use solar 2026-01 provider/root@1 -> ok
         payer use solar 2026-01 provider/aa@1 provider/bb@1 -> \
            UPSTREAM_TOO_HIGH use_list:1 use_list:2
         payer use solar 2026-01 provider/aa@1 provider/bb@1 provider/high@1 -> \
            UPSTREAM_TOO_HIGH use_list:1 use_list:2 use_list:3",
    );
}

#[test]
fn a_period_has_a_most_of_uses() {
    let mut scenario = scenario();
    scenario.check("payer use solar 2026-01 provider/aa@1 -> ok");
    // So many uses take too long to declare in a test: the count is laid down by hand.
    let key: (PoolName, Period) = ("solar".parse().unwrap(), "2026-01".parse().unwrap());
    let row: PeriodRow = scenario.row(&key).unwrap();
    let view = scenario.view.clone();
    let mut state = State::new(&view);
    let uses = PERIOD_USES_MAX - 1;
    state.put(&key, &PeriodRow { uses, ..row });
    scenario.view.apply(&state.into_changes());
    scenario.check(
        "payer use solar 2026-01 provider/bb@1 provider/cc@1 -> ATTACHMENT_INVALID use_list
         payer use solar 2026-01 provider/bb@1 -> ok
         payer use solar 2026-01 provider/aa@1 -> ok
         payer use solar 2026-01 provider/cc@1 -> ATTACHMENT_INVALID use_list
         payer use solar 2026-01 provider/cc@1 mode=replace -> ok",
    );
}

#[test]
fn of_many_faults_the_first_hundred_are_listed_and_all_are_counted() {
    let mut scenario = scenario();
    let names: Vec<_> = (1..=150)
        .map(|number| format!("lab/none@{number}"))
        .collect();
    let line = format!("use solar 2026-01 {}", names.join(" "));
    let action = crate::ledger::testing::action(&mut scenario, "payer", &line);
    let rejection = scenario.submit("payer", action).unwrap_err();
    assert_eq!(rejection.violations.len(), 100);
    assert_eq!(rejection.facts, [("violations", "150".to_owned())]);
}

/// Makes a contribution derive from `count` others, each of which derives from up to 64 more. They
/// are laid down by hand: so many take too long to record in a test.
fn lay_down_ancestors(scenario: &mut Scenario, child: &str, count: u64) {
    let name: ContributionName = child.parse().unwrap();
    let child = scenario.row::<ContributionNameRow>(&name).unwrap().at;
    let row: ContributionRow = scenario.row(&child).unwrap();
    let place = |number: u64| match number {
        0 => child,
        _ => Locator {
            index: 1_000_000 + number,
            number: 0,
        },
    };
    let view = scenario.view.clone();
    let mut state = State::new(&view);
    for number in 0..=count {
        let above = number * 64 + 1..(number + 1) * 64 + 1;
        let parent = |above| ParentRow {
            at: place(above),
            upstream_bps: 1,
        };
        let above = above.take_while(|above| *above <= count);
        let row = ContributionRow {
            parents: above.map(parent).collect(),
            generation: 1,
            ..row.clone()
        };
        state.put(&place(number), &row);
    }
    scenario.view.apply(&state.into_changes());
}

#[test]
fn what_is_in_use_derives_from_so_many_contributions_and_no_more() {
    let together = RUN_ANCESTORS_MAX as u64 + PERIOD_USES_MAX;
    assert_eq!(RUN_CONTRIBUTIONS_MAX as u64, together);
    let most = RUN_ANCESTORS_MAX as u64;
    for (ancestors, answer) in [(most, "ok"), (most + 1, "ATTACHMENT_INVALID use_list")] {
        let mut scenario = scenario();
        // The one looks at every ancestor for the policy's limit besides, the other does not.
        scenario.check(
            "operator publish stack stack=3000 -> ok
             operator open stack policies=2026-01:stack -> ok",
        );
        lay_down_ancestors(&mut scenario, "provider/aa@1", ancestors);
        for pool in ["stack", "solar"] {
            scenario.check(&format!(
                "payer use {pool} 2026-01 provider/bb@1 -> ok
                 payer use {pool} 2026-01 provider/aa@1 -> {answer}
                 payer use {pool} 2026-01 provider/cc@1 -> ok"
            ));
        }
    }
}

#[test]
fn a_run_is_given_up_beyond_its_most() {
    let mut scenario = scenario();
    lay_down_ancestors(&mut scenario, "provider/aa@1", 200);
    let name: ContributionName = "provider/aa@1".parse().unwrap();
    let at = scenario.row::<ContributionNameRow>(&name).unwrap().at;
    let state = State::new(&scenario.view);
    let run = with_ancestors(&state, [at], 201).unwrap();
    assert_eq!(run.unwrap().len(), 201);
    assert!(with_ancestors(&state, [at], 200).unwrap().is_none());
}
