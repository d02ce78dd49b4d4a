//! Values worked out again from the rows that they were computed from.
//!
//! A table says which bytes went in. The auditor takes the same ones, as the log has them, and
//! must come to the same lines, bit for bit. What the log cannot say is whether the bytes of a
//! contribution that is not among the inputs had been stored by then; the report says so instead.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, FindingKind, Place};
use super::receipts::chain;
use super::report::Report;
use super::sources::{CheckedSources, Sources};
use crate::domain::{ContentHash, PartyName, ThingId};
use crate::ledger::{
    Gathered, Locator, Recorded, State, ValuationRow, View, ViewFault, recorded, used,
};
use crate::valuation::{
    ContributionError, ContributionValues, Inputs, Line, Listed, Method, OwnerLine, ValueTable,
    value_contributions,
};

/// The kind of input that the rows of a contribution are in a table.
const ROWS: &str = "rows";

/// Why a valuation was not worked out again.
enum Unequal {
    /// Something is wrong with it.
    Wrong(String),
    /// Something that it needs is not to be had.
    Unknown(String),
}

impl From<ViewFault> for Unequal {
    fn from(fault: ViewFault) -> Self {
        Self::Wrong(chain(&fault))
    }
}

/// Works out the valuation of an entry again, on the rows after it: an imported one, or one that
/// the service was asked for.
pub(super) fn recompute<S: Sources>(
    view: &dyn View,
    sources: &CheckedSources<S>,
    index: u64,
    report: &mut Report,
) {
    let wrong = |message| Finding::new(FindingKind::ValuationDiffers, Place::Entry(index), message);
    let at = Locator { index, number: 0 };
    let valuation = match State::new(view).get::<ValuationRow>(&at) {
        Ok(Some(valuation)) => valuation,
        Ok(None) => return report.find(wrong("it has no row".to_owned())),
        Err(fault) => return report.find(wrong(chain(&fault))),
    };
    let what = format!(
        "the valuation of {} {} in entry {index}",
        valuation.pool, valuation.period
    );
    match Recomputation::of(view, sources, at, &valuation) {
        Ok(recomputation) => {
            for difference in recomputation.differences() {
                report.find(wrong(difference));
            }
            let counts = &mut report.checked;
            counts.valuations = counts.valuations.saturating_add(1);
            if recomputation.not_among_inputs > 0 {
                let count = recomputation.not_among_inputs;
                report.leave_out(
                    format!("whether {count} other contributions hold rows of {what}"),
                    "the log does not say whether their bytes were stored by then",
                );
            }
        }
        Err(Unequal::Wrong(message)) => report.find(wrong(message)),
        Err(Unequal::Unknown(why)) => report.leave_out(what, why),
    }
}

/// A table and what its inputs come to.
struct Recomputation {
    table: ValueTable,
    values: ContributionValues,
    not_among_inputs: usize,
}

impl Recomputation {
    fn of<S: Sources>(
        view: &dyn View,
        sources: &CheckedSources<S>,
        at: Locator,
        valuation: &ValuationRow,
    ) -> Result<Self, Unequal> {
        let unknown = |what: &str, why: &dyn std::fmt::Display| {
            Unequal::Unknown(format!("{what} cannot be had: {why}"))
        };
        let table = sources.blob(&valuation.table_hash);
        let table = table.map_err(|absent| unknown("its table", &absent))?;
        let table = ValueTable::parse(&table).map_err(|error| Unequal::Wrong(chain(&error)))?;
        let method = Method::of(&table).map_err(|error| Unequal::Unknown(error.to_string()))?;
        let validation = match &valuation.validation_hash {
            Some(hash) => {
                let rows = sources.table(hash);
                Some(rows.map_err(|why| unknown("its validation set", &why))?)
            }
            None if Listed::named(method.name()).is_some_and(|line| line.needs_validation) => {
                return Err(Unequal::Unknown("it names no validation set".to_owned()));
            }
            None => None,
        };
        let state = State::new(view);
        // What was recorded after a request takes no part in it.
        let before = valuation.request.unwrap_or(at);
        let mut recorded = recorded(&state)?;
        recorded.retain(|_, one| one.at < before);
        let used = used(&state, &valuation.pool, valuation.period)?;
        let inputs = inputs(&table, &recorded, &used)?;
        let all = recorded.len();
        recorded.retain(|id, _| inputs.contains(id));
        let not_among_inputs = all.saturating_sub(recorded.len());
        let gathered = Gathered::of(&state, valuation, before, recorded, |row| {
            let rows = sources.table(&row.content_hash);
            rows.map_err(|why| unknown(&format!("the rows of {}", row.name), &why))
        })?;
        let inputs = Inputs {
            contributions: &gathered.contributions(),
            validation: validation.as_ref(),
            costs: gathered.costs(),
        };
        let values = value_contributions(&inputs, &method, &|_| ());
        Ok(Self {
            values: values.map_err(|error: ContributionError| Unequal::Wrong(chain(&error)))?,
            table,
            not_among_inputs,
        })
    }

    /// Says what differs between the table and what its inputs come to.
    fn differences(&self) -> Vec<String> {
        let mut differences = Vec::new();
        let mut differs =
            |what: String, expected: &dyn std::fmt::Display, found: &dyn std::fmt::Display| {
                differences.push(format!(
                    "{what} is {found} in the table, but comes to {expected}"
                ));
            };
        let (expected, found) = (self.values.denominator, self.table.denominator);
        if expected != found {
            differs("the denominator".to_owned(), &expected, &found);
        }
        let by_id = |lines: &[Line]| -> BTreeMap<ThingId, Line> {
            lines
                .iter()
                .map(|line| (line.contribution, line.clone()))
                .collect()
        };
        let (expected, found) = (by_id(&self.values.lines), by_id(&self.table.contributions));
        let ids: BTreeSet<&ThingId> = expected.keys().chain(found.keys()).collect();
        for id in ids {
            match (expected.get(id), found.get(id)) {
                (Some(expected), Some(found)) => {
                    let of = |field: &str| format!("the {field} of {id}");
                    if expected.value != found.value {
                        differs(of("value"), &expected.value, &found.value);
                    }
                    if expected.weight != found.weight {
                        differs(of("weight"), &expected.weight, &found.weight);
                    }
                    if expected.rows != found.rows {
                        differs(of("number of rows"), &expected.rows, &found.rows);
                    }
                    if expected.copies != found.copies {
                        differs(of("number of copies"), &expected.copies, &found.copies);
                    }
                    if expected.owner != found.owner {
                        differs(of("owner"), &expected.owner, &found.owner);
                    }
                }
                (Some(_), None) => differs(format!("the line of {id}"), &"one", &"missing"),
                (None, _) => differs(format!("the line of {id}"), &"none", &"there"),
            }
        }
        let (expected, found) = (owners(&self.values.owners), owners(&self.table.owners));
        let names: BTreeSet<&PartyName> = expected.keys().chain(found.keys()).copied().collect();
        let told = |value: Option<&i128>| value.map_or("missing".to_owned(), i128::to_string);
        for name in names {
            let (expected, found) = (told(expected.get(name)), told(found.get(name)));
            if expected != found {
                differs(format!("the value of the owner {name}"), &expected, &found);
            }
        }
        differences
    }
}

/// Returns the values of owners, of whom there are none where they are not the players.
fn owners(lines: &Option<Vec<OwnerLine>>) -> BTreeMap<&PartyName, i128> {
    let lines = lines.iter().flatten();
    lines.map(|line| (&line.owner, line.value)).collect()
}

/// Returns the contributions whose rows went in, having checked them against the log.
fn inputs(
    table: &ValueTable,
    recorded: &BTreeMap<ThingId, Recorded>,
    used: &BTreeSet<Locator>,
) -> Result<BTreeSet<ThingId>, Unequal> {
    let mut inputs: BTreeMap<ThingId, ContentHash> = BTreeMap::new();
    for input in table.inputs.iter().filter(|input| input.kind == ROWS) {
        let Some(id) = input.contribution else {
            let message = format!("its rows {} are of no contribution", input.hash);
            return Err(Unequal::Wrong(message));
        };
        let Some(one) = recorded.get(&id) else {
            return Err(Unequal::Wrong(format!(
                "its rows are of {id}, which is not recorded"
            )));
        };
        if one.row.content_hash != input.hash {
            let (name, hash) = (&one.row.name, &one.row.content_hash);
            let message = format!(
                "its rows of {name} are {}, recorded were {hash}",
                input.hash
            );
            return Err(Unequal::Wrong(message));
        }
        inputs.insert(id, input.hash);
    }
    let left_out = recorded
        .values()
        .find(|one| used.contains(&one.at) && !inputs.contains_key(&one.row.id));
    match left_out {
        Some(one) => {
            let message = format!(
                "{} is in use, but its rows are not among the inputs",
                one.row.name
            );
            Err(Unequal::Wrong(message))
        }
        None => Ok(inputs.into_keys().collect()),
    }
}
