//! What a value table must say: that of its command or request, of the contributions in use.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    ContentHash, ImportWeights, PartyName, Period, PoolName, Reason, Rejection, ThingId, Violation,
};
use crate::ledger::decide::{Stop, refuse};
use crate::ledger::rows::{Locator, PartyRow, ValuationRequestRow};
use crate::ledger::state::State;
use crate::ledger::view::ViewFault;
use crate::ledger::{Attachments, find};
use crate::valuation::{DuplicateRule, Line, Listed, ValueTable, ValueTableError};

/// The most violations that a refused table is answered with.
pub const TABLE_VIOLATIONS_MAX: usize = 100;

/// The kind of input that a validation set is in a table.
const VALIDATION: &str = "validation";

/// Reads the table under a hash.
///
/// # Errors
/// `ATTACHMENT_MISSING`, or `ATTACHMENT_INVALID` with what is wrong with it.
pub(crate) fn read(attachments: &dyn Attachments, hash: &ContentHash) -> Result<ValueTable, Stop> {
    let Some(bytes) = attachments.get(hash) else {
        let message = format!("the value table {hash} is not stored; upload it first");
        return refuse(Reason::AttachmentMissing, message);
    };
    ValueTable::parse(&bytes).map_err(|error| {
        let mut texts = match error {
            ValueTableError::Refused(texts) => texts,
            ValueTableError::Json(cause) => vec![format!("this is not a value table: {cause}")],
            other => vec![other.to_string()],
        };
        texts.truncate(TABLE_VIOLATIONS_MAX);
        let violations = texts.into_iter().map(|text| Violation::new("table", text));
        Rejection::with_violations(Reason::AttachmentInvalid, violations.collect()).into()
    })
}

/// What a command, or the request that it answers, says of a table.
pub(crate) struct Described<'a> {
    /// The pool.
    pub pool: &'a PoolName,
    /// The period.
    pub period: Period,
    /// The method.
    pub method: &'a str,
    /// The parameters as canonical JSON.
    pub parameters: &'a str,
    /// The validation set; none where the method needs none.
    pub validation_hash: Option<ContentHash>,
}

impl<'a> Described<'a> {
    /// Returns what an import says.
    pub fn of_import(import: &'a ImportWeights) -> Self {
        Self {
            pool: &import.pool,
            period: import.period,
            method: &import.method,
            parameters: &import.parameters,
            validation_hash: import.validation_hash,
        }
    }

    /// Returns what a request says.
    pub fn of_request(request: &'a ValuationRequestRow) -> Self {
        Self {
            pool: &request.pool,
            period: request.period,
            method: &request.method,
            parameters: &request.parameters,
            validation_hash: request.validation_hash,
        }
    }
}

/// Checks that a table is the one that its command describes, and that its weights follow from
/// its values.
///
/// # Errors
/// `ATTACHMENT_INVALID` with everything that differs.
pub(crate) fn check_described(
    described: &Described<'_>,
    table: &ValueTable,
    rules_version: u32,
) -> Result<(), Stop> {
    let mut found = Vec::new();
    let mut same = |holds: bool, path: &str, text: String| {
        if !holds {
            found.push(Violation::new(format!("table.{path}"), text));
        }
    };
    let names = |what: &dyn std::fmt::Display, other: &dyn std::fmt::Display| {
        format!("is {what}, the command says {other}")
    };
    let pool = names(&table.pool, &described.pool);
    same(table.pool == *described.pool, "pool", pool);
    let period = names(&table.period, &described.period);
    same(table.period == described.period, "period", period);
    let method = names(&table.method, &described.method);
    same(table.method == described.method, "method", method);
    let parameters = table.parameters_json().unwrap_or_default();
    let text = names(&parameters, &described.parameters);
    same(parameters == described.parameters, "parameters", text);
    let text = format!("is {}; version {rules_version} is in force", table.rules);
    same(table.rules == rules_version, "rules", text);
    let validation: Vec<ContentHash> = table
        .inputs
        .iter()
        .filter(|input| input.kind == VALIDATION)
        .map(|input| input.hash)
        .collect();
    let named: Vec<ContentHash> = described.validation_hash.into_iter().collect();
    let text = "names another validation set than the command".to_owned();
    same(validation == named, "inputs", text);
    let text = "do not follow from the values by the rule of docs/valuation.md".to_owned();
    same(weights_follow(table), "contributions.weight", text);
    if found.is_empty() {
        return Ok(());
    }
    Err(Rejection::with_violations(Reason::AttachmentInvalid, found).into())
}

fn weights_follow(table: &ValueTable) -> bool {
    let stated = table.contributions.iter().map(|line| line.weight);
    table
        .weights_of_values()
        .is_ok_and(|weights| stated.eq(weights))
}

/// Checks that the validation set is the pool's, and is named by a method that needs one.
///
/// # Errors
/// `VALUATION_MISMATCH`.
pub(crate) fn check_validation(
    described: &Described<'_>,
    of_pool: Option<ContentHash>,
) -> Result<(), Stop> {
    match (described.validation_hash, of_pool) {
        (Some(named), Some(of_pool)) if named == of_pool => Ok(()),
        (Some(_), Some(of_pool)) => {
            let message = format!("the pool was opened with the validation set {of_pool}");
            refuse(Reason::ValuationMismatch, message)
        }
        (Some(_), None) => {
            let message = "the pool was opened without a validation set, so none can be used";
            refuse(Reason::ValuationMismatch, message)
        }
        (None, _) => match Listed::named(described.method) {
            Some(line) if line.needs_validation => {
                let message = format!("{} needs the validation set of the pool", line.name);
                refuse(Reason::ValuationMismatch, message)
            }
            Some(_) | None => Ok(()),
        },
    }
}

/// Returns the contributions of a table that join the run without being in use, having checked
/// the table against those in use.
///
/// A contribution in use has a line. One that is not may have a line only where the method says to
/// whom a row goes that several recorded: under `first` if it was recorded before another that is
/// in use, under a rule by which holders share always.
///
/// # Errors
/// `VALUATION_MISMATCH` with everything that differs; or a fault of the storage.
pub(crate) fn check_contributions(
    state: &State<'_>,
    table: &ValueTable,
    used: &BTreeMap<ThingId, Locator>,
) -> Result<BTreeSet<Locator>, Stop> {
    let mut found = Vec::new();
    let mut joining = BTreeSet::new();
    let newest = used.values().max().copied();
    let rule = table.parameters.get("duplicates");
    let rule = rule.and_then(|name| DuplicateRule::named(name));
    let mut valued = BTreeSet::new();
    for (place, line) in table.contributions.iter().enumerate() {
        valued.insert(line.contribution);
        let mut wrong = |text: String| {
            found.push(Violation::new(
                format!("table.contributions[{place}]"),
                text,
            ));
        };
        let Some((at, owner)) = recorded(state, line)? else {
            wrong(format!("{} is not recorded", line.contribution));
            continue;
        };
        if owner != line.owner {
            wrong(format!("the owner is {owner}, not {}", line.owner));
        }
        if used.contains_key(&line.contribution) {
            continue;
        }
        let may_join = match rule {
            Some(DuplicateRule::First) => newest.is_some_and(|newest| at < newest),
            Some(DuplicateRule::Equal | DuplicateRule::ProRata) => true,
            None => false,
        };
        if may_join {
            joining.insert(at);
        } else {
            wrong(format!("{} is not in use", line.contribution));
        }
    }
    for id in used.keys().filter(|id| !valued.contains(id)) {
        let text = format!("{id} is in use and has no line");
        found.push(Violation::new("table.contributions", text));
    }
    if found.is_empty() {
        return Ok(joining);
    }
    found.truncate(TABLE_VIOLATIONS_MAX);
    Err(Rejection::with_violations(Reason::ValuationMismatch, found).into())
}

fn recorded(state: &State<'_>, line: &Line) -> Result<Option<(Locator, PartyName)>, ViewFault> {
    let Some((at, row)) = find::contribution(state, &line.contribution)? else {
        return Ok(None);
    };
    match state.get::<PartyRow>(&row.name.party)? {
        Some(party) => Ok(Some((at, party.beneficial_owner))),
        None => Err(ViewFault::new(format!(
            "the party of {} has no row",
            row.name
        ))),
    }
}
