//! The lines about valuations and settlements.

use std::num::NonZero;

use super::lines::Words;
use super::*;
use crate::domain::{ImportWeights, PartyName, Period, PoolName, Settle};
use crate::ledger::Caller;
use crate::ledger::query::preview;
use crate::valuation::{Input, Line, VALUE_TABLE_FORMAT, ValueTable, weights};

impl Scenario {
    /// Returns the id of the valuation of a number, in the order in which they were imported from
    /// 0, and some unused id where there is none.
    pub fn valuation(&self, number: usize) -> ThingId {
        let imports = self.accepted.iter();
        let mut imports =
            imports.filter(|signed| matches!(signed.command.action, Action::ImportWeights(_)));
        imports
            .nth(number)
            .map_or(ThingId([6; 32]), |signed| signed.id.thing(0))
    }

    /// Returns the worked example of the specification as far as commands can make it, ready to be
    /// settled: without debt, eligible owners, hold and tax, which no command states yet.
    pub fn worked_example() -> Self {
        let mut scenario = Self::founded();
        scenario.check(
            "operator admit payer payer -> ok
                 operator admit auditor auditor -> ok
             operator admit evaluator evaluator -> ok
             operator admit aa provider -> ok
             operator admit bb provider -> ok
             operator admit cc provider -> ok
             operator admit ll provider -> ok
             aa record data@1 -> ok
             bb record data@1 -> ok
             cc record data@1 -> ok
             ll record labels@1 from=aa/data@1:2000,bb/data@1:1000 -> ok
             operator publish plain fee=500 classes=direct,labelling public=300 floor=500 cap=5000 \
                stack=5000 depth=8 offset=2500 minimum=10000 -> ok
             operator open solar policies=2026-10:plain -> ok
             payer use solar 2026-10 aa/data@1 bb/data@1 cc/data@1 ll/labels@1 -> ok
             payer post solar 2026-10 receipt 1050.03 CNY r1 -> ok
             payer post solar 2026-10 refund 50.00 CNY r2 -> ok
             aa claim aa/data@1 direct 200.00 CNY -> ok
             cc claim cc/data@1 direct 90.00 CNY -> ok
             bb claim bb/data@1 labelling 100.00 CNY -> ok
             ll claim ll/labels@1 labelling 250.00 CNY -> ok
             operator approve 0 200.00 CNY -> ok
             operator approve 1 90.00 CNY -> ok
             operator approve 2 100.00 CNY -> ok
             operator approve 3 250.00 CNY -> ok
             evaluator value solar 2026-10 aa/data@1:600 bb/data@1:20 cc/data@1:130 \
                ll/labels@1:250 -> ok
             operator freeze solar 2026-10 -> ok",
        );
        scenario
    }

    /// Returns a party as a caller.
    pub fn caller(&self, name: &str) -> Caller {
        let caller = Caller::load(&self.view, &name.parse().unwrap());
        caller.unwrap().unwrap()
    }

    /// Returns the beneficial owner of a party; the party itself where there is none.
    fn owner(&self, party: &PartyName) -> PartyName {
        let row = self.row::<PartyRow>(party);
        row.map_or_else(|| party.clone(), |row| row.beneficial_owner)
    }
}

/// Reads a verb about valuations and settlements; none where it is no such verb:
///
/// - `value POOL PERIOD CONTRIBUTION:VALUE... [method=] [validation=TEXT] [duplicates=first]
///   [spoil=FIELD]` imports values and the weights that follow from them, by the method
///   `metered`. FIELD is what is wrong: a field of the table, `bytes` (no table at all) or
///   `missing` (not stored)
/// - `settle POOL PERIOD [valuation=NUMBER] [result=other]` names what a preview gives, of the
///   last valuation unless another is named
pub(super) fn read_settlement_action(
    scenario: &mut Scenario,
    verb: &str,
    words: &Words<'_>,
) -> Option<Action> {
    match verb {
        "value" => Some(value(scenario, words).into()),
        "settle" => Some(settle(scenario, words).into()),
        _ => None,
    }
}

fn value(scenario: &mut Scenario, words: &Words<'_>) -> ImportWeights {
    let mut table = table(scenario, words.from(2), words.get("duplicates"));
    table.pool = words.at(0).parse().unwrap();
    table.period = words.at(1).parse().unwrap();
    table.method = words.get("method").unwrap_or("metered").to_owned();
    let validation = words.get("validation").map(|text| Input {
        contribution: None,
        hash: ContentHash::of(text.as_bytes()),
        kind: "validation".to_owned(),
    });
    table.inputs.extend(validation);
    let import = ImportWeights {
        pool: table.pool.clone(),
        period: table.period,
        method: table.method.clone(),
        parameters: table.parameters_json().unwrap(),
        validation_hash: words
            .get("validation")
            .map(|text| ContentHash::of(text.as_bytes())),
        table_hash: ContentHash([5; 32]),
    };
    match words.get("spoil") {
        Some("missing") => return import,
        Some("bytes") => {
            let table_hash = scenario.attach("{}");
            return ImportWeights {
                table_hash,
                ..import
            };
        }
        Some("pool") => table.pool = "other".parse().unwrap(),
        Some("period") => table.period = "2031-01".parse().unwrap(),
        Some("method") => table.method = "other".to_owned(),
        Some("parameters") => drop(table.parameters.insert("more".to_owned(), "1".to_owned())),
        Some("rules") => table.rules = 2,
        Some("inputs") => table.inputs.clear(),
        Some("owner") => table.contributions[0].owner = "ghost".parse().unwrap(),
        Some("weight") => {
            let swap = table.contributions[0].weight;
            table.contributions[0].weight = table.contributions[1].weight;
            table.contributions[1].weight = swap;
        }
        Some(other) => panic!("no field {other}"),
        None => {}
    }
    let text = String::from_utf8(table.encode().unwrap()).unwrap();
    let table_hash = scenario.attach(&text);
    ImportWeights {
        table_hash,
        ..import
    }
}

/// Returns a table of contributions with their values, by owners as they are.
pub(super) fn table(scenario: &Scenario, valued: &[&str], duplicates: Option<&str>) -> ValueTable {
    let mut lines: Vec<Line> = valued.iter().map(|text| line(scenario, text)).collect();
    lines.sort_by_key(|line| line.contribution);
    let values: Vec<_> = lines
        .iter()
        .map(|line| (line.contribution, line.owner.clone(), line.value))
        .collect();
    for (line, weight) in lines.iter_mut().zip(weights(&values).unwrap()) {
        line.weight = weight;
    }
    let parameters = duplicates.map(|rule| ("duplicates".to_owned(), rule.to_owned()));
    ValueTable {
        contributions: lines,
        denominator: NonZero::new(1_000).unwrap(),
        format: VALUE_TABLE_FORMAT.to_owned(),
        inputs: Vec::new(),
        method: "metered".to_owned(),
        owners: None,
        parameters: parameters.into_iter().collect(),
        period: "2026-01".parse().unwrap(),
        pool: "solar".parse().unwrap(),
        rules: 1,
        seed: None,
    }
}

fn line(scenario: &Scenario, text: &str) -> Line {
    let (name, value) = text.split_once(':').expect(text);
    let party = name.split_once('/').expect(name).0.parse().unwrap();
    Line {
        contribution: scenario.contribution(name),
        copies: 0,
        owner: scenario.owner(&party),
        rows: 10,
        value: value.parse().unwrap(),
        weight: 0,
    }
}

fn settle(scenario: &Scenario, words: &Words<'_>) -> Settle {
    let imports = scenario.accepted.iter();
    let imports =
        imports.filter(|signed| matches!(signed.command.action, Action::ImportWeights(_)));
    let last = imports.count().saturating_sub(1);
    let number = words
        .get("valuation")
        .map_or(last, |text| text.parse().unwrap());
    let valuation = scenario.valuation(number);
    let (pool, period): (PoolName, Period) =
        (words.at(0).parse().unwrap(), words.at(1).parse().unwrap());
    let previewed = preview(
        &scenario.view,
        &scenario.caller(OPERATOR),
        &scenario.attachments,
        &pool,
        period,
        &valuation.to_string(),
    );
    let mut result_hash = previewed.map_or(ContentHash([4; 32]), |preview| preview.result.hash);
    if words.get("result").is_some() {
        result_hash.0[0] ^= 1;
    }
    Settle {
        pool,
        period,
        valuation,
        result_hash,
    }
}
