//! The examples to the unit, and every refusal by its path.

use serde_json::{Value, json};

use super::*;

const WORKED: &str = include_str!("../../examples/settlement/worked-example.json");
const WORKED_RESULT: &str = include_str!("../../examples/settlement/worked-example.result.json");
const SECOND: &str = include_str!("../../examples/settlement/example-2.json");
const SECOND_RESULT: &str = include_str!("../../examples/settlement/example-2.result.json");
/// Scenario and result of the second example, without lines, as another implementation gave them.
const SECOND_GIVEN: &str = include_str!("../../examples/settlement/settlement-example-2.json");

fn run(scenario: &str) -> String {
    let scenario = read_scenario(scenario).unwrap_or_else(|found| panic!("{found:#?}"));
    canonical_json(&settle(&scenario).unwrap()).unwrap()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Returns the worked example with some values set; a null removes the key.
fn edited(edits: &[(&str, Value)]) -> String {
    let mut scenario = parsed(WORKED);
    for (pointer, value) in edits {
        let (above, key) = pointer.rsplit_once('/').unwrap();
        let above = scenario.pointer_mut(above).unwrap();
        match above {
            Value::Array(items) if key == "-" => items.push(value.clone()),
            Value::Array(items) => items[key.parse::<usize>().unwrap()] = value.clone(),
            Value::Object(entries) if value.is_null() => drop(entries.remove(key)),
            Value::Object(entries) => drop(entries.insert(key.to_owned(), value.clone())),
            _ => panic!("{pointer} leads nowhere"),
        }
    }
    scenario.to_string()
}

/// Checks what is refused after some edits: each violation starts with one of the texts.
fn refused(edits: &[(&str, Value)], expected: &[&str]) {
    let found = match read_scenario(&edited(edits)) {
        Err(violations) => violations,
        Ok(scenario) => match settle(&scenario) {
            Err(SettleError::Refused(violations)) => violations,
            other => panic!("{edits:?} gives {other:?}"),
        },
    };
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), expected.len(), "{edits:?}: {found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{edits:?}: {found}");
    }
}

fn hash(digit: &str) -> String {
    digit.repeat(64)
}

#[test]
fn the_worked_example_comes_out_to_the_unit() {
    let text = run(WORKED);
    assert_eq!(text, WORKED_RESULT);
    assert_eq!(text, run(WORKED));
    let found = parsed(&text);
    let check = |pointer: &str, amount: i64| {
        assert_eq!(found.pointer(pointer), Some(&json!(amount)), "{pointer}");
    };
    check("/net", 100_003);
    check("/operator_fee", 5_000);
    check("/cost_recovered", 40_001);
    for (claim, paid, outstanding) in [
        ("k1", 20_000, 0),
        ("k2", 9_000, 0),
        ("k3", 3_143, 6_857),
        ("k4", 7_858, 17_142),
    ] {
        check(&format!("/claims/{claim}/paid"), paid);
        check(&format!("/claims/{claim}/outstanding"), outstanding);
    }
    check("/public_interest", 1_650);
    check("/profit_layer", 53_352);
    check("/floor_budget", 2_667);
    check("/shared", 50_685);
    for (digit, share, kept) in [
        ("a", 25_342, 28_509),
        ("b", 1_268, 2_851),
        ("c", 8_236, 8_236),
        ("d", 15_839, 11_089),
    ] {
        check(&format!("/shares/{}", hash(digit)), share);
        check(&format!("/after_upstream/{}", hash(digit)), kept);
    }
    assert_eq!(found["top_ups"], json!({"B": 1_149}));
    check("/next_profit_layer", 1_518);
    check("/parties/c1/held_cost", 3_600);
    check("/parties/c1/held_profit", 3_295);
    check("/parties/l1/tax", 1_108);
    check("/parties/a1/offset", 10_000);
    check("/parties/a1/payable", 38_509);
    check("/parties/c1/payable", 10_341);
    check("/parties/l1/payable", 17_839);
    check("/parties/b1/payable", 0);
    check("/parties/b1/carried", 7_143);
    let by_value: Vec<&Value> = found["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["name"] == "value_share")
        .map(|line| &line["amount"])
        .collect();
    assert_eq!(by_value, [30_411, 1_014, 6_589, 12_671]);
}

#[test]
fn the_second_example_comes_out_as_given() {
    let given = parsed(SECOND_GIVEN);
    assert_eq!(given["scenario"], parsed(SECOND));
    let text = run(SECOND);
    assert_eq!(text, SECOND_RESULT);
    let mut found = parsed(&text);
    found.as_object_mut().unwrap().remove("lines");
    assert_eq!(found, given["result"]);
}

#[test]
fn the_canonical_form_has_sorted_keys_no_white_space_and_one_newline() {
    for text in [run(WORKED), run(SECOND)] {
        // `Value` keeps its keys sorted.
        assert_eq!(text, format!("{}\n", parsed(&text)));
    }
}

#[test]
fn a_run_without_money_stops_and_books_the_deficit_alone() {
    let stopped = |amount: i64, deficit: i64| {
        run(&edited(&[
            ("/revenue/0/amount", json!(amount)),
            ("/opening/pool_deficit", json!(deficit)),
        ]))
    };
    let form = |net: i64| {
        format!(
            "{{\"net\":{net},\"pool_deficit\":{},\"stopped\":true}}\n",
            -net
        )
    };
    assert_eq!(stopped(5_000, 0), form(0));
    assert_eq!(stopped(0, 7), form(-5_007));
    assert_eq!(stopped(0, i64::MAX - 5_000), form(-i64::MAX));
    refused(
        &[
            ("/revenue/0/amount", json!(0)),
            ("/opening/pool_deficit", json!(i64::MAX - 4_999)),
        ],
        &["revenue: the net revenue is beyond"],
    );
}

#[test]
fn a_policy_without_steps_shares_everything_by_weight() {
    let found = parsed(&run(&edited(&[("/policy", json!({}))])));
    assert_eq!(found["shared"], 100_003);
    assert_eq!(
        found["claims"]["k1"],
        json!({"outstanding": 20_000, "paid": 0})
    );
    assert_eq!(found["parties"]["a1"]["offset"], 0);
}

#[test]
fn what_may_be_absent_is_zero_or_empty() {
    let scenario = read_scenario(
        r#"{"currency": "JPY", "period": "2026", "policy": {}, "revenue": [],
            "owners": [{"id": "A"}], "parties": [{"id": "a", "owner": "A"}],
            "contributions": [{"id": "c", "party": "a", "weight": 18446744073709551615}]}"#,
    );
    assert_eq!(
        scenario.unwrap_err(),
        [crate::domain::Violation::new(
            "contributions",
            "the sum of weights is beyond 9223372036854775807"
        )]
    );
    for key in ["opening", "claims", "holds"] {
        read_scenario(&edited(&[(&format!("/{key}"), Value::Null)])).unwrap();
    }
}

#[test]
fn required_keys_and_unknown_ones_are_named() {
    for key in [
        "currency",
        "period",
        "policy",
        "revenue",
        "owners",
        "parties",
        "contributions",
    ] {
        let pointer = format!("/{key}");
        let found = read_scenario(&edited(&[(&pointer, Value::Null)])).unwrap_err();
        assert_eq!(found[0].to_string(), format!("{key}: is missing"));
    }
    for (pointer, path) in [
        ("/parties/0/owner", "parties[0].owner"),
        ("/contributions/1/weight", "contributions[1].weight"),
        (
            "/contributions/3/parents/1/upstream_bps",
            "contributions[3].parents[1].upstream_bps",
        ),
        ("/claims/2/outstanding", "claims[2].outstanding"),
        ("/holds/0/denominator", "holds[0].denominator"),
        ("/revenue/1/kind", "revenue[1].kind"),
        ("/policy/floor/amount", "policy.floor.amount"),
    ] {
        refused(&[(pointer, Value::Null)], &[&format!("{path}: is missing")]);
    }
    for (pointer, path) in [
        ("/polcy", "polcy"),
        ("/opening/profit", "opening.profit"),
        ("/owners/0/name", "owners[0].name"),
        (
            "/contributions/3/parents/0/bps",
            "contributions[3].parents[0].bps",
        ),
        ("/policy/resrve", "policy.resrve"),
        ("/policy/floor/min", "policy.floor.min"),
    ] {
        refused(
            &[(pointer, json!(1))],
            &[&format!("{path}: is not a known key")],
        );
    }
}

#[test]
fn ids_are_short_unique_and_known() {
    let a = hash("a");
    refused(
        &[("/owners/1/id", json!("A"))],
        &[
            "owners[1].id: \"A\" stands twice, first at owners[0]",
            "parties[1].owner: \"B\" is not among the owners",
        ],
    );
    refused(
        &[("/revenue/1/ref", json!("r1"))],
        &["revenue[1].ref: \"r1\" stands twice"],
    );
    refused(
        &[("/claims/3/id", json!("k1"))],
        &["claims[3].id: \"k1\" stands twice"],
    );
    refused(
        &[("/parties/-", json!({"id": "a1", "owner": "A"}))],
        &["parties[4].id: \"a1\""],
    );
    let copy = json!({"id": a, "party": "a1", "weight": 1});
    refused(
        &[("/contributions/-", copy)],
        &["contributions[4].id: \"aaaa"],
    );
    refused(
        &[("/contributions/0/party", json!("x"))],
        &["contributions[0].party: \"x\" is not"],
    );
    refused(
        &[("/claims/0/contribution", json!("x"))],
        &["claims[0].contribution: \"x\" is not"],
    );
    refused(
        &[("/holds/0/contribution", json!("x"))],
        &["holds[0].contribution: \"x\" is not"],
    );
    let path = "/contributions/3/parents/0/id";
    refused(
        &[(path, json!("x"))],
        &["contributions[3].parents[0].id: \"x\" is not among"],
    );
    refused(
        &[("/claims/0/class", json!("travel"))],
        &["claims[0].class: the policy's"],
    );
    refused(
        &[("/claims/0/id", json!(""))],
        &["claims[0].id: takes 1 to 128 bytes, this has 0"],
    );
    refused(
        &[("/claims/0/id", json!("x".repeat(129)))],
        &["claims[0].id: takes 1 to 128 bytes"],
    );
    read_scenario(&edited(&[("/claims/0/id", json!("é".repeat(64)))])).unwrap();
    refused(
        &[("/claims/0/id", json!(7))],
        &["claims[0].id: is not a string"],
    );
    let classes = json!(["direct", "labelling", "direct"]);
    refused(
        &[("/policy/cost_recovery/classes", classes)],
        &["policy.cost_recovery.classes[2]: "],
    );
}

#[test]
fn numbers_are_integers_in_their_range() {
    for (pointer, path, high) in [
        ("/revenue/0/amount", "revenue[0].amount", i64::MAX as u64),
        (
            "/opening/profit_layer",
            "opening.profit_layer",
            i64::MAX as u64,
        ),
        ("/owners/0/debt", "owners[0].debt", i64::MAX as u64),
        ("/parties/0/carried", "parties[0].carried", i64::MAX as u64),
        ("/parties/0/tax_bps", "parties[0].tax_bps", 10_000),
        (
            "/contributions/0/weight",
            "contributions[0].weight",
            u64::MAX,
        ),
        (
            "/claims/0/outstanding",
            "claims[0].outstanding",
            i64::MAX as u64,
        ),
        (
            "/policy/minimum_payout",
            "policy.minimum_payout",
            i64::MAX as u64,
        ),
        ("/policy/owner_cap_bps", "policy.owner_cap_bps", 10_000),
        ("/policy/offset_max_bps", "policy.offset_max_bps", 10_000),
        (
            "/policy/upstream/stack_max_bps",
            "policy.upstream.stack_max_bps",
            10_000,
        ),
    ] {
        let out_of_range = |value: &str| format!("{path}: {value} is not in 0..{high}");
        refused(&[(pointer, json!(-1))], &[&out_of_range("-1")]);
        if high < u64::MAX {
            refused(
                &[(pointer, json!(high + 1))],
                &[&out_of_range(&(high + 1).to_string())],
            );
        }
        for other in [
            json!(1.5),
            json!("5"),
            json!(true),
            json!([1]),
            json!(1e300),
        ] {
            refused(
                &[(pointer, other)],
                &[&format!("{path}: is not an integer in 0..{high}")],
            );
        }
    }
}

#[test]
fn flags_kinds_currencies_and_fractions_are_what_they_should_be() {
    refused(
        &[("/owners/0/floor_eligible", json!(1))],
        &["owners[0].floor_eligible: is neither"],
    );
    refused(
        &[("/revenue/0/kind", json!("gift"))],
        &["revenue[0].kind: \"gift\" is not"],
    );
    refused(
        &[("/currency", json!("yen"))],
        &["currency: a currency code is three"],
    );
    refused(
        &[("/holds/0/denominator", json!(0))],
        &["holds[0].denominator: 0 is not in 1.."],
    );
    refused(
        &[("/holds/0/denominator", json!(39))],
        &["holds[0].numerator: 40 is above the"],
    );
    refused(
        &[("/holds/0/denominator", json!(1_000_001))],
        &["holds[0].denominator: 1000001 is"],
    );
    read_scenario(&edited(&[("/holds/0/denominator", json!(1_000_000))])).unwrap();
}

#[test]
fn derivations_have_no_cycles_and_keep_to_the_limits() {
    let parent = |digit: &str, bps: u32| json!([{"id": hash(digit), "upstream_bps": bps}]);
    refused(
        &[("/contributions/0/parents", parent("a", 1))],
        &["contributions[0].parents: the contribution descends from itself"],
    );
    refused(
        &[("/contributions/0/parents", parent("d", 1))],
        &[
            "contributions[0].parents: the contribution descends from itself",
            "contributions[3].parents: the contribution descends from itself",
        ],
    );
    let twice = json!({"id": hash("a"), "upstream_bps": 1});
    refused(
        &[("/contributions/3/parents/-", twice)],
        &["contributions[3].parents[2].id: the parent \"aaaa"],
    );
    refused(
        &[("/contributions/3/parents/0/upstream_bps", json!(4_001))],
        &["contributions[3].parents: the upstream_bps sum to 5001, above the limit of 5000"],
    );
    read_scenario(&edited(&[(
        "/contributions/3/parents/0/upstream_bps",
        json!(4_000),
    )]))
    .unwrap();
    refused(
        &[("/contributions/3/parents/0/upstream_bps", json!(10_001))],
        &["contributions[3].parents[0].upstream_bps: 10001 is not in 0..10000"],
    );
    let above = ("/contributions/0/parents", parent("b", 1));
    refused(
        &[("/policy/upstream/depth_max", json!(1)), above.clone()],
        &["contributions[3].parents: a path up is longer than the limit of 1 edges"],
    );
    read_scenario(&edited(&[("/policy/upstream/depth_max", json!(2)), above])).unwrap();
}

#[test]
fn the_depth_is_limited_to_64_edges_without_a_policy() {
    let chain = |length: usize| {
        let contribution = |n: usize| {
            let parents =
                (n > 0).then(|| json!({"id": (n - 1).to_string(), "upstream_bps": 10_000}));
            json!({"id": n.to_string(), "party": "a1", "weight": 1,
                   "parents": parents.into_iter().collect::<Vec<_>>()})
        };
        let list: Vec<Value> = (0..=length).map(contribution).collect();
        [
            ("/contributions", json!(list)),
            ("/policy", json!({})),
            ("/claims", json!([])),
            ("/holds", json!([])),
        ]
    };
    let found = parsed(&run(&edited(&chain(64))));
    assert_eq!(found["after_upstream"]["0"], 100_003);
    refused(
        &chain(65),
        &["contributions[65].parents: a path up is longer than the limit of 64"],
    );
}

#[test]
fn totals_beyond_an_amount_are_refused() {
    let most = json!(i64::MAX);
    refused(
        &[(
            "/revenue/-",
            json!({"ref": "r3", "kind": "receipt", "amount": most}),
        )],
        &[
            "revenue: the sum of receipts is beyond",
            "revenue: the net revenue is beyond",
        ],
    );
    let back = json!({"ref": "r3", "kind": "chargeback", "amount": most});
    refused(
        &[("/revenue/-", back)],
        &["revenue: the sum of refunds and chargebacks is beyond"],
    );
    refused(
        &[("/contributions/0/weight", most.clone())],
        &["contributions: the sum of weights"],
    );
    refused(
        &[("/opening/profit_layer", most.clone())],
        &["opening.profit_layer: the profit layer"],
    );
    refused(
        &[("/parties/0/carried", most.clone())],
        &["parties[0].carried: what the party has"],
    );
    refused(
        &[("/opening/over_recovery", most)],
        &["opening.over_recovery: what goes on with the"],
    );
}

#[test]
fn all_violations_come_at_once_and_stand_ins_are_not_reported() {
    refused(
        &[
            ("/contributions/0/weight", json!("much")),
            ("/contributions/1", json!(5)),
            ("/parties/0/tax_bps", json!(10_001)),
            ("/owners/0/debt", json!(-1)),
            ("/holds/0/numerator", json!(101)),
        ],
        &[
            "owners[0].debt: -1 is not in",
            "parties[0].tax_bps: 10001 is not in",
            "contributions[0].weight: is not an integer",
            "contributions[1]: is not an object",
            "holds[0].numerator: 101 is above",
            // What named the unreadable contribution now leads nowhere.
            "contributions[3].parents[1].id: \"bbbb",
            "claims[2].contribution: \"bbbb",
        ],
    );
    let syntax = read_scenario("{\"currency\": ").unwrap_err();
    assert!(
        syntax[0].to_string().starts_with("this is not JSON: EOF"),
        "{syntax:?}"
    );
    let twice = WORKED.replacen('{', "{\"period\": \"2026-11\",", 1);
    assert_eq!(
        read_scenario(&twice).unwrap_err()[0].to_string(),
        "period: stands twice"
    );
}
