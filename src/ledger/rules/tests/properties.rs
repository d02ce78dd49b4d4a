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

/// Pools: mostly the one that there is.
fn pool() -> impl Strategy<Value = String> {
    one_of(&["solar", "solar", "solar", "solar", "wind", "none"])
}

/// Contributions: mostly those that there are.
fn known() -> impl Strategy<Value = String> {
    one_of(&[
        "provider/data@1",
        "provider/data@2",
        "provider/data@3",
        "lab/data@1",
    ])
}

fn month() -> impl Strategy<Value = u32> {
    1..5_u32
}

/// What fills pools, some of it late, doubled, too much or another's.
fn input_verb() -> impl Strategy<Value = String> {
    let declare = (
        (pool(), month()),
        prop::collection::vec((known(), 0..9_u32), 1..4),
        one_of(&["", "class=research", "class=public_interest"]),
        one_of(&[
            "",
            "",
            "",
            "mode=replace",
            "mode=replace",
            "list=missing",
            "raw=none",
        ]),
    );
    let declare = declare.prop_map(|((pool, month), lines, class, mode)| {
        let lines: Vec<_> = lines
            .iter()
            .map(|(name, units)| format!("{name}:{units}"))
            .collect();
        let lines = lines.join(" ");
        format!("use {pool} 2026-{month:02} {lines} {class} {mode}")
    });
    let money = one_of(&[
        "1.00 CNY",
        "0.07 CNY",
        "92233720368547758.07 CNY",
        "1.00 EUR",
    ]);
    let kind = one_of(&["receipt", "receipt", "refund", "chargeback"]);
    let post = (pool(), month(), kind, money, 0..30_u32);
    let post = post.prop_map(|(pool, month, kind, money, reference)| {
        format!("post {pool} 2026-{month:02} {kind} {money} r{reference}")
    });
    prop_oneof![declare, post]
}

/// What else is done about pools.
fn pool_verb() -> impl Strategy<Value = String> {
    let freeze = (pool(), month());
    let freeze = freeze.prop_map(|(pool, month)| format!("freeze {pool} 2026-{month:02}"));
    let cost = || one_of(&["1.00 CNY", "1.00 CNY", "2.00 CNY", "0.00 CNY", "1.00 EUR"]);
    let claim = (known(), cost());
    let claim = claim.prop_map(|(name, money)| format!("claim {name} direct {money}"));
    let approve = (0..3_u32, cost()).prop_map(|(claim, money)| format!("approve {claim} {money}"));
    let open = one_of(&[
        "publish plain",
        "publish tight stack=3000 depth=1",
        "open solar",
        "open solar policies=2026-01:plain,2026-03:tight",
        "open wind policies=2026-01:tight",
        "open wind kind=quarter policies=2026-Q1:plain",
    ]);
    let consent = (
        one_of(&["grant", "ungrant"]),
        known(),
        pool(),
        month(),
        one_of(&["", "policy=plain"]),
    );
    let consent = consent.prop_map(|(verb, name, pool, month, policy)| {
        format!("{verb} {name} pool {pool} 2026-{month:02} {policy}")
    });
    prop_oneof![
        6 => input_verb(),
        1 => freeze,
        2 => claim,
        1 => approve,
        2 => open,
        1 => consent,
    ]
}

fn verb() -> impl Strategy<Value = String> {
    let terms = one_of(&[
        "",
        "derivation=granted",
        "derivation=none",
        "min=4000",
        "pools=granted",
    ]);
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

/// A line about pools by whom it is for, or now and then by another.
fn pool_line() -> impl Strategy<Value = String> {
    let others = prop_oneof![1 => verb(), 9 => pool_verb()];
    let actor = prop::sample::select(&PARTIES[..]);
    (others, actor, 0..8_u32).prop_map(|(verb, actor, chance)| {
        let actor = match verb.split(' ').next() {
            _ if chance == 0 => actor,
            Some("use" | "post") => "payer",
            Some("claim" | "record" | "record-many" | "withdraw" | "grant" | "ungrant") => {
                if verb.contains("lab/") {
                    "lab"
                } else {
                    "provider"
                }
            }
            _ => "operator",
        };
        format!("{actor} {verb}")
    })
}

fn keeps_the_invariants(scenario: &mut Scenario, lines: &[String]) -> Result<(), TestCaseError> {
    for line in lines {
        let before = scenario.view.clone();
        let answer = scenario.run(line);
        if answer != "ok" {
            prop_assert_eq!(&scenario.view, &before, "{} -> {}", line, answer);
        }
    }
    prop_assert_eq!(check_invariants(&scenario.view).unwrap(), vec![]);
    prop_assert_eq!(scenario.replay(), state_hash(&scenario.view).unwrap());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_commands_keep_the_invariants(lines in prop::collection::vec(line(), 1..60)) {
        let mut scenario = Scenario::peopled();
        keeps_the_invariants(&mut scenario, &lines)?;
    }

    #[test]
    fn any_commands_about_pools_keep_the_invariants(
        lines in prop::collection::vec(pool_line(), 1..80),
    ) {
        let mut scenario = Scenario::peopled();
        scenario.check(
            "operator publish plain -> ok
             operator open solar -> ok
             provider record-many data@1 data@2 -> ok
             lab record data@1 pools=granted from=provider/data@1:4000 -> ok",
        );
        keeps_the_invariants(&mut scenario, &lines)?;
    }
}
