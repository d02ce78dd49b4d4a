//! What a contribution's value comes from, worked out again: whose rows, and which validation rows
//! gave and took most.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::domain::{ContentHash, ThingId};
use crate::ledger::access::Caller;
use crate::ledger::decide::Attachments;
use crate::ledger::find;
use crate::ledger::rows::{Locator, ValuationRow};
use crate::ledger::state::State;
use crate::ledger::valuing::{Gathered, recorded};
use crate::ledger::view::ViewFault;
use crate::valuation::{
    Account, DuplicateRule, FeatureTable, Inputs, Line, Method, NearRows, ValueTable, account,
    quotient,
};

/// Reads stored bytes as a table of rows; what is wrong with them is said in words.
pub type RowReader<'a> = dyn Fn(&[u8]) -> Result<FeatureTable, String> + 'a;

/// The most bytes of contributions that are read to work a value out again.
const BYTES_MAX: u64 = 64 << 20;
/// The most work for one question, as [`work`] counts it: about a second of one processor.
const WORK_MAX: usize = 1_000_000_000;
/// How many validation rows are named that gave most, and as many that took most.
const POINTS_TOLD: usize = 3;

/// Why a value is not accounted for.
enum Unaccounted {
    Because(String),
    Fault(ViewFault),
}

impl From<ViewFault> for Unaccounted {
    fn from(fault: ViewFault) -> Self {
        Self::Fault(fault)
    }
}

/// Where a value comes from. The fields stand in the order of their bytes.
#[derive(Serialize)]
pub(super) struct Accounted {
    /// The sentences that say it.
    #[serde(skip)]
    pub sentences: Vec<String>,
    credited: u64,
    /// Why the value was not worked out again; none where it was.
    missing: Option<String>,
    near_again: Vec<NearShared>,
    near_before: Vec<NearShared>,
    points_given: Vec<Point>,
    points_taken: Vec<Point>,
    recorded_again: Vec<Shared>,
    recorded_before: Vec<Shared>,
}

/// What a validation row gave, a negative number if it took.
#[derive(Serialize)]
struct Point {
    /// The number of the validation row, from 0.
    row: usize,
    /// In multiples of 2^-62.
    value: String,
}

/// How many rows another contribution holds too.
#[derive(Serialize)]
struct Shared {
    /// Its name; none where the caller may not see it.
    contribution: Option<String>,
    rows: u64,
}

/// Rows that differ from another contribution's in one feature alone.
#[derive(Serialize)]
struct NearShared {
    /// Its name; none where the caller may not see it.
    contribution: Option<String>,
    /// The feature in which the first pair differs.
    feature: String,
    other_row: usize,
    row: usize,
    rows: u64,
}

/// Works values out again for a caller.
pub(super) struct Accounting<'a> {
    pub state: &'a State<'a>,
    pub caller: &'a Caller,
    pub attachments: &'a dyn Attachments,
    pub rows: &'a RowReader<'a>,
}

impl Accounting<'_> {
    /// Accounts for a line of a valuation's table, or says why not.
    pub fn account(
        &self,
        (at, valuation): (Locator, &ValuationRow),
        table: &ValueTable,
        line: &Line,
    ) -> Result<Accounted, ViewFault> {
        let found = self
            .worked_out((at, valuation), table, line)
            .and_then(|(method, found)| Ok(self.told(&method, found)?));
        match found {
            Ok(accounted) => Ok(accounted),
            Err(Unaccounted::Fault(fault)) => Err(fault),
            Err(Unaccounted::Because(why)) => Ok(Accounted {
                sentences: vec![format!(
                    "Which validation rows gave it is not shown: {why}."
                )],
                credited: 0,
                missing: Some(why),
                near_again: Vec::new(),
                near_before: Vec::new(),
                points_given: Vec::new(),
                points_taken: Vec::new(),
                recorded_again: Vec::new(),
                recorded_before: Vec::new(),
            }),
        }
    }

    fn worked_out(
        &self,
        (at, valuation): (Locator, &ValuationRow),
        table: &ValueTable,
        line: &Line,
    ) -> Result<(Method, Account), Unaccounted> {
        let because = |why: &str| Unaccounted::Because(why.to_owned());
        let method = Method::of(table).map_err(|error| Unaccounted::Because(error.to_string()))?;
        let rows_of: BTreeSet<ThingId> = table
            .inputs
            .iter()
            .filter(|input| input.kind == "rows")
            .filter_map(|input| input.contribution)
            .collect();
        let mut recorded = recorded(self.state)?;
        recorded.retain(|id, _| rows_of.contains(id));
        let bytes = recorded.values().map(|one| one.row.content_bytes);
        if bytes.fold(0, u64::saturating_add) > BYTES_MAX {
            return Err(because("its inputs are too large to be read for this"));
        }
        let validation = valuation.validation_hash;
        let validation = validation.map(|hash| self.read("the validation set", &hash));
        let validation = validation.transpose()?;
        let before = valuation.request.unwrap_or(at);
        let gathered = Gathered::of(self.state, valuation, before, recorded, |row| {
            self.read("a contribution", &row.content_hash)
        })?;
        let points = validation.as_ref().map_or(0, FeatureTable::rows);
        if work(&method, &gathered, points) > WORK_MAX {
            return Err(because(
                "its inputs are too many to be valued again for this",
            ));
        }
        let inputs = Inputs {
            contributions: &gathered.contributions(),
            validation: validation.as_ref(),
            costs: gathered.costs(),
        };
        let found = account(&inputs, &method, &line.contribution);
        let found = found.map_err(|error| Unaccounted::Because(error.to_string()))?;
        let found = found.ok_or_else(|| because("its rows are not among the inputs"))?;
        let sum: i128 = found.points.iter().map(|(_, value)| value).sum();
        let mut owners = table.owners.iter().flatten();
        let owner = owners.find(|one| one.owner == line.owner);
        let expected = owner.map_or(line.value, |one| one.value);
        let whole = method.duplicates() == DuplicateRule::First && method.passes() > 0;
        if whole && sum != expected {
            return Err(because("the value does not follow from the inputs"));
        }
        Ok((method, found))
    }

    fn read(&self, what: &str, hash: &ContentHash) -> Result<FeatureTable, Unaccounted> {
        let bytes = self.attachments.get(hash).ok_or_else(|| {
            Unaccounted::Because(format!(
                "the bytes of {what} that went in are not stored here"
            ))
        })?;
        (self.rows)(&bytes)
            .map_err(|_| Unaccounted::Because(format!("{what} that went in is no table of rows")))
    }

    fn told(&self, method: &Method, found: Account) -> Result<Accounted, ViewFault> {
        let before = self.shared(&found.recorded_before)?;
        let again = self.shared(&found.recorded_again)?;
        let mut by_value = found.points;
        by_value.sort_by_key(|(row, value)| (*value, *row));
        let taken = by_value.iter().take(POINTS_TOLD);
        let taken = taken.filter(|(_, value)| *value < 0);
        let given = by_value.iter().rev().take(POINTS_TOLD);
        let given = given.filter(|(_, value)| *value > 0);
        let mut sentences = Vec::new();
        let mut clusters = vec![format!(
            "it is credited with {} distinct rows",
            found.credited
        )];
        clusters.extend(before.iter().map(|one| one.told("recorded before by")));
        clusters.extend(again.iter().map(|one| one.told("recorded again later by")));
        sentences.push(format!("{}.", clusters.join("; ")));
        let near_before = self.near(&found.near_before)?;
        let near_again = self.near(&found.near_again)?;
        let told_before = near_before.iter().map(|one| one.told("recorded before"));
        let told_again = near_again.iter().map(|one| one.told("recorded later"));
        sentences.extend(told_before.chain(told_again));
        if !by_value.is_empty() {
            let whose = if method.values_owners() {
                "its owner"
            } else {
                "it"
            };
            sentences.push(format!(
                "Of the {} validation rows, whose mean is the value, these gave {whose} most: {}; \
                 these took most: {}.",
                by_value.len(),
                listed(given.clone()),
                listed(taken.clone()),
            ));
        }
        let point = |(row, value): &(usize, i128)| Point {
            row: *row,
            value: value.to_string(),
        };
        Ok(Accounted {
            credited: found.credited,
            missing: None,
            near_again,
            near_before,
            points_given: given.map(point).collect(),
            points_taken: taken.map(point).collect(),
            recorded_again: again,
            recorded_before: before,
            sentences,
        })
    }

    /// Names the contributions that the caller may see.
    fn shared(&self, counts: &BTreeMap<ThingId, u64>) -> Result<Vec<Shared>, ViewFault> {
        let mut shared = Vec::with_capacity(counts.len());
        for (id, rows) in counts {
            shared.push(Shared {
                contribution: self.name(id)?,
                rows: *rows,
            });
        }
        Ok(shared)
    }

    fn near(&self, found: &BTreeMap<ThingId, NearRows>) -> Result<Vec<NearShared>, ViewFault> {
        let mut shared = Vec::with_capacity(found.len());
        for (id, near) in found {
            shared.push(NearShared {
                contribution: self.name(id)?,
                feature: near.feature.clone(),
                other_row: near.other_row,
                row: near.row,
                rows: near.rows,
            });
        }
        Ok(shared)
    }

    fn name(&self, id: &ThingId) -> Result<Option<String>, ViewFault> {
        let Some((at, row)) = find::contribution(self.state, id)? else {
            return Ok(None);
        };
        let seen = self.caller.sees_contribution(self.state, at, &row)?;
        Ok(seen.then(|| row.name.to_string()))
    }
}

/// Counts the products of a feature of a row and a validation row, by which distances are made,
/// and where owners are the players the K by K table that each row may need at a validation row.
fn work(method: &Method, gathered: &Gathered, points: usize) -> usize {
    let neighbours = usize::try_from(method.neighbours().get()).unwrap_or(usize::MAX);
    let neighbours = neighbours.min(gathered.rows());
    let table = if method.values_owners() {
        neighbours.saturating_mul(neighbours)
    } else {
        0
    };
    let games = gathered.rows().saturating_mul(table);
    gathered
        .cells()
        .saturating_add(games)
        .saturating_mul(points)
}

impl Shared {
    fn told(&self, how: &str) -> String {
        let name = self
            .contribution
            .as_deref()
            .unwrap_or("another contribution");
        format!("{} of its rows were {how} {name}", self.rows)
    }
}

impl NearShared {
    fn told(&self, when: &str) -> String {
        let name = self
            .contribution
            .as_deref()
            .unwrap_or("another contribution");
        let (rows, row, other, feature) = (self.rows, self.row, self.other_row, &self.feature);
        format!(
            "{rows} pairs of its rows and rows of {name}, {when} by another owner, differ in one \
             feature alone: its row {row} and row {other} there in {feature}; nothing was taken \
             for that, and people decide."
        )
    }
}

fn listed<'p>(points: impl Iterator<Item = &'p (usize, i128)>) -> String {
    let one = std::num::NonZero::new(1u128 << 62).unwrap_or(std::num::NonZero::<u128>::MIN);
    let told = points.map(|(row, value)| format!("row {row} ({:+.4})", quotient(*value, one)));
    let told: Vec<String> = told.collect();
    if told.is_empty() {
        return "none".to_owned();
    }
    told.join(", ")
}
