//! Who sees what, how references are read, and that pages neither lose nor repeat anything.

use crate::domain::{ContentHash, KeyId};
use crate::ledger::decide::Stop;
use crate::ledger::query::*;
use crate::ledger::testing::{Scenario, public_key, rejection_text};
use crate::ledger::{Caller, KeyState};

pub(super) const CALLERS: [&str; 7] = [
    "operator",
    "auditor",
    "provider",
    "lab",
    "payer",
    "evaluator",
    "service",
];

pub(super) fn caller(scenario: &Scenario, name: &str) -> Caller {
    let caller = Caller::load(&scenario.view, &name.parse().unwrap());
    caller.unwrap().unwrap()
}

pub(super) fn text<T>(answer: Result<T, Stop>, show: impl Fn(T) -> String) -> String {
    match answer {
        Ok(found) => show(found),
        Err(Stop::Rejected(rejection)) => rejection_text(&rejection),
        Err(Stop::Fault(fault)) => panic!("{fault}"),
    }
}

fn get(scenario: &Scenario, name: &str, reference: &str) -> String {
    let answer = contribution(&scenario.view, &caller(scenario, name), reference);
    text(answer, |found| found.row.name.to_string())
}

/// Lists with pages of a size until the end; shows the names and the number of pages.
fn list(scenario: &Scenario, name: &str, filter: &ContributionFilter, limit: usize) -> String {
    let caller = caller(scenario, name);
    let mut cursor = Cursor::start(scenario.accepted.len() as u64);
    let mut names = Vec::new();
    loop {
        let page = contributions(&scenario.view, &caller, filter, cursor, limit).unwrap();
        assert!(page.items.len() <= limit);
        names.extend(page.items.iter().map(|item| item.row.name.to_string()));
        match page.next {
            Some(next) => cursor = next,
            None if names.is_empty() => return "nothing".to_owned(),
            None => return names.join(" "),
        }
    }
}

fn scenario() -> Scenario {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "provider record digits@1 derivation=granted -> ok
         provider record-many digits@2 letters@1 -> ok
         lab record own@1 content=digits@1 -> ok
         provider grant provider/digits@1 party lab 2026-01 -> ok
         lab record clean@1 from=provider/digits@1:100 -> ok",
    );
    scenario
}

#[test]
fn everybody_sees_its_own_and_operator_and_auditor_all() {
    let scenario = scenario();
    let mut found = String::from("\n");
    for name in CALLERS {
        let seen = list(&scenario, name, &ContributionFilter::default(), 2);
        found.push_str(&format!("{name}: {seen}\n"));
    }
    let expected = "
operator: lab/clean@1 lab/own@1 provider/letters@1 provider/digits@2 provider/digits@1
auditor: lab/clean@1 lab/own@1 provider/letters@1 provider/digits@2 provider/digits@1
provider: provider/letters@1 provider/digits@2 provider/digits@1
lab: lab/clean@1 lab/own@1 provider/digits@1
payer: nothing
evaluator: nothing
service: nothing
";
    assert_eq!(found, expected);
}

#[test]
fn what_is_not_seen_answers_as_what_is_not() {
    let with = scenario();
    let without = Scenario::peopled();
    let id = with.contribution("provider/letters@1").to_string();
    for reference in ["provider/letters@1", &id, &id[..8], &id[..9]] {
        for name in ["lab", "payer", "evaluator", "service"] {
            let answer = |scenario: &Scenario| {
                contribution(&scenario.view, &caller(scenario, name), reference).unwrap_err()
            };
            let (Stop::Rejected(one), Stop::Rejected(other)) = (answer(&with), answer(&without))
            else {
                panic!("a fault");
            };
            assert_eq!(one, other, "{name} {reference}");
            assert_eq!(rejection_text(&one), "NOT_FOUND");
        }
        for name in ["operator", "auditor", "provider"] {
            assert_eq!(get(&with, name, reference), "provider/letters@1");
        }
    }
}

#[test]
fn references_are_names_or_enough_digits() {
    let scenario = scenario();
    let id = scenario.contribution("lab/own@1").to_string();
    let upper = id.to_uppercase();
    for good in ["lab/own@1", &id, &upper, &id[..63], &id[..8], &id[..11]] {
        assert_eq!(get(&scenario, "lab", good), "lab/own@1", "{good}");
    }
    let long = format!("{id}0");
    for bad in [
        "",
        &id[..7],
        "own@1",
        "lab/own",
        &long,
        "lab/own@01",
        "zzzzzzzz",
    ] {
        let answer = get(&scenario, "lab", bad);
        assert_eq!(answer, "INVALID_ARGUMENT reference", "{bad}");
    }
    // The id of an entry that created no contribution is none of a contribution.
    let other = scenario.accepted[1].id.thing(0).to_string();
    assert_eq!(get(&scenario, "operator", &other), "NOT_FOUND");
}

#[test]
fn ambiguous_digits_are_answered_with_candidates_that_the_caller_sees() {
    use crate::ledger::rows::{ContributionNameRow, ThingRow};
    let mut scenario = scenario();
    let view = scenario.view.clone();
    let mut state = crate::ledger::State::new(&view);
    let names = ["provider/digits@1", "provider/digits@2", "lab/own@1"];
    // Ids that share eight digits cannot be found in a test's time, so the rows are laid by hand.
    for (number, name) in (0..).zip(names) {
        let at = scenario.row::<ContributionNameRow>(&name.parse().unwrap());
        let kind = crate::ledger::ThingKind::Contribution;
        let mut id = [0xab; 32];
        id[4] = number;
        let at = at.unwrap().at;
        state.put(&crate::domain::ThingId(id), &ThingRow { at, kind });
    }
    scenario.view.apply(&state.into_changes());
    assert_eq!(
        get(&scenario, "provider", "abababab01"),
        "provider/digits@2"
    );
    assert_eq!(get(&scenario, "provider", "abababab02"), "NOT_FOUND");
    let answer = contribution(&scenario.view, &caller(&scenario, "provider"), "abababab");
    let Err(Stop::Rejected(rejection)) = answer else {
        panic!("not refused");
    };
    let candidates = "provider/digits@1, provider/digits@2".to_owned();
    assert_eq!(rejection.facts, [("candidates", candidates)]);
}

#[test]
fn lists_are_filtered_and_turned_in_pages_of_any_size() {
    let scenario = scenario();
    let parse = |name: &str| Some(name.parse().unwrap());
    let all = ContributionFilter::default();
    let cases = [
        (
            ContributionFilter {
                party: parse("lab"),
                ..all.clone()
            },
            "lab/clean@1 lab/own@1",
        ),
        (
            ContributionFilter {
                content_hash: Some(ContentHash::of(b"digits@1")),
                ..all.clone()
            },
            "lab/own@1 provider/digits@1",
        ),
        (
            ContributionFilter {
                name_prefix: "provider/digits".to_owned(),
                ..all.clone()
            },
            "provider/digits@2 provider/digits@1",
        ),
        (
            ContributionFilter {
                from_index: 8,
                to_index: Some(10),
                ..all.clone()
            },
            "lab/own@1 provider/letters@1 provider/digits@2",
        ),
        (
            ContributionFilter {
                party: parse("provider"),
                to_index: Some(8),
                ..all.clone()
            },
            "provider/digits@1",
        ),
        (
            ContributionFilter {
                kind: Some(crate::domain::ContributionKind::Merge),
                ..all
            },
            "nothing",
        ),
    ];
    for (filter, expected) in cases {
        for limit in 1..4 {
            assert_eq!(
                list(&scenario, "auditor", &filter, limit),
                expected,
                "{limit}"
            );
        }
    }
}

#[test]
fn what_is_recorded_later_is_not_in_a_list_that_has_begun() {
    let mut scenario = scenario();
    let caller = caller(&scenario, "auditor");
    let filter = ContributionFilter::default();
    let start = Cursor::start(scenario.accepted.len() as u64);
    let read = |scenario: &Scenario| {
        let page = contributions(&scenario.view, &caller, &filter, start, 9).unwrap();
        page.items.len()
    };
    let before = read(&scenario);
    scenario.check("lab record later@1 -> ok");
    assert_eq!(read(&scenario), before);
}

#[test]
fn a_page_looks_at_a_bounded_number_of_rows() {
    let mut scenario = scenario();
    let mut names = String::from("provider record-many");
    for version in 1..=700 {
        names.push_str(&format!(" bulk@{version}"));
    }
    for dataset in ["aa", "bb", "cc", "dd", "ee", "ff", "gg", "hh"] {
        assert_eq!(scenario.run(&names.replace("bulk", dataset)), "ok");
    }
    let lab = caller(&scenario, "lab");
    let start = Cursor::start(scenario.accepted.len() as u64);
    let filter = ContributionFilter::default();
    let page = contributions(&scenario.view, &lab, &filter, start, 9).unwrap();
    assert!(page.items.is_empty() && page.next.is_some());
    assert_eq!(
        list(&scenario, "lab", &filter, 9),
        "lab/clean@1 lab/own@1 provider/digits@1"
    );
}

#[test]
fn parties_are_shown_with_their_keys() {
    let mut scenario = Scenario::peopled();
    scenario.check(
        "lab rotate -> ok
         operator replace lab -> ok",
    );
    let lab = "lab".parse().unwrap();
    let found = party(&scenario.view, &caller(&scenario, "lab"), &lab);
    let Ok(found) = found else {
        panic!("not found");
    };
    let keys: Vec<_> = found
        .keys
        .iter()
        .map(|(key, row)| (*key, row.state))
        .collect();
    let expected = [
        (public_key("lab", 2), KeyState::Active),
        (public_key("lab", 1), KeyState::Replaced { at: 8 }),
        (public_key("lab", 0), KeyState::Rotated { at: 7 }),
    ];
    assert_eq!(keys, expected);
    let active = KeyId::of(&public_key("lab", 2));
    let by_key = |id| Caller::by_active_key(&scenario.view, &lab, &id).unwrap();
    assert_eq!(by_key(active).unwrap().1, public_key("lab", 2));
    assert!(by_key(KeyId::of(&public_key("lab", 1))).is_none());
}

#[test]
fn parties_see_themselves_and_operator_and_auditor_all() {
    let scenario = Scenario::peopled();
    let filter = PartyFilter::default();
    for name in CALLERS {
        let caller = caller(&scenario, name);
        let start = Cursor::start(scenario.accepted.len() as u64);
        let page = parties(&scenario.view, &caller, &filter, start, 50).unwrap();
        let seen: Vec<_> = page.items.iter().map(|party| party.name.as_str()).collect();
        if ["operator", "auditor"].contains(&name) {
            let all = "service auditor evaluator payer lab provider operator";
            assert_eq!(seen.join(" "), all);
        } else {
            assert_eq!(seen, [name]);
            let other = |other: &str| party(&scenario.view, &caller, &other.parse().unwrap());
            assert_eq!(text(other("operator"), |_| "seen".into()), "NOT_FOUND");
            assert_eq!(text(other("ghost"), |_| "seen".into()), "NOT_FOUND");
        }
    }
}

#[test]
fn entries_are_seen_by_whom_they_concern() {
    let mut scenario = scenario();
    scenario.check(
        "operator replace lab -> ok
         operator revoke payer -> ok
         operator amend 1000 -> ok",
    );
    let mut found = String::from("\n");
    for name in CALLERS {
        let caller = caller(&scenario, name);
        let seen = (0..)
            .zip(&scenario.accepted)
            .filter(|(_, signed)| caller.sees_entry(&scenario.view, &signed.command).unwrap());
        let indexes: Vec<_> = seen.map(|(index, _): (u64, _)| index.to_string()).collect();
        found.push_str(&format!("{name}: {}\n", indexes.join(" ")));
    }
    let expected = "
operator: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14
auditor: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14
provider: 0 1 7 8 10 14
lab: 0 2 9 10 11 12 14
payer: 0 3 13 14
evaluator: 0 4 14
service: 0 6 14
";
    assert_eq!(found, expected);
}
