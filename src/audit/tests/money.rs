//! A settled period: values and money are worked out again, and every account is compared.

use std::num::NonZero;

use bytes::Bytes;

use super::{Shown, told};
use crate::audit::{AccountBalance, Report, Verdict};
use crate::book::Account;
use crate::domain::{Action, ContentHash, ImportWeights, Money, OpenPool, Settle, ThingId};
use crate::ledger::testing::{Scenario, action};
use crate::ledger::{AccountRow, State, Verdict as Decision};
use crate::valuation::{
    Contribution, FeatureTable, Input, Inputs, METHODS, Method, Question, Rows, Seed,
    VALUE_TABLE_FORMAT, ValueTable, value_contributions,
};

const VALIDATION: &str = "label,x,y\na,0,0\nb,9,9\n";
const PROVIDER: &str = "label,x,y\na,0,1\nb,9,8\n";
const LAB: &str = "label,x,y\na,0,1\nb,8,8\nb,7,9\n";

/// A settled ledger: the scenario, and the indices of the entries that tests tamper with.
struct Settled {
    scenario: Scenario,
    revenue: usize,
    import: usize,
}

impl Settled {
    fn shown(&self) -> Shown {
        Shown::of(&self.scenario)
    }

    fn accounts(&self) -> Vec<AccountBalance> {
        let rows = State::new(&self.scenario.view)
            .list::<AccountRow>(&[])
            .unwrap();
        let account = |(key, row): (Vec<u8>, AccountRow)| {
            let name = String::from_utf8(key[..key.len() - 1].to_vec()).unwrap();
            let currency = name.parse::<Account>().unwrap().currency;
            AccountBalance {
                name,
                balance: Money {
                    minor_units: row.balance,
                    currency,
                },
                last_index: row.last_index,
            }
        };
        rows.into_iter().map(account).collect()
    }
}

fn table(text: &str) -> FeatureTable {
    let sources = std::collections::BTreeMap::<ContentHash, Bytes>::new();
    crate::audit::Sources::table(&sources, text.as_bytes()).unwrap()
}

/// Records a contribution whose bytes are a table.
fn record(scenario: &mut Scenario, party: &str, name: &str, rows: &str) -> ThingId {
    let Action::RecordContribution(mut record) = action(scenario, party, &format!("record {name}"))
    else {
        panic!("a contribution is recorded");
    };
    record.content_hash = scenario.attach(rows);
    scenario.submit(party, record).unwrap()
}

fn by_rows() -> Method {
    let neighbours = NonZero::<u64>::MIN;
    Method::nearest(Question::RowKnnShapley, neighbours, Some(vec![7; 32]))
}

/// Values the two contributions as the evaluator does, and lets `bend` change the table.
fn value_table(
    (provider, lab): (ThingId, ThingId),
    method: &Method,
    bend: impl FnOnce(&mut ValueTable),
) -> ValueTable {
    let (of_provider, of_lab) = (table(PROVIDER), table(LAB));
    let contribution = |id, owner: &str, place, table| Contribution {
        id,
        owner: owner.parse().unwrap(),
        place: (place, 0),
        used: true,
        rows: Rows::Table(table),
    };
    let contributions = [
        contribution(provider, "provider", 1, &of_provider),
        contribution(lab, "lab", 2, &of_lab),
    ];
    let inputs = Inputs {
        contributions: &contributions,
        validation: Some(&table(VALIDATION)),
        costs: &[("provider".parse().unwrap(), 2_000)].into(),
    };
    let values = value_contributions(&inputs, method, &|_| ()).unwrap();
    let input = |contribution, kind: &str, text: &str| Input {
        contribution,
        hash: ContentHash::of(text.as_bytes()),
        kind: kind.to_owned(),
    };
    let mut inputs = vec![
        input(None, "validation", VALIDATION),
        input(Some(provider), "rows", PROVIDER),
        input(Some(lab), "rows", LAB),
    ];
    inputs.sort();
    let mut table = ValueTable {
        contributions: values.lines,
        denominator: values.denominator,
        format: VALUE_TABLE_FORMAT.to_owned(),
        inputs,
        method: method.name().to_owned(),
        owners: values.owners,
        parameters: method.parameters(),
        period: "2026-10".parse().unwrap(),
        pool: "solar".parse().unwrap(),
        rules: 1,
        seed: method.seed().map(|seed| Seed {
            from: "seed chosen by the operator".to_owned(),
            hex: hex::encode(seed),
        }),
    };
    bend(&mut table);
    let weights = table.weights_of_values().unwrap();
    for (line, weight) in table.contributions.iter_mut().zip(weights) {
        line.weight = weight;
    }
    table
}

/// Returns a ledger on which a period with a receipt of `amount` is settled by row values.
fn settled(amount: &str, bend: impl FnOnce(&mut ValueTable)) -> Settled {
    settled_by(&by_rows(), amount, bend)
}

fn settled_by(method: &Method, amount: &str, bend: impl FnOnce(&mut ValueTable)) -> Settled {
    let mut scenario = Scenario::peopled();
    scenario.check("operator publish plain fee=500 classes=direct -> ok");
    let validation = scenario.attach(VALIDATION);
    let Action::OpenPool(open) = action(&mut scenario, "operator", "open solar") else {
        panic!("a pool is opened");
    };
    let open = OpenPool {
        validation_hash: Some(validation),
        ..open
    };
    scenario.submit("operator", open).unwrap();
    let provider = record(&mut scenario, "provider", "digits@1", PROVIDER);
    let lab = record(&mut scenario, "lab", "digits@1", LAB);
    scenario.check(
        "payer use solar 2026-10 provider/digits@1 lab/digits@1 -> ok
         provider claim provider/digits@1 direct 30.00 CNY -> ok
         operator approve 0 20.00 CNY -> ok",
    );
    let revenue = scenario.accepted.len();
    let post = format!("operator post solar 2026-10 receipt {amount} CNY invoice-1");
    assert_eq!(scenario.run(&post), "ok");
    let table = value_table((provider, lab), method, bend);
    let import = scenario.accepted.len();
    let text = String::from_utf8(table.encode().unwrap()).unwrap();
    let import_weights = ImportWeights {
        pool: table.pool.clone(),
        period: table.period,
        method: table.method.clone(),
        parameters: table.parameters_json().unwrap(),
        validation_hash: Some(validation),
        table_hash: scenario.attach(&text),
    };
    let valuation = scenario.submit("evaluator", import_weights).unwrap();
    scenario.check("operator freeze solar 2026-10 -> ok");
    settle(&mut scenario, valuation);
    Settled {
        scenario,
        revenue,
        import,
    }
}

/// Settles with the result that the first attempt is told of.
fn settle(scenario: &mut Scenario, valuation: ThingId) {
    let settle = |result_hash| Settle {
        pool: "solar".parse().unwrap(),
        period: "2026-10".parse().unwrap(),
        valuation,
        result_hash,
    };
    let preview = scenario.sign("operator", settle(ContentHash([0; 32])));
    let Ok(Decision::Rejected(rejection)) = scenario.decide(&preview) else {
        panic!("a settlement names its result");
    };
    let fact = rejection
        .facts
        .iter()
        .find(|(name, _)| *name == "result_hash");
    let (_, hash) = fact.unwrap_or_else(|| panic!("{rejection}"));
    scenario
        .submit("operator", settle(hash.parse().unwrap()))
        .unwrap();
}

fn audit(shown: &Shown, accounts: &[AccountBalance]) -> Report {
    shown.audit_with(4, &[], accounts)
}

#[test]
fn a_settled_ledger_is_equal() {
    let settled = settled("1000.00", |_| {});
    let accounts = settled.accounts();
    let report = audit(&settled.shown(), &accounts);
    assert_eq!(told(&report), Vec::<String>::new());
    assert_eq!(report.verdict(), Verdict::Equal);
    assert_eq!(
        (report.checked.valuations, report.checked.settlements),
        (1, 1)
    );
    assert!(accounts.len() > 3);
    assert_eq!(report.checked.accounts, accounts.len() as u64);
    assert_eq!(report.not_checked, []);
}

#[test]
fn every_account_that_differs_is_named() {
    let settled = settled("1000.00", |_| {});
    let honest = settled.accounts();
    let shown = settled.shown();
    for (number, account) in honest.iter().enumerate() {
        let found = format!("account {}: ACCOUNT_DIFFERS", account.name);
        let mut raised = honest.clone();
        raised[number].balance.minor_units += 1;
        assert_eq!(told(&audit(&shown, &raised)), std::slice::from_ref(&found));
        let mut later = honest.clone();
        later[number].last_index += 1;
        assert_eq!(told(&audit(&shown, &later)), std::slice::from_ref(&found));
        let mut left_out = honest.clone();
        left_out.remove(number);
        assert_eq!(told(&audit(&shown, &left_out)), [found]);
    }
    let mut added = honest;
    added[0].name = "payable/ghost/CNY".to_owned();
    assert_eq!(told(&audit(&shown, &added)).len(), 2);
}

#[test]
fn a_raised_amount_is_found_by_the_settlement_or_by_a_receipt() {
    let honest = settled("1000.00", |_| {});
    let mut shown = honest.shown();
    shown.change(honest.revenue, |command| {
        let Action::PostRevenue(post) = &mut command.action else {
            panic!("revenue is posted");
        };
        post.amount.minor_units += 100_000;
    });
    shown.sign();
    let last = shown.leaves.len() - 1;
    let report = audit(&shown, &honest.accounts());
    assert_eq!(told(&report), [format!("entry {last}: ENTRY_REFUSED")]);
    assert!(report.findings[0].message.contains("RESULT_DIFFERS"));

    // The operator settles anew as well: the log is consistent, and a receipt exposes it.
    let rewritten = settled("2000.00", |_| {});
    let shown = rewritten.shown();
    let kept = [honest.shown().receipt(honest.revenue)];
    let report = shown.audit_with(4, &kept, &rewritten.accounts());
    let receipt = format!("receipt of entry {}: RECEIPT_CONTRADICTED", honest.revenue);
    let root = format!("checkpoint of size {}: RECEIPT_CONTRADICTED", last + 1);
    assert_eq!(told(&report), [receipt, root]);
    let message = &report.findings[0].message;
    let raised = "post_revenue.amount.minor_units is 200000, not 100000";
    assert!(message.contains(raised), "{message}");
    assert_eq!(
        told(&audit(&shown, &rewritten.accounts())),
        Vec::<String>::new()
    );
}

#[test]
fn a_value_that_does_not_follow_from_the_rows_is_found() {
    let bent = settled("1000.00", |table| table.contributions[0].value += 1 << 61);
    let report = audit(&bent.shown(), &bent.accounts());
    let place = format!("entry {}: VALUATION_DIFFERS", bent.import);
    // The value of one contribution, and the weights of both.
    assert_eq!(told(&report), [place.clone(), place.clone(), place]);
    let message = &report.findings[0].message;
    assert!(
        message.starts_with("the value of ") && message.contains("but comes to"),
        "{message}"
    );
}

#[test]
fn every_method_is_worked_out_again() {
    for line in METHODS {
        for rule in line.rules {
            let value = |name: &str| match name {
                "duplicates" => rule.name(),
                "ties" => "seed",
                _ => "2",
            };
            let named = line.parameters.iter();
            let named = named.map(|name| ((*name).to_owned(), value(name).to_owned()));
            let seed = line.parameters.contains(&"ties").then(|| vec![7; 32]);
            let method = Method::read(line.name, &named.collect(), seed).unwrap();
            let settled = settled_by(&method, "1000.00", |_| {});
            let report = audit(&settled.shown(), &settled.accounts());
            assert_eq!(told(&report), Vec::<String>::new(), "{method:?}");
            assert_eq!(report.checked.valuations, 1, "{:?}", report.not_checked);
        }
    }
}

#[test]
fn the_value_of_an_owner_is_worked_out_again() {
    let seed = Some(vec![7; 32]);
    let method = Method::nearest(Question::ProviderKnnShapley, NonZero::<u64>::MIN, seed);
    let bent = settled_by(&method, "1000.00", |table| {
        table.owners.as_mut().unwrap()[0].value += 1 << 61;
    });
    let report = audit(&bent.shown(), &bent.accounts());
    let messages: Vec<&str> = report
        .findings
        .iter()
        .map(|one| one.message.as_str())
        .collect();
    let [first, second, value] = messages[..] else {
        panic!("{messages:?}");
    };
    assert!(first.starts_with("the weight of ") && second.starts_with("the weight of "));
    assert!(
        value.starts_with("the value of the owner lab is "),
        "{value}"
    );
}

#[test]
fn what_cannot_be_had_is_said_or_found() {
    let settled = settled("1000.00", |_| {});
    let accounts = settled.accounts();
    let mut shown = settled.shown();
    shown.blobs.remove(&ContentHash::of(LAB.as_bytes()));
    let report = audit(&shown, &accounts);
    assert_eq!(report.verdict(), Verdict::Equal);
    assert_eq!(report.checked.valuations, 0);
    let expected = format!(
        "the valuation of solar 2026-10 in entry {}: the rows of lab/digits@1 cannot be had: it \
         is not stored",
        settled.import
    );
    assert_eq!(report.not_checked[0].to_string(), expected);

    let entry = &settled.scenario.accepted[settled.import];
    let Action::ImportWeights(import) = &entry.command.action else {
        panic!("weights are imported");
    };
    shown.blobs.remove(&import.table_hash);
    let report = audit(&shown, &accounts);
    assert_eq!(
        told(&report),
        [format!("entry {}: ATTACHMENT_MISSING", settled.import)]
    );

    // Other bytes under the hash are as good as none.
    shown
        .blobs
        .insert(import.table_hash, Bytes::from_static(b"{}"));
    let report = audit(&shown, &accounts);
    assert_eq!(
        told(&report),
        [format!("entry {}: ATTACHMENT_MISSING", settled.import)]
    );
    assert!(
        report.findings[0]
            .message
            .contains("sent bytes with the hash")
    );
}
