//! Whatever was used, posted, claimed and valued, month after month in two pools: every period
//! that is frozen and valued can be settled, and the book holds to its invariants.

use proptest::prelude::*;

use crate::domain::PoolName;
use crate::ledger::testing::Scenario;
use crate::ledger::{PoolRow, check_invariants, state_hash};

const CONTRIBUTIONS: [&str; 5] = [
    "provider/data@1",
    "provider/data@2",
    "lab/data@1",
    "branch/data@1",
    "lab/merged@1",
];

/// What a pool takes in during one month.
#[derive(Debug, Clone)]
struct Month {
    /// The contributions used, by number, each with its value.
    used: Vec<(usize, i32)>,
    /// Money in, in cents.
    receipts: Vec<u32>,
    /// Money back, in cents.
    refunds: Vec<u32>,
    /// Costs, by the number of the contribution: what is claimed, and what of it is approved.
    claims: Vec<(usize, u32, u32)>,
}

fn month() -> impl Strategy<Value = Month> {
    let contribution = 0..CONTRIBUTIONS.len();
    let used = prop::collection::btree_map(contribution.clone(), -20..100_i32, 0..5);
    let cents = |count| prop::collection::vec(1..100_000_u32, 0..count);
    let claims = prop::collection::vec((contribution, 1..50_000_u32, 0..50_000_u32), 0..3);
    (used, cents(4), cents(3), claims).prop_map(|(used, receipts, refunds, claims)| Month {
        used: used.into_iter().collect(),
        receipts,
        refunds,
        claims,
    })
}

fn scenario() -> Scenario {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator admit branch provider owner=lab -> ok
         operator publish plain fee=333 classes=direct,travel public=250 floor=700 cap=4500 \
            offset=5000 minimum=9000 -> ok
         operator publish bare -> ok
         operator open solar -> ok
         operator open wind policies=2026-01:bare,2026-03:plain -> ok
         provider record-many data@1 data@2 -> ok
         lab record data@1 from=provider/data@1:3333 -> ok
         branch record data@1 from=provider/data@2:1 -> ok
         lab record merged@1 from=lab/data@1:5000,branch/data@1:2500 -> ok",
    );
    scenario
}

fn cents(amount: u32) -> String {
    format!("{}.{:02} CNY", amount / 100, amount % 100)
}

/// Runs a line that must be accepted.
fn accept(scenario: &mut Scenario, line: &str) -> Result<(), TestCaseError> {
    let answer = scenario.run(line);
    prop_assert_eq!(&answer, "ok", "{}", line);
    Ok(())
}

fn take_in(
    scenario: &mut Scenario,
    pool: &str,
    period: &str,
    month: &Month,
    claims: &mut usize,
) -> Result<(), TestCaseError> {
    let name = |number: &usize| CONTRIBUTIONS[*number];
    if !month.used.is_empty() {
        let used: Vec<_> = month.used.iter().map(|(number, _)| name(number)).collect();
        accept(
            scenario,
            &format!("payer use {pool} {period} {}", used.join(" ")),
        )?;
    }
    for (kind, amounts) in [("receipt", &month.receipts), ("refund", &month.refunds)] {
        for (number, amount) in amounts.iter().enumerate() {
            let (amount, reference) = (cents(*amount), format!("{kind}-{period}-{number}"));
            let line = format!("payer post {pool} {period} {kind} {amount} {reference}");
            accept(scenario, &line)?;
        }
    }
    for (number, claimed, approved) in &month.claims {
        let (party, _) = name(number).split_once('/').unwrap();
        let class = ["direct", "travel", "unlisted"][*claims % 3];
        let amount = cents(*claimed);
        accept(
            scenario,
            &format!("{party} claim {} {class} {amount}", name(number)),
        )?;
        let approved = cents(*approved.min(claimed));
        accept(scenario, &format!("operator approve {claims} {approved}"))?;
        *claims += 1;
    }
    let values = month
        .used
        .iter()
        .map(|(number, value)| format!("{}:{value}", name(number)));
    let values: Vec<_> = values.collect();
    accept(
        scenario,
        &format!("evaluator value {pool} {period} {}", values.join(" ")),
    )?;
    accept(scenario, &format!("operator freeze {pool} {period}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_money_keeps_the_book(months in prop::collection::vec((month(), month()), 1..5)) {
        let mut scenario = scenario();
        let id = |pool: &str| {
            let pool: PoolName = pool.parse().unwrap();
            scenario.row::<PoolRow>(&pool).unwrap().id
        };
        let solar_first = id("solar") < id("wind");
        let mut claims = 0;
        for (number, (solar, wind)) in months.iter().enumerate() {
            let period = format!("2026-{:02}", number + 1);
            take_in(&mut scenario, "solar", &period, solar, &mut claims)?;
            take_in(&mut scenario, "wind", &period, wind, &mut claims)?;
            let mut pools = [("solar", number * 2), ("wind", number * 2 + 1)];
            if !solar_first {
                pools.reverse();
            }
            for (pool, valuation) in pools {
                let line = format!("operator settle {pool} {period} valuation={valuation}");
                accept(&mut scenario, &line)?;
                prop_assert_eq!(check_invariants(&scenario.view).unwrap(), vec![]);
            }
        }
        prop_assert_eq!(scenario.replay(), state_hash(&scenario.view).unwrap());
    }
}
