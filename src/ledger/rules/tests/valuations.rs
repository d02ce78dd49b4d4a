//! Importing weights: every refusal, and which of two comes first.

use crate::ledger::testing::Scenario;
use crate::ledger::{ValuationRow, check_invariants};

fn scenario() -> Scenario {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator admit second evaluator -> ok
         operator publish plain -> ok
         operator open solar validation=digits -> ok
         operator open wind -> ok
         provider record-many old@1 aa@1 bb@1 young@1 -> ok
         payer use solar 2026-01 provider/aa@1 provider/bb@1 -> ok
         payer use wind 2026-01 provider/aa@1 -> ok",
    );
    scenario
}

#[test]
fn weights_are_imported_by_the_pools_evaluator() {
    let mut scenario = scenario();
    scenario.check(
        "provider value solar 2026-01 provider/aa@1:1 provider/bb@1:3 -> NOT_PERMITTED
         second value solar 2026-01 provider/aa@1:1 provider/bb@1:3 -> NOT_FOUND
         evaluator value none 2026-01 provider/aa@1:1 provider/bb@1:3 -> NOT_FOUND
         evaluator value solar 2026-Q1 provider/aa@1:1 provider/bb@1:3 -> PERIOD_MISMATCH
         evaluator value solar 2025-12 provider/aa@1:1 provider/bb@1:3 -> PERIOD_MISMATCH
         evaluator value solar 2026-01 provider/aa@1:1 provider/bb@1:3 -> ok
         evaluator !again -> again at 14
         evaluator value solar 2026-01 provider/aa@1:-1 provider/bb@1:0 -> ok",
    );
    let at = crate::ledger::Locator {
        index: 14,
        number: 0,
    };
    let row: ValuationRow = scenario.row(&at).unwrap();
    assert_eq!(
        (row.id, row.method.as_str()),
        (scenario.valuation(0), "metered")
    );
    assert_eq!(check_invariants(&scenario.view).unwrap(), []);
}

#[test]
fn a_table_says_what_its_command_says() {
    let mut scenario = scenario();
    let base = "evaluator value solar 2026-01 provider/aa@1:1 provider/bb@1:3 validation=digits";
    for (field, answer) in [
        ("missing", "ATTACHMENT_MISSING"),
        ("bytes", "ATTACHMENT_INVALID table"),
        ("pool", "ATTACHMENT_INVALID table.pool"),
        ("period", "ATTACHMENT_INVALID table.period"),
        ("method", "ATTACHMENT_INVALID table.method"),
        ("parameters", "ATTACHMENT_INVALID table.parameters"),
        ("rules", "ATTACHMENT_INVALID table.rules"),
        ("inputs", "ATTACHMENT_INVALID table.inputs"),
        ("weight", "ATTACHMENT_INVALID table.contributions.weight"),
        ("owner", "VALUATION_MISMATCH table.contributions[0]"),
    ] {
        assert_eq!(
            scenario.run(&format!("{base} spoil={field}")),
            answer,
            "{field}"
        );
    }
    assert_eq!(scenario.run(base), "ok");
}

#[test]
fn a_validation_set_is_the_pools() {
    let mut scenario = scenario();
    let knn = "method=row-knn-shapley";
    let solar = "evaluator value solar 2026-01 provider/aa@1:1 provider/bb@1:3";
    let wind = "evaluator value wind 2026-01 provider/aa@1:1";
    for (line, answer) in [
        (format!("{solar} {knn}"), "VALUATION_MISMATCH"),
        (format!("{solar} validation=letters"), "VALUATION_MISMATCH"),
        (format!("{wind} validation=digits"), "VALUATION_MISMATCH"),
        (
            format!("{wind} {knn} validation=digits"),
            "VALUATION_MISMATCH",
        ),
        (format!("{wind} {knn}"), "VALUATION_MISMATCH"),
        (wind.to_owned(), "ok"),
        (format!("{solar} {knn} validation=digits"), "ok"),
    ] {
        assert_eq!(scenario.run(&line), answer, "{line}");
    }
}

#[test]
fn a_table_has_the_contributions_in_use_and_earlier_holders_of_their_rows() {
    let mut scenario = scenario();
    scenario.check(
        "evaluator value solar 2026-01 provider/aa@1:1 -> VALUATION_MISMATCH table.contributions
         evaluator value solar 2026-01 -> VALUATION_MISMATCH table.contributions \
            table.contributions
         evaluator value wind 2026-01 provider/none@1:1 -> VALUATION_MISMATCH \
            table.contributions[0] table.contributions
         evaluator value wind 2026-02 provider/aa@1:1 -> VALUATION_MISMATCH table.contributions[0]
         evaluator value wind 2026-02 -> ok",
    );
    let with = |name: &str, rule: &str| {
        format!("evaluator value wind 2026-01 provider/aa@1:1 provider/{name}@1:1 {rule}")
    };
    let refused = |answer: String| answer.starts_with("VALUATION_MISMATCH table.contributions[");
    assert!(refused(scenario.run(&with("old", ""))));
    assert!(refused(scenario.run(&with("young", ""))));
    assert!(refused(scenario.run(&with("young", "duplicates=first"))));
    assert!(refused(scenario.run(&with("young", "duplicates=last"))));
    assert_eq!(scenario.run(&with("old", "duplicates=first")), "ok");
    assert_eq!(scenario.run(&with("young", "duplicates=equal")), "ok");
    assert_eq!(scenario.run(&with("young", "duplicates=pro_rata")), "ok");
    scenario.check(
        "payer use wind 2026-03 provider/aa@1 class=public_interest -> ok
         evaluator value wind 2026-03 provider/aa@1:1 -> VALUATION_MISMATCH table.contributions[0]
         payer use wind 2026-03 provider/aa@1 class=research -> ok
         evaluator value wind 2026-03 provider/aa@1:1 -> ok",
    );
}

#[test]
fn weights_come_until_the_period_is_settled() {
    let mut scenario = scenario();
    scenario.check(
        "payer post wind 2026-01 receipt 1.00 CNY r1 -> ok
         operator freeze wind 2026-01 -> ok
         evaluator value wind 2026-01 provider/aa@1:1 -> ok
         operator settle wind 2026-01 -> ok
         evaluator value wind 2026-01 provider/aa@1:1 -> PERIOD_CLOSED
         evaluator value wind 2026-01 provider/aa@1:1 spoil=missing -> PERIOD_CLOSED",
    );
}
