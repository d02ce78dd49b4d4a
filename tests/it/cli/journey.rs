//! From founding to statement, each step a command that a person types.

use serde_json::Value;

use super::machine::{Machine, Service};

/// Contributes the file `rows.csv` as the first version of `rows`.
const CONTRIBUTE: [&str; 6] = [
    "contribute",
    "rows.csv",
    "--name",
    "rows@1",
    "--licence",
    "CC-BY-4.0",
];

struct Journey {
    machine: Machine,
    _service: Service,
}

impl Journey {
    fn begin() -> Self {
        let machine = Machine::new();
        machine.found().well();
        let service = machine.serve();
        for (who, role) in [
            ("school", "provider"),
            ("studio", "provider"),
            ("payer", "payer"),
            ("lab", "evaluator"),
        ] {
            machine.admit(&service, who, role);
        }
        Self {
            machine,
            _service: service,
        }
    }

    #[track_caller]
    fn run(&self, who: &str, line: &[&str]) -> Value {
        let line = [line, &["--output", "json"]].concat();
        self.machine.run(who, &line).well().json()
    }

    #[track_caller]
    fn text(&self, who: &str, line: &[&str]) -> String {
        self.machine.run(who, line).well().stdout
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn a_contribution_is_recorded_verified_and_found() {
    let journey = Journey::begin();
    let rows = "x,label\n1,a\n2,b\n";
    journey.machine.file("rows.csv", rows);
    let contribute = CONTRIBUTE;
    let recorded = journey.run("school", &[&contribute[..], &["--rows", "2"]].concat());
    assert_eq!(recorded["name"], "school/rows@1");
    let shown = journey.run("school", &["contribution", "show", text(&recorded["id"])]);
    assert_eq!(shown["stored"], true);
    assert_eq!(shown["content_hash"], recorded["content_hash"]);
    let hash = journey.text("school", &["hash", "rows.csv"]);
    assert!(hash.starts_with(text(&recorded["content_hash"])), "{hash}");
    let verify = ["verify", "rows.csv", "--contribution", "school/rows@1"];
    journey.text("school", &verify);
    let found = journey.run("operator", &["contribution", "search", "rows.csv"]);
    assert_eq!(found["items"][0]["name"], "school/rows@1");
    let again = journey.machine.run("school", &contribute).ended_with(3);
    assert!(again.starts_with("error: NAME_TAKEN"), "{again}");
    journey.machine.file("rows.csv", "x,label\n1,a\n2,c\n");
    let changed = journey.machine.run("school", &verify).ended_with(1);
    assert!(changed.contains("was recorded with hash"), "{changed}");
    let hidden = ["contribution", "show", "school/rows@1"];
    let hidden = journey.machine.run("studio", &hidden).ended_with(3);
    assert!(
        hidden.contains("or none that the caller may see"),
        "{hidden}"
    );
}

#[test]
fn a_commitment_becomes_stored_when_its_owner_uploads_it() {
    let journey = Journey::begin();
    journey.machine.file("rows.csv", "secret\n");
    let contribute = CONTRIBUTE;
    journey.run("school", &[&contribute[..], &["--commitment"]].concat());
    let show = ["contribution", "show", "school/rows@1"];
    assert_eq!(journey.run("school", &show)["stored"], false);
    journey.run("school", &["contribution", "upload", "rows.csv"]);
    assert_eq!(journey.run("school", &show)["stored"], true);
}

#[test]
fn consent_is_asked_for_granted_and_revoked() {
    let journey = Journey::begin();
    journey.machine.file("rows.csv", "1\n");
    let contribute = CONTRIBUTE;
    let parent = journey.run("school", &contribute);
    let child = format!("{}=500", text(&parent["id"]));
    let derive = [
        "contribute",
        "rows.csv",
        "--name",
        "clean@1",
        "--licence",
        "CC-BY-4.0",
        "--kind",
        "cleaning",
        "--parent",
        &child,
    ];
    let refused = journey.machine.run("studio", &derive).ended_with(3);
    assert!(refused.starts_with("error: CONSENT_MISSING"), "{refused}");
    let grant = [
        "contribution",
        "grant",
        "school/rows@1",
        "--child",
        "studio",
        "--from",
        "2026",
    ];
    journey.run("school", &grant);
    let derived = journey.run("studio", &derive);
    let shown = journey.run("studio", &["contribution", "show", text(&derived["id"])]);
    assert_eq!(shown["parents"][0]["contribution"], parent["id"]);
    let revoke = [
        "contribution",
        "revoke",
        "school/rows@1",
        "--child",
        "studio",
        "--from",
        "2027",
    ];
    journey.run("school", &revoke);
    let withdraw = [
        "contribution",
        "withdraw",
        "school/rows@1",
        "--from",
        "2026-12",
    ];
    journey.run("school", &withdraw);
    let listed = journey.text("school", &["contribution", "list"]);
    assert!(listed.contains("withdrawn from 2026-12"), "{listed}");
}

#[test]
fn money_goes_from_the_payer_to_the_statement() {
    let journey = Journey::begin();
    let both = record_both(&journey);
    open_pool(&journey);
    let declare = ["use", "declare", "solar", "2026-10", &both[0].0, &both[1].0];
    journey.run("payer", &declare);
    let post = [
        "revenue",
        "post",
        "solar",
        "2026-10",
        "1050.03 CNY",
        "--reference",
        "invoice 7",
    ];
    journey.run("payer", &post);
    let twice = journey.machine.run("payer", &post).ended_with(3);
    assert!(twice.starts_with("error: REFERENCE_TAKEN"), "{twice}");
    claim_cost(&journey);
    let table = value_table(&both);
    journey.machine.file("table.json", &table);
    let valuation = journey.run("lab", &["valuation", "import", "table.json"]);
    journey.run("operator", &["pool", "freeze", "solar", "2026-10"]);
    let of = ["solar", "2026-10", "--valuation", text(&valuation["id"])];
    let preview = journey.run("operator", &[&["settlement", "preview"], &of[..]].concat());
    let wrong = "22".repeat(32);
    let run = [&["settlement", "run"], &of[..], &["--result", &wrong]].concat();
    journey.machine.run("operator", &run).ended_with(2);
    let result = text(&preview["result_hash"]);
    let run = [&["settlement", "run"], &of[..], &["--result", result]].concat();
    journey.run("operator", &run);
    let lines = ["settlement", "show", "solar", "2026-10", "--lines"];
    assert_eq!(
        journey.run("operator", &lines)["settlement"]["result_hash"],
        result
    );
    let statement = journey.text("school", &["statement", "2026-10"]);
    insta::assert_snapshot!(statement);
    let explained = journey.text("school", &["explain", "school/rows@1"]);
    assert!(explained.contains("fenrun log show"), "{explained}");
    journey.run("school", &lines);
    pay_out(&journey);
    let hidden = ["statement", "2026-10", "--of", "school"];
    journey.machine.run("studio", &hidden).ended_with(3);
}

/// Pays the school: once it fails, once it is paid, and nothing is paid twice.
fn pay_out(journey: &Journey) {
    let due = journey.run("school", &["payout", "due"]);
    let due = &due["items"][0];
    assert_eq!(due["payable"], due["payable_now"]);
    let issue = ["payout", "issue", "school", "--reference", "order-1"];
    let issued = journey.run("operator", &issue);
    let refused = journey.machine.run("operator", &issue).ended_with(2);
    assert!(refused.contains("nothing can be paid"), "{refused}");
    let amount = due["payable"]["minor_units"].as_i64().unwrap();
    let again = format!("{}.{:02} CNY", amount / 100, amount % 100);
    let twice = [&issue[..3], &[&again], &issue[3..]].concat();
    let refused = journey.machine.run("operator", &twice).ended_with(3);
    assert!(refused.starts_with("error: NOT_PAYABLE"), "{refused}");
    let payout = text(&issued["id"]);
    journey.run(
        "operator",
        &["payout", "fail", payout, "--reason", "account closed"],
    );
    let settle = ["payout", "settle", payout, "--bank-reference", "bank-1"];
    let refused = journey.machine.run("operator", &settle).ended_with(3);
    assert!(refused.starts_with("error: PAYOUT_DECIDED"), "{refused}");
    let issue = ["payout", "issue", "school", "--reference", "order-2"];
    let issued = journey.run("operator", &issue);
    let payout = text(&issued["id"]);
    journey.run(
        "operator",
        &["payout", "settle", payout, "--bank-reference", "bank-1"],
    );
    let listed = journey.run("school", &["payout", "list", "--state", "settled"]);
    assert_eq!(listed["items"][0]["bank_reference"], "bank-1");
    let balance = journey.run("school", &["book", "balance", "paid/school/CNY"]);
    assert_eq!(balance["balance"], due["payable"]);
    let accounts = journey.text("school", &["book", "accounts", "paid/"]);
    assert!(accounts.contains("paid/school/CNY"), "{accounts}");
    journey.text("school", &["book", "postings", "payable/school/CNY"]);
    let balance = journey.text("operator", &["book", "balance"]);
    assert!(balance.contains("CREDITS"), "{balance}");
    let exported = journey.text("operator", &["book", "export", "--format", "hledger"]);
    assert!(exported.contains("assets:paid:school"), "{exported}");
}

/// Records one contribution of each provider and returns ids and owners, ascending by id.
fn record_both(journey: &Journey) -> [(String, &'static str); 2] {
    let mut both = ["school", "studio"].map(|who| {
        journey.machine.file("rows.csv", &format!("{who}\n"));
        let recorded = journey.run(who, &CONTRIBUTE);
        (text(&recorded["id"]).to_owned(), who)
    });
    both.sort();
    both
}

fn open_pool(journey: &Journey) {
    journey.machine.file(
        "policy.json",
        r#"{"name": "plain", "time_zone": "Asia/Shanghai", "objection_days": 0,
            "operator_fee": {"bps": 500},
            "cost_recovery": {"tier_cap_bps": 4000, "classes": ["labelling"]}}"#,
    );
    let checked = journey.run("operator", &["policy", "check", "policy.json"]);
    let published = journey.run("operator", &["policy", "publish", "policy.json"]);
    assert_eq!(checked["policy_hash"], published["policy_hash"]);
    let policy = format!("2026-01={}", text(&published["policy_hash"]));
    journey.run(
        "operator",
        &[
            "pool",
            "open",
            "pools/solar",
            "--payer",
            "payer",
            "--evaluator",
            "lab",
            "--currency",
            "CNY",
            "--policy",
            &policy,
        ],
    );
}

fn claim_cost(journey: &Journey) {
    journey.machine.file("bill.txt", "20 hours of labelling\n");
    let claim = [
        "cost",
        "claim",
        "school/rows@1",
        "200.00 CNY",
        "--class",
        "labelling",
        "--evidence",
        "bill.txt",
    ];
    let claimed = journey.run("school", &claim);
    let more = [
        "cost",
        "claim",
        "school/rows@1",
        "1.001 CNY",
        "--class",
        "labelling",
        "--evidence",
        "bill.txt",
    ];
    let said = journey.machine.run("school", &more).ended_with(2);
    assert!(said.contains("CNY has 2 decimals"), "{said}");
    let approve = [
        "cost",
        "approve",
        text(&claimed["id"]),
        "150.00 CNY",
        "--reason",
        "15 hours",
    ];
    journey.run("operator", &approve);
    let listed = journey.text("school", &["cost", "list"]);
    assert!(listed.contains("200.00 CNY"), "{listed}");
    assert!(listed.contains("150.00 CNY"), "{listed}");
}

/// Returns a value table that gives the school three times the weight of the studio.
fn value_table(both: &[(String, &str); 2]) -> String {
    let lines = both.each_ref().map(|(id, owner)| {
        let (value, weight) = match *owner {
            "school" => (3, "750000000000"),
            _ => (1, "250000000000"),
        };
        format!(
            "{{\"contribution\":\"{id}\",\"copies\":0,\"owner\":\"{owner}\",\"rows\":1,\
             \"value\":\"{value}\",\"weight\":{weight}}}"
        )
    });
    format!(
        "{{\"contributions\":[{}],\"denominator\":\"4\",\"format\":\"fenrun-value-table/1\",\
         \"inputs\":[],\"method\":\"survey\",\"parameters\":{{}},\"period\":\"2026-10\",\
         \"pool\":\"solar\",\"rules\":1,\"seed\":null}}",
        lines.join(",")
    )
}
