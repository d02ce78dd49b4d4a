//! Reads of pools, policies, uses, revenue and claims: who sees what, and how lists go on.

use super::tests::{CALLERS, caller, text};
use crate::domain::{Period, PoolName};
use crate::ledger::query::*;
use crate::ledger::testing::Scenario;

fn scenario() -> Scenario {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "operator admit other payer evaluator -> ok
         operator publish plain -> ok
         operator publish later fee=1 -> ok
         operator open solar -> ok
         operator open wind payer=other -> ok
         provider record-many aa@1 bb@1 cc@1 -> ok
         payer use solar 2026-02 provider/cc@1:3 -> ok
         payer use solar 2026-01 provider/cc@1:3 provider/aa@1 -> ok
         payer use solar 2026-01 provider/aa@1:9 class=public_interest -> ok
         payer post solar 2026-01 receipt 5.00 CNY r1 -> ok
         payer post solar 2026-02 receipt 6.00 CNY r2 -> ok
         operator post solar 2026-01 refund 1.50 CNY r3 -> ok
         other post wind 2026-01 receipt 1.00 CNY r1 -> ok
         provider claim provider/aa@1 direct 5.00 CNY -> ok
         provider claim provider/bb@1 labelling 6.00 CNY -> ok
         operator approve 0 4.00 CNY -> ok
         operator freeze solar 2026-01 -> ok",
    );
    scenario
}

fn start(scenario: &Scenario) -> Cursor {
    Cursor::start(scenario.accepted.len() as u64)
}

fn solar() -> PoolName {
    "solar".parse().unwrap()
}

/// Turns all pages of a list, of `limit` items each, and joins what they show.
fn all<T>(
    scenario: &Scenario,
    show: impl Fn(&T) -> String,
    turn: impl Fn(Cursor) -> Page<T>,
) -> String {
    let mut cursor = start(scenario);
    let mut shown = Vec::new();
    loop {
        let page = turn(cursor);
        shown.extend(page.items.iter().map(&show));
        match page.next {
            Some(next) => cursor = next,
            None => return shown.join(" "),
        }
    }
}

#[test]
fn pools_are_seen_by_their_payer_and_evaluator() {
    let scenario = scenario();
    let mut found = String::from("\n");
    for name in CALLERS.into_iter().chain(["other"]) {
        let caller = caller(&scenario, name);
        let show = |pool: &Pool| pool.name.to_string();
        let listed = all(&scenario, show, |cursor| {
            pools(&scenario.view, &caller, cursor, 1).unwrap()
        });
        found.push_str(&format!("{name}: {listed}\n"));
        for pool_name in ["solar", "wind", "none"] {
            let one = pool(&scenario.view, &caller, &pool_name.parse().unwrap());
            let seen = text(one, |pool| pool.name.to_string());
            let expected = listed.split(' ').find(|listed| *listed == pool_name);
            assert_eq!(seen, expected.unwrap_or("NOT_FOUND"), "{name}");
        }
    }
    let expected = "
operator: wind solar
auditor: wind solar
provider: 
lab: 
payer: solar
evaluator: wind solar
service: 
other: wind
";
    assert_eq!(found, expected);
}

#[test]
fn a_pool_is_shown_with_its_periods() {
    let scenario = scenario();
    let caller = caller(&scenario, "payer");
    let Ok(found) = pool(&scenario.view, &caller, &solar()) else {
        panic!("not found");
    };
    let periods = found.periods.iter();
    let shown: Vec<_> = periods
        .map(|row| {
            let (period, state) = (row.period, row.state);
            format!("{period} {state:?} {} {}", row.uses, row.revenue_sum())
        })
        .collect();
    let expected = ["2026-02 Open 1 600", "2026-01 Frozen { at: 23 } 3 350"];
    assert_eq!(shown, expected);
}

#[test]
fn a_pool_shows_a_most_of_periods() {
    let mut scenario = scenario();
    for month in 0..PERIODS_SHOWN_MAX {
        let (year, month) = (2030 + month / 12, month % 12 + 1);
        let line = format!("payer post solar {year}-{month:02} receipt 1.00 CNY x{year}-{month}");
        assert_eq!(scenario.run(&line), "ok");
    }
    let Ok(found) = pool(&scenario.view, &caller(&scenario, "payer"), &solar()) else {
        panic!("not found");
    };
    assert_eq!(found.periods.len(), PERIODS_SHOWN_MAX);
    assert_eq!(found.periods[0].period.to_string(), "2038-04");
}

#[test]
fn policies_are_read_by_everybody() {
    let scenario = scenario();
    let hash = scenario.policy("plain").to_string();
    for name in CALLERS {
        let caller = caller(&scenario, name);
        let show = |policy: &PublishedPolicy| policy.row.policy.name.to_string();
        let listed = all(&scenario, show, |cursor| {
            policies(&scenario.view, &caller, cursor, 1).unwrap()
        });
        assert_eq!(listed, "later plain");
        let get = |reference: &str| {
            let found = policy(&scenario.view, &caller, reference);
            text(found, |found| found.row.policy.name.to_string())
        };
        for good in [&hash, &hash[..8], &hash[..9], &hash.to_uppercase()] {
            assert_eq!(get(good), "plain", "{good}");
        }
        for bad in ["plain", "", &hash[..7]] {
            assert_eq!(get(bad), "INVALID_ARGUMENT reference", "{bad}");
        }
        assert_eq!(get(&"0".repeat(64)), "NOT_FOUND");
    }
}

/// Lists the uses of a month in pages of a size.
fn listed_uses(scenario: &Scenario, name: &str, size: u64, month: &str, limit: usize) -> String {
    let caller = caller(scenario, name);
    let period: Period = month.parse().unwrap();
    let (mut shown, mut after) = (Vec::new(), None::<Vec<u8>>);
    loop {
        let page = uses(
            &scenario.view,
            &caller,
            (&solar(), period),
            size,
            after.as_deref(),
            limit,
        );
        let page = match page {
            Ok(page) => page,
            Err(stop) => return text(Err::<(), _>(stop), |()| String::new()),
        };
        assert!(page.items.len() <= limit);
        shown.extend(page.items.iter().map(|item| {
            let (class, units) = (item.row.class, item.row.units);
            format!("{} {class:?} {units}", item.name.dataset)
        }));
        match page.next {
            Some(next) => after = Some(next),
            None => return shown.join(", "),
        }
    }
}

#[test]
fn uses_are_listed_as_the_contributions_were_recorded() {
    let mut scenario = scenario();
    let size = scenario.accepted.len() as u64;
    let expected = "aa Commercial 0, aa PublicInterest 9, cc Commercial 3";
    for limit in 1..5 {
        for name in ["payer", "evaluator", "operator", "auditor"] {
            let found = listed_uses(&scenario, name, size, "2026-01", limit);
            assert_eq!(found, expected);
        }
    }
    for name in ["provider", "lab", "other", "service"] {
        assert_eq!(
            listed_uses(&scenario, name, size, "2026-01", 9),
            "NOT_FOUND"
        );
    }
    for month in ["2026-03", "2026-Q1", "2026"] {
        assert_eq!(listed_uses(&scenario, "payer", size, month, 9), "");
    }
    scenario.check("payer use solar 2026-02 provider/aa@1 -> ok");
    let found = listed_uses(&scenario, "payer", size, "2026-02", 9);
    assert_eq!(found, "cc Commercial 3");
    let found = listed_uses(&scenario, "payer", size + 1, "2026-02", 1);
    assert_eq!(found, "aa Commercial 0, cc Commercial 3");
}

#[test]
fn revenue_is_listed_by_pool_and_by_period() {
    let scenario = scenario();
    let list = |name: &str, period: Option<&str>, limit: usize| {
        let caller = caller(&scenario, name);
        let period = period.map(|period| period.parse().unwrap());
        let show = |item: &Revenue| format!("{}:{}", item.row.reference, item.amount.decimal());
        all(&scenario, show, |cursor| {
            revenue(&scenario.view, &caller, &solar(), period, cursor, limit).unwrap()
        })
    };
    for limit in 1..4 {
        assert_eq!(list("payer", None, limit), "r3:1.50 r2:6.00 r1:5.00");
        assert_eq!(list("auditor", Some("2026-01"), limit), "r3:1.50 r1:5.00");
        assert_eq!(list("evaluator", Some("2026-02"), limit), "r2:6.00");
        assert_eq!(list("operator", Some("2026-03"), limit), "");
        assert_eq!(list("operator", Some("2026-Q1"), limit), "");
    }
    for name in ["provider", "lab", "other", "service"] {
        let caller = caller(&scenario, name);
        let cursor = start(&scenario);
        let found = revenue(&scenario.view, &caller, &solar(), None, cursor, 9);
        assert_eq!(text(found, |_| "seen".to_owned()), "NOT_FOUND");
    }
}

#[test]
fn claims_are_seen_by_whom_they_are_of() {
    let scenario = scenario();
    let list = |name: &str, filter: &ClaimFilter, limit: usize| {
        let caller = caller(&scenario, name);
        let show = |item: &Claim| {
            let decided = item.row.decision.map(|decision| decision.outstanding);
            format!("{}:{decided:?}", item.contribution.dataset)
        };
        all(&scenario, show, |cursor| {
            claims(&scenario.view, &caller, filter, cursor, limit).unwrap()
        })
    };
    let every = ClaimFilter::default();
    let waiting = ClaimFilter {
        undecided: true,
        ..every.clone()
    };
    let of_lab = ClaimFilter {
        party: Some("lab".parse().unwrap()),
        ..every.clone()
    };
    for limit in 1..3 {
        for name in ["provider", "operator", "auditor"] {
            assert_eq!(list(name, &every, limit), "bb:None aa:Some(400)");
            assert_eq!(list(name, &waiting, limit), "bb:None");
            assert_eq!(list(name, &of_lab, limit), "");
        }
        for name in ["lab", "payer", "evaluator", "service"] {
            assert_eq!(list(name, &every, limit), "");
        }
    }
    let id = scenario.claim("0").to_string();
    let get = |name: &str, reference: &str| {
        let found = claim(&scenario.view, &caller(&scenario, name), reference);
        text(found, |found| found.contribution.to_string())
    };
    assert_eq!(get("provider", &id), "provider/aa@1");
    assert_eq!(get("operator", &id[..8]), "provider/aa@1");
    assert_eq!(get("lab", &id), "NOT_FOUND");
    assert_eq!(get("provider", "aa"), "INVALID_ARGUMENT reference");
    let other = scenario.contribution("provider/aa@1").to_string();
    assert_eq!(get("operator", &other), "NOT_FOUND");
}

#[test]
fn entries_of_a_pool_are_seen_by_its_payer_and_evaluator() {
    let mut scenario = scenario();
    let begun = scenario.accepted.len();
    scenario.check(
        "provider record asked@1 pools=granted -> ok
         provider grant provider/asked@1 pool solar 2026-02 -> ok
         operator publish third fee=3 -> ok
         payer use solar 2026-02 provider/asked@1 -> ok
         payer post solar 2026-02 receipt 1.00 CNY r9 -> ok
         provider claim provider/asked@1 direct 1.00 CNY -> ok
         operator approve 2 1.00 CNY -> ok
         operator freeze solar 2026-02 -> ok",
    );
    let mut found = String::from("\n");
    for name in CALLERS.into_iter().chain(["other"]) {
        let caller = caller(&scenario, name);
        let signed = scenario.accepted.iter().enumerate().skip(begun);
        let seen = signed
            .filter(|(_, signed)| caller.sees_entry(&scenario.view, &signed.command).unwrap());
        let places: Vec<_> = seen.map(|(at, _)| (at - begun).to_string()).collect();
        let reference = "provider/asked@1";
        let asked = contribution(&scenario.view, &caller, reference).is_ok();
        found.push_str(&format!("{name}: {} {asked}\n", places.join(" ")));
    }
    let expected = "
operator: 0 1 2 3 4 5 6 7 true
auditor: 0 1 2 3 4 5 6 7 true
provider: 0 1 2 5 6 true
lab: 2 false
payer: 1 2 3 4 7 true
evaluator: 1 2 3 4 7 true
service: 2 false
other: 2 false
";
    assert_eq!(found, expected);
}
