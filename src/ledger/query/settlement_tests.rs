//! Reads of settlements, valuations and the book: who sees what, that proofs prove, and that an
//! explanation names only entries that its reader can open.

use super::tests::text;
use crate::domain::{ContentHash, Money, Period, PoolName};
use crate::ledger::Attachments;
use crate::ledger::query::*;
use crate::ledger::testing::Scenario;
use crate::merkle::{leaf_hash, verify_inclusion};

const CALLERS: [&str; 8] = [
    "operator",
    "auditor",
    "payer",
    "evaluator",
    "aa",
    "bb",
    "cc",
    "ll",
];

fn solar() -> PoolName {
    "solar".parse().unwrap()
}

fn october() -> Period {
    "2026-10".parse().unwrap()
}

/// Returns the worked example, settled, and a provider and a payer that have no part in it.
fn scenario() -> Scenario {
    let mut scenario = Scenario::worked_example();
    scenario.check(
        "operator settle solar 2026-10 -> ok
         operator admit other provider -> ok
         operator admit stranger payer evaluator -> ok",
    );
    scenario
}

fn start(scenario: &Scenario) -> Cursor {
    Cursor::start(scenario.accepted.len() as u64)
}

fn get(scenario: &Scenario, name: &str) -> Settlement {
    let found = settlement(&scenario.view, &scenario.caller(name), &solar(), october());
    match found {
        Ok(found) => found,
        Err(stop) => panic!("{name}: {stop}"),
    }
}

/// Turns all pages of a settlement's lines.
fn all_lines(
    scenario: &Scenario,
    name: &str,
    filter: &LineFilter,
    limit: usize,
) -> Vec<ProvedLine> {
    let found = get(scenario, name);
    let caller = scenario.caller(name);
    let (mut from, mut shown) = (0, Vec::new());
    loop {
        let at = (from, limit);
        let page = lines(
            &scenario.view,
            &caller,
            &scenario.attachments,
            &found,
            filter,
            at,
        );
        let page = page.unwrap();
        assert!(page.lines.len() <= limit);
        assert_eq!(
            (page.total, page.output_root),
            (found.row.lines, found.row.output_root)
        );
        shown.extend(page.lines);
        match page.next {
            Some(next) => from = next,
            None => return shown,
        }
    }
}

#[test]
fn a_preview_is_what_is_settled_and_is_for_operator_and_auditor() {
    let mut scenario = Scenario::worked_example();
    let id = scenario.valuation(0).to_string();
    let ask = |scenario: &Scenario, name: &str, digits: &str| {
        let (view, caller) = (&scenario.view, scenario.caller(name));
        preview(
            view,
            &caller,
            &scenario.attachments,
            &solar(),
            october(),
            digits,
        )
    };
    for name in ["payer", "evaluator", "aa"] {
        assert_eq!(
            text(ask(&scenario, name, &id), |_| "seen".into()),
            "NOT_PERMITTED"
        );
    }
    let Ok(previewed) = ask(&scenario, "auditor", &id[..8]) else {
        panic!("no preview");
    };
    scenario.check("operator settle solar 2026-10 -> ok");
    let row = get(&scenario, "operator").row;
    assert_eq!(row.result_hash, previewed.result.hash);
    assert_eq!(row.output_root, previewed.result.output_root);
    assert_eq!(row.lines, previewed.result.lines);
    assert_eq!(
        scenario.attachments[&row.result_hash],
        previewed.result.json
    );
    let again = ask(&scenario, "operator", &id);
    assert_eq!(text(again, |_| "seen".into()), "ALREADY_SETTLED");
}

#[test]
fn a_settlement_is_seen_by_its_pool_and_its_parties() {
    let scenario = scenario();
    for name in CALLERS {
        let caller = scenario.caller(name);
        assert_eq!(get(&scenario, name).row.net, 100_003, "{name}");
        let page = settlements(&scenario.view, &caller, None, start(&scenario), 9).unwrap();
        assert_eq!(page.items, [get(&scenario, name)]);
        let none = "wind".parse().unwrap();
        let page = settlements(&scenario.view, &caller, Some(&none), start(&scenario), 9);
        assert_eq!(page.unwrap().items, []);
    }
    for name in ["other", "stranger"] {
        let caller = scenario.caller(name);
        let page = settlements(&scenario.view, &caller, None, start(&scenario), 9).unwrap();
        assert_eq!(page.items, []);
        for pool in ["solar", "wind"] {
            let pool: PoolName = pool.parse().unwrap();
            let found = settlement(&scenario.view, &caller, &pool, october());
            assert_eq!(text(found, |_| "seen".into()), "NOT_FOUND");
        }
    }
    let caller = scenario.caller("operator");
    for period in ["2026-11", "2026-Q4", "2026"] {
        let found = settlement(&scenario.view, &caller, &solar(), period.parse().unwrap());
        assert_eq!(text(found, |_| "seen".into()), "NOT_FOUND", "{period}");
    }
}

#[test]
fn lines_are_ones_own_and_the_totals_and_lead_to_the_output_root() {
    let scenario = scenario();
    let all = all_lines(&scenario, "auditor", &LineFilter::default(), 1_000);
    let found = get(&scenario, "auditor").row;
    assert_eq!(all.len() as u64, found.lines);
    let own = |line: &&ProvedLine, name: &str| {
        let json: serde_json::Value = serde_json::from_str(&line.json).unwrap();
        json.get("party").is_none_or(|party| party == name)
    };
    for name in CALLERS {
        for limit in [1, 7, 1_000] {
            let seen = all_lines(&scenario, name, &LineFilter::default(), limit);
            let expected: Vec<_> = match name {
                "operator" | "auditor" => all.clone(),
                _ => all.iter().filter(|line| own(line, name)).cloned().collect(),
            };
            assert_eq!(seen, expected, "{name} {limit}");
            for line in seen {
                let leaf = leaf_hash(line.json.as_bytes());
                let (number, size) = (line.number, found.lines);
                let proof = &line.inclusion_proof;
                let proved = verify_inclusion(number, size, &leaf, proof, &found.output_root);
                assert!(proved.is_ok(), "{name} {number}");
            }
        }
    }
    // The lines that are kept are the result's own bytes.
    let kept = String::from_utf8(scenario.attachments[&found.result_hash].to_vec()).unwrap();
    let joined: Vec<&str> = all.iter().map(|line| line.json.as_str()).collect();
    assert!(kept.contains(&format!("\"lines\":[{}]", joined.join(","))));
}

#[test]
fn lines_are_filtered_by_contribution_and_party() {
    let scenario = scenario();
    let contribution = Some(scenario.contribution("bb/data@1"));
    let party = Some("bb".parse().unwrap());
    let steps = |name: &str, filter: &LineFilter| {
        let seen = all_lines(&scenario, name, filter, 3);
        let steps: Vec<String> = seen
            .iter()
            .map(|line| {
                let json: serde_json::Value = serde_json::from_str(&line.json).unwrap();
                json["step"].to_string()
            })
            .collect();
        steps.join(" ")
    };
    let of_contribution = LineFilter {
        contribution,
        party: None,
    };
    assert_eq!(steps("auditor", &of_contribution), "4 7 8 9");
    assert_eq!(steps("bb", &of_contribution), "4 7 8 9");
    assert_eq!(steps("aa", &of_contribution), "");
    let of_party = LineFilter {
        contribution: None,
        party,
    };
    assert_eq!(steps("bb", &of_party), "4 7 8 9 15");
    assert_eq!(steps("payer", &of_party), "");
}

#[test]
fn a_statement_says_what_each_contribution_earned_and_what_is_owed() {
    let mut scenario = scenario();
    scenario.check("operator replace bb -> ok");
    let of = |name: &str, party: &str| {
        let (view, caller) = (&scenario.view, scenario.caller(name));
        statement(
            view,
            &caller,
            &scenario.attachments,
            &party.parse().unwrap(),
            october(),
        )
    };
    let Ok(found) = of("bb", "bb") else {
        panic!("no statement");
    };
    let cny = |minor_units| Money {
        minor_units,
        currency: "CNY".parse().unwrap(),
    };
    assert_eq!(
        (found.opening, found.closing),
        (vec![cny(0)], vec![cny(5_994)])
    );
    let [line] = &found.lines[..] else {
        panic!("{:?}", found.lines);
    };
    assert_eq!(line.contribution.to_string(), "bb/data@1");
    assert_eq!(line.weight, 20_000_000_000);
    let amounts = (
        line.cost,
        line.cost_outstanding,
        line.share,
        line.after_upstream,
    );
    assert_eq!(amounts, (3_143, 6_857, 1_268, 2_851));
    let [pool] = &found.pools[..] else {
        panic!("{:?}", found.pools);
    };
    assert_eq!((pool.payable, pool.carried), (0, 5_994));
    assert_eq!(
        (pool.tax, pool.offset, pool.held, pool.reserve),
        (0, 0, 0, 0)
    );
    let own = LineFilter {
        contribution: None,
        party: Some("bb".parse().unwrap()),
    };
    let numbers = all_lines(&scenario, "bb", &own, 50);
    let numbers: Vec<u64> = numbers.iter().map(|line| line.number).collect();
    assert_eq!(pool.line_numbers, numbers);
    assert_eq!(found.notes.len(), 1);
    assert!(
        found.notes[0].contains("the operator replaced the key"),
        "{:?}",
        found.notes
    );
    for name in ["aa", "payer", "evaluator", "other"] {
        assert_eq!(text(of(name, "bb"), |_| "seen".into()), "NOT_FOUND");
        assert_eq!(text(of(name, "ghost"), |_| "seen".into()), "NOT_FOUND");
    }
    let Ok(empty) = of("other", "other") else {
        panic!("no statement");
    };
    assert!(empty.pools.is_empty() && empty.lines.is_empty() && empty.closing.is_empty());
}

#[test]
fn statements_of_two_periods_run_on() {
    let mut scenario = scenario();
    scenario.check(
        "payer use solar 2026-11 bb/data@1 -> ok
         payer post solar 2026-11 receipt 100.00 CNY r3 -> ok
         evaluator value solar 2026-11 bb/data@1:1 -> ok
         operator freeze solar 2026-11 -> ok
         operator settle solar 2026-11 -> ok",
    );
    let of = |period: &str| {
        let (view, caller) = (&scenario.view, scenario.caller("bb"));
        let (party, period) = ("bb".parse().unwrap(), period.parse().unwrap());
        let found = statement(view, &caller, &scenario.attachments, &party, period);
        let Ok(found) = found else {
            panic!("no statement");
        };
        let shown = |amounts: &[Money]| amounts.iter().map(Money::to_string).collect::<String>();
        (shown(&found.opening), shown(&found.closing))
    };
    let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
    assert_eq!(of("2026-10"), pair("0.00 CNY", "59.94 CNY"));
    assert_eq!(of("2026-11"), pair("59.94 CNY", "137.95 CNY"));
}

/// What an explanation reads; no bytes are rows here.
fn stored(scenario: &Scenario) -> (&dyn Attachments, &RowReader<'static>) {
    (&scenario.attachments, &|_| Err("not rows".to_owned()))
}

/// Every line that a caller sees is explained, every other is not there, and every entry named
/// can be opened by the caller.
#[test]
fn explanations_rest_on_entries_that_the_caller_can_open() {
    let scenario = scenario();
    let total = get(&scenario, "auditor").row.lines;
    for name in CALLERS {
        let caller = scenario.caller(name);
        let own = all_lines(&scenario, name, &LineFilter::default(), 1_000);
        let own: Vec<u64> = own.iter().map(|line| line.number).collect();
        for number in 0..=total {
            let (view, at) = (&scenario.view, (&solar(), october()));
            let found = explain_line(view, &caller, &scenario.attachments, at, number);
            if !own.contains(&number) {
                assert_eq!(
                    text(found, |_| "seen".into()),
                    "NOT_FOUND",
                    "{name} {number}"
                );
                continue;
            }
            let Ok(found) = found else {
                panic!("{name} {number}");
            };
            check_explanation(&scenario, name, &found);
        }
        for contribution in ["aa/data@1", "bb/data@1", "cc/data@1", "ll/labels@1"] {
            let view = &scenario.view;
            let found = explain_contribution(view, &caller, stored(&scenario), contribution);
            if let Ok(found) = found {
                check_explanation(&scenario, name, &found);
            }
        }
    }
}

fn check_explanation(scenario: &Scenario, name: &str, found: &Explanation) {
    let caller = scenario.caller(name);
    assert!(!found.evidence.is_empty() && found.evidence.is_sorted_by_key(|one| one.index));
    for entry in &found.evidence {
        let signed = &scenario.accepted[usize::try_from(entry.index).unwrap()];
        let seen = caller.sees_entry(&scenario.view, &signed.command).unwrap();
        assert!(
            seen,
            "{name} cannot open entry {}: {}",
            entry.index, entry.what
        );
    }
    let json: serde_json::Value = serde_json::from_str(&found.json).unwrap();
    assert_eq!(json.to_string(), found.json, "keys are not sorted");
    for sentence in &found.sentences {
        assert!(
            sentence.ends_with('.') && !sentence.contains(" - "),
            "{sentence}"
        );
    }
}

#[test]
fn a_contribution_is_explained_in_sentences_down_to_its_entries() {
    let scenario = scenario();
    let caller = scenario.caller("bb");
    let view = &scenario.view;
    let found = explain_contribution(view, &caller, stored(&scenario), "bb/data@1");
    let Ok(found) = found else {
        panic!("not explained");
    };
    let evidence: Vec<String> = found
        .evidence
        .iter()
        .map(|entry| format!("{} {}", entry.index, entry.what))
        .collect();
    let expected = [
        "9 recorded bb/data@1",
        "12 published the policy plain",
        "14 declared the use in 2026-10 of solar",
        "19 claimed 100.00 CNY of costs on bb/data@1",
        "23 approved 100.00 CNY of the claim",
        "25 imported weights by the method metered",
        "26 froze 2026-10 of solar",
        "27 settled 2026-10 of solar",
    ];
    assert_eq!(evidence, expected);
    let told = found.sentences.join("\n");
    for part in [
        "bb/data@1 was recorded by entry 9: 10 rows in 1000 bytes",
        "valued it by metered at 20 / 1000, and gave it the weight 20000000000 of 10^12",
        "That rests on the rows of 0 contributions; the value table is ",
        "Step 4: 31.43 CNY of 100.00 CNY outstanding on the claim",
        "the class labelling are 350.00 CNY together, and 110.01 CNY was left for them",
        "Step 7: bb/data@1 gets 10.14 CNY by value: bb has 20000000000 of the weight 1000000000000",
        "Step 8: the share of bb/data@1 changes by 2.54 CNY to 12.68 CNY: no owner gets more than \
         253.42 CNY",
        "Step 9: bb/data@1 receives 15.83 CNY, 10 % of the 158.39 CNY that",
        "Step 15: 59.94 CNY is carried for bb: 59.94 CNY of this run and 0.00 CNY carried in; the \
         least payout is 100.00 CNY.",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let unsettled = Scenario::worked_example();
    let caller = unsettled.caller("bb");
    let view = &unsettled.view;
    let Ok(found) = explain_contribution(view, &caller, stored(&unsettled), "bb/data@1") else {
        panic!("not explained");
    };
    assert_eq!(
        found.sentences[1],
        "No settlement that you may see has paid for it."
    );
}

#[test]
fn valuations_are_seen_by_pool_and_parties_and_tables_row_by_row() {
    let scenario = scenario();
    let id = scenario.valuation(0).to_string();
    let rows = |name: &str, limit: usize| {
        let (view, caller) = (&scenario.view, scenario.caller(name));
        let (mut from, mut names) = (0, Vec::new());
        loop {
            let page = value_table(view, &caller, &scenario.attachments, &id[..8], from, limit);
            let page = match page {
                Ok(page) => page,
                Err(stop) => return stop.to_string().split(':').next().unwrap().to_owned(),
            };
            names.extend(page.rows.iter().map(|row| match &row.name {
                Some(name) => name.to_string(),
                None => row.line.owner.to_string(),
            }));
            match page.next {
                Some(next) => from = next,
                None => break,
            }
        }
        names.sort();
        names.join(" ")
    };
    let all = "aa/data@1 bb/data@1 cc/data@1 ll/labels@1";
    for limit in 1..5 {
        assert_eq!(rows("operator", limit), all);
        assert_eq!(rows("auditor", limit), all);
        assert_eq!(rows("cc", limit), "cc/data@1");
    }
    for name in CALLERS {
        let caller = scenario.caller(name);
        let filter = ValuationFilter::default();
        let page = valuations(&scenario.view, &caller, &filter, start(&scenario), 9).unwrap();
        assert_eq!(page.items.len(), 1, "{name}");
        let later = ValuationFilter {
            period: Some("2026-11".parse().unwrap()),
            ..filter
        };
        let page = valuations(&scenario.view, &caller, &later, start(&scenario), 9).unwrap();
        assert_eq!(page.items, []);
    }
    for name in ["other", "stranger"] {
        assert_eq!(rows(name, 9), "NOT_FOUND");
    }
    // Before the settlement a valuation is no party's.
    let unsettled = Scenario::worked_example();
    let id = unsettled.valuation(0).to_string();
    let found = valuation(&unsettled.view, &unsettled.caller("aa"), &id);
    assert_eq!(text(found, |_| "seen".into()), "NOT_FOUND");
    assert!(valuation(&unsettled.view, &unsettled.caller("payer"), &id).is_ok());
}

/// Turns all pages of accounts and joins their names without the currency.
fn account_names(scenario: &Scenario, name: &str, prefix: &str, limit: usize) -> String {
    let caller = scenario.caller(name);
    let (mut after, mut names) = (None, Vec::new());
    loop {
        let page = accounts(&scenario.view, &caller, prefix, after.as_ref(), limit).unwrap();
        names.extend(page.accounts.iter().map(|(account, row)| {
            let name = account.to_string();
            format!("{}={}", name.trim_end_matches("/CNY"), row.balance)
        }));
        match page.next {
            Some(next) => after = Some(next),
            None => return names.join(" "),
        }
    }
}

#[test]
fn accounts_are_ones_own_and_a_payers_are_its_pools() {
    let scenario = scenario();
    for limit in 1..5 {
        let of = |name: &str, prefix: &str| account_names(&scenario, name, prefix, limit);
        assert_eq!(of("bb", ""), "carried/bb=5994");
        assert_eq!(of("aa", ""), "payable/aa=48509");
        let pool = "cash/solar=-100003 operator-fee/solar=5000 profit-layer/solar=2667 \
                    public-interest/solar=1650 revenue/solar=0";
        assert_eq!(of("payer", ""), pool);
        assert_eq!(of("payer", "payable/"), "");
        assert_eq!(of("evaluator", ""), "");
        let payable = "payable/aa=48509 payable/cc=17236 payable/ll=18947";
        assert_eq!(of("auditor", "payable/"), payable);
        assert_eq!(of("auditor", "payable/c"), "payable/cc=17236");
        assert_eq!(of("auditor", "z"), "");
    }
}

#[test]
fn postings_run_on_and_are_listed_newest_first() {
    let scenario = scenario();
    let revenue = "revenue/solar/CNY".parse().unwrap();
    let list = |name: &str, limit: usize| {
        let caller = scenario.caller(name);
        let (mut cursor, mut shown) = (start(&scenario), Vec::new());
        loop {
            let page = postings(&scenario.view, &caller, &revenue, cursor, limit);
            let Ok(page) = page else {
                return "NOT_FOUND".to_owned();
            };
            shown.extend(
                page.items
                    .iter()
                    .map(|one| format!("{}:{}={}", one.at.index, one.row.amount, one.row.balance)),
            );
            match page.next {
                Some(next) => cursor = next,
                None => return shown.join(" "),
            }
        }
    };
    for limit in 1..4 {
        let expected = "27:-100003=0 16:-5000=100003 15:105003=105003";
        assert_eq!(list("payer", limit), expected);
    }
    for name in ["aa", "stranger", "evaluator"] {
        assert_eq!(list(name, 9), "NOT_FOUND");
    }
}

#[test]
fn the_trial_balance_is_for_operator_and_auditor_and_balances() {
    let scenario = scenario();
    for name in ["payer", "aa", "evaluator"] {
        let found = trial_balance(&scenario.view, &scenario.caller(name), u64::MAX);
        assert_eq!(text(found, |_| "seen".into()), "NOT_PERMITTED");
    }
    let Ok(found) = trial_balance(&scenario.view, &scenario.caller("auditor"), u64::MAX) else {
        panic!("no balance");
    };
    let [cny] = &found.currencies[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (cny.credits, cny.debits, found.accounts),
        (100_003, 100_003, 9)
    );
}

/// The result of the worked example through the ledger is that of the calculator on the same
/// scenario: the hash is over the same canonical bytes.
#[test]
fn the_result_is_the_calculators() {
    let scenario = scenario();
    let row = get(&scenario, "operator").row;
    let kept = &scenario.attachments[&row.result_hash];
    let id = |name: &str| scenario.contribution(name).to_string();
    let claim = |number: &str| scenario.claim(number).to_string();
    let (aa, bb, cc, ll) = (
        id("aa/data@1"),
        id("bb/data@1"),
        id("cc/data@1"),
        id("ll/labels@1"),
    );
    let document = serde_json::json!({
        "currency": "CNY", "period": "2026-10",
        "policy": {
            "operator_fee": {"bps": 500},
            "cost_recovery": {"tier_cap_bps": 4000, "classes": ["direct", "labelling"]},
            "public_interest": {"bps": 300},
            "floor": {"budget_bps": 500, "amount": 4000},
            "owner_cap_bps": 5000,
            "upstream": {"stack_max_bps": 5000, "depth_max": 8},
            "offset_max_bps": 2500, "minimum_payout": 10000
        },
        "revenue": [
            {"ref": "15", "kind": "receipt", "amount": 105003},
            {"ref": "16", "kind": "refund", "amount": 5000}
        ],
        "owners": [{"id": "aa"}, {"id": "bb"}, {"id": "cc"}, {"id": "ll"}],
        "parties": [
            {"id": "aa", "owner": "aa"}, {"id": "bb", "owner": "bb"},
            {"id": "cc", "owner": "cc"}, {"id": "ll", "owner": "ll"}
        ],
        "contributions": [
            {"id": aa, "party": "aa", "weight": 600_000_000_000_u64},
            {"id": bb, "party": "bb", "weight": 20_000_000_000_u64},
            {"id": cc, "party": "cc", "weight": 130_000_000_000_u64},
            {"id": ll, "party": "ll", "weight": 250_000_000_000_u64, "parents": [
                {"id": aa, "upstream_bps": 2000}, {"id": bb, "upstream_bps": 1000}
            ]}
        ],
        "claims": [
            {"id": claim("0"), "contribution": aa, "class": "direct", "outstanding": 20000},
            {"id": claim("1"), "contribution": cc, "class": "direct", "outstanding": 9000},
            {"id": claim("2"), "contribution": bb, "class": "labelling", "outstanding": 10000},
            {"id": claim("3"), "contribution": ll, "class": "labelling", "outstanding": 25000}
        ]
    });
    let calculated = crate::settlement::read_scenario(&document.to_string()).unwrap();
    let outcome = crate::settlement::settle(&calculated).unwrap();
    let json = crate::settlement::canonical_json(&outcome).unwrap();
    assert_eq!(json.as_bytes(), &kept[..]);
    assert_eq!(ContentHash::of(json.as_bytes()), row.result_hash);
}
