//! Whatever is asked in whatever order: refusals change nothing, the invariants hold, and a
//! replay of what was accepted gives the same rows.

use proptest::prelude::*;

use crate::ledger::testing::Scenario;
use crate::ledger::{check_invariants, state_hash};

const PARTIES: [&str; 4] = ["operator", "provider", "lab", "payer"];

/// Returns one of some texts.
fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(texts).prop_map(str::to_owned)
}

fn contribution() -> impl Strategy<Value = String> {
    let owner = one_of(&["provider", "lab"]);
    (owner, 1..4_u32).prop_map(|(owner, version)| format!("{owner}/data@{version}"))
}

fn verb() -> impl Strategy<Value = String> {
    let terms = one_of(&["", "derivation=granted", "derivation=none", "min=4000"]);
    let parents = prop::collection::vec((contribution(), 0..9_000_u32), 0..3);
    let record = (1..6_u32, terms, parents).prop_map(|(version, terms, parents)| {
        let parents: Vec<_> = parents
            .iter()
            .map(|(name, bps)| format!("{name}:{bps}"))
            .collect();
        let from = if parents.is_empty() { "" } else { "from=" };
        format!("record data@{version} {terms} {from}{}", parents.join(","))
    });
    let consent = (
        one_of(&["grant", "ungrant"]),
        contribution(),
        one_of(&["provider", "lab", "ghost", "payer"]),
        1..13_u32,
    );
    let consent = consent.prop_map(|(verb, name, party, month)| {
        format!("{verb} {name} party {party} 2026-{month:02}")
    });
    let withdraw = contribution().prop_map(|name| format!("withdraw {name} 2026-06"));
    let admit = (
        one_of(&["lab", "new", "other"]),
        one_of(&["", "owner=lab", "owner=new"]),
    )
        .prop_map(|(name, owner)| format!("admit {name} provider {owner}"));
    prop_oneof![
        4 => record,
        2 => consent,
        1 => withdraw,
        1 => admit,
        1 => one_of(&["rotate", "amend 1000", "amend 1", "record-many aa@1 bb@1 aa@2", "upgrade 2"]),
        1 => one_of(&["revoke lab", "revoke operator", "revoke payer", "replace lab", "replace new"]),
    ]
}

fn line() -> impl Strategy<Value = String> {
    let actor = prop::sample::select(&PARTIES[..]);
    let spoilt = one_of(&["!signature", "!late", "!edge", "!ledger"]);
    let defect = prop_oneof![8 => one_of(&[""]), 1 => spoilt];
    (actor, defect, verb()).prop_map(|(actor, defect, verb)| format!("{actor} {defect} {verb}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_commands_keep_the_invariants(lines in prop::collection::vec(line(), 1..60)) {
        let mut scenario = Scenario::peopled();
        for line in &lines {
            let before = scenario.view.clone();
            let answer = scenario.run(line);
            if answer != "ok" {
                prop_assert_eq!(&scenario.view, &before, "{} -> {}", line, answer);
            }
        }
        prop_assert_eq!(check_invariants(&scenario.view).unwrap(), vec![]);
        prop_assert_eq!(scenario.replay(), state_hash(&scenario.view).unwrap());
    }
}
