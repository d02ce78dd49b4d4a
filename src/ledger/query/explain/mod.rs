//! Why an amount is what it is: a line of a settlement, or a contribution with all its lines, as
//! facts for programs, as sentences for people, and down to the entries that it rests on.
//!
//! Of these entries only those are named that the caller may open.

mod account;
mod evidence;
mod sentences;

pub use account::RowReader;
pub use evidence::EvidenceEntry;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use self::account::{Accounted, Accounting};
use self::evidence::Evidence;
use self::sentences::{Teller, short};
use super::contributions::{Contribution, contribution};
use super::settlements::{Settlement, load, settlement, stored_result};
use super::statement::places_of;
use super::valuations::stored_table;
use crate::domain::{ContentHash, Currency, PartyName, Period, PoolName, ThingId};
use crate::ledger::access::Caller;
use crate::ledger::decide::{Attachments, Stop, not_found};
use crate::ledger::find;
use crate::ledger::rows::{SettlementRow, ValuationRow};
use crate::ledger::settling::{LineDocument, ResultDocument};
use crate::ledger::state::State;
use crate::ledger::view::{View, ViewFault};
use crate::valuation::Seed;

/// The most settlements that a contribution is explained by, the newest ones.
pub const EXPLAINED_SETTLEMENTS_MAX: usize = 24;

/// An explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The facts as canonical JSON: keys sorted, no white space.
    pub json: String,
    /// The same as sentences for people.
    pub sentences: Vec<String>,
    /// The entries that it rests on and that the caller may open, ascending.
    pub evidence: Vec<EvidenceEntry>,
}

/// The facts of one line. The fields stand in the order of their bytes.
#[derive(Serialize)]
struct ExplainedLine<'a> {
    currency: Currency,
    line: &'a RawValue,
    number: u64,
    output_root: String,
    period: Period,
    policy_hash: ContentHash,
    pool: &'a PoolName,
    result_hash: ContentHash,
    settled_index: u64,
    valuation: ThingId,
}

/// The facts of one contribution.
#[derive(Serialize)]
struct ExplainedContribution {
    content_hash: ContentHash,
    contribution: String,
    id: ThingId,
    recorded_index: u64,
    settlements: Vec<ContributionSettlement>,
}

/// What one settlement gave a contribution.
#[derive(Serialize)]
struct ContributionSettlement {
    currency: Currency,
    lines: Vec<NumberedLine>,
    period: Period,
    pool: PoolName,
    result_hash: ContentHash,
    settled_index: u64,
    value: ContributionValue,
}

#[derive(Serialize)]
struct NumberedLine {
    line: Box<RawValue>,
    number: u64,
}

/// What a contribution was valued at, and from what; values and the denominator may be beyond 64
/// bits.
#[derive(Serialize)]
struct ContributionValue {
    /// Where it comes from; none where it was not worked out again.
    account: Option<Accounted>,
    copies: u64,
    denominator: String,
    method: String,
    /// The beneficial owner's own value; none where owners are not the players.
    owner_value: Option<String>,
    parameters: BTreeMap<String, String>,
    rows: u64,
    /// How many contributions' rows went in.
    rows_of: usize,
    seed: Option<Seed>,
    table_hash: ContentHash,
    validation_hash: Option<ContentHash>,
    value: String,
    weight: u64,
}

impl ContributionValue {
    /// Tells value and weight, and what they follow from.
    fn sentences(&self, row: &SettlementRow, owner: &PartyName) -> [String; 2] {
        let (value, denominator) = (&self.value, &self.denominator);
        let valued = match &self.owner_value {
            None => format!("it by {} at {value} / {denominator}", self.method),
            Some(of_owner) => format!(
                "{owner} by {} at {of_owner} / {denominator} (the rows of this contribution come to \
                 {value})",
                self.method
            ),
        };
        let valued = format!(
            "In {} the pool {} valued {valued}, and gave it the weight {} of 10^12; {} of its {} \
             rows are copies.",
            row.period, row.pool, self.weight, self.copies, self.rows,
        );
        let mut from: Vec<String> = self
            .parameters
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        if let Some(seed) = &self.seed {
            from.push(format!("seed {} ({})", seed.hex, seed.from));
        }
        let rows_of = self.rows_of;
        from.push(format!("the rows of {rows_of} contributions"));
        if let Some(hash) = &self.validation_hash {
            from.push(format!("the validation set {}", short(&hash.to_string())));
        }
        let table = &self.table_hash;
        [
            valued,
            format!(
                "That rests on {}; the value table is {table}.",
                from.join(", ")
            ),
        ]
    }
}

/// Explains one line of a settlement by its number, from 0.
///
/// # Errors
/// `NOT_FOUND`, or a fault of the storage.
pub fn explain_line(
    view: &dyn View,
    caller: &Caller,
    attachments: &dyn Attachments,
    (pool, period): (&PoolName, Period),
    number: u64,
) -> Result<Explanation, Stop> {
    let settlement = settlement(view, caller, pool, period)?;
    let bytes = stored_result(attachments, &settlement.row)?;
    let document = ResultDocument::parse(&bytes)?;
    let place = usize::try_from(number).unwrap_or(usize::MAX);
    let raw = document.lines.get(place).copied();
    let line = raw.map(LineDocument::parse).transpose()?;
    let seen = |line: &LineDocument<'_>| caller.sees_line(line.party.as_deref());
    let (Some(raw), Some(line)) = (raw, line.filter(seen)) else {
        return not_found(format!("line {number} of {pool} in {period}"));
    };
    let facts = ExplainedLine {
        currency: settlement.row.currency,
        line: raw,
        number,
        output_root: settlement.row.output_root.to_string(),
        period,
        policy_hash: settlement.row.policy,
        pool,
        result_hash: settlement.row.result_hash,
        settled_index: settlement.at.index,
        valuation: settlement.valuation,
    };
    let state = State::new(view);
    let mut evidence = Evidence::new(&state, caller);
    evidence.settlement(&settlement)?;
    evidence.line(&settlement, &line)?;
    Ok(Explanation {
        json: written(&facts)?,
        sentences: vec![told(&state, caller, settlement.row.currency, &line)?],
        evidence: evidence.finish(),
    })
}

/// Explains a contribution by name, by its id in hex, or by digits of it.
///
/// The values of the newest settlement are worked out again, where the rows that they were computed
/// from are stored and not too many: what the caller is told of them is about its own contribution.
///
/// # Errors
/// As [`contribution`](super::contribution).
pub fn explain_contribution(
    view: &dyn View,
    caller: &Caller,
    (attachments, rows): (&dyn Attachments, &RowReader<'_>),
    reference: &str,
) -> Result<Explanation, Stop> {
    let found = contribution(view, caller, reference)?;
    let state = State::new(view);
    let mut evidence = Evidence::new(&state, caller);
    evidence.recorded(found.at, &found.row);
    let mut sentences = vec![recorded_sentence(&found)];
    let mut settlements = Vec::new();
    let party = &found.row.name.party;
    let places = if caller.sees_party(party) {
        places_of(&state, party)?
    } else {
        Vec::new()
    };
    let skipped = places.len().saturating_sub(EXPLAINED_SETTLEMENTS_MAX);
    let newest = places.last().copied();
    for at in places.into_iter().skip(skipped) {
        let settlement = load(&state, at)?;
        let mut part = Part {
            state: &state,
            caller,
            attachments,
            rows: (Some(at) == newest).then_some(rows),
            settlement: &settlement,
            evidence: &mut evidence,
            sentences: &mut sentences,
        };
        settlements.extend(part.explain(&found)?);
    }
    if settlements.is_empty() {
        sentences.push("No settlement that you may see has paid for it.".to_owned());
    }
    let facts = ExplainedContribution {
        content_hash: found.row.content_hash,
        contribution: found.row.name.to_string(),
        id: found.row.id,
        recorded_index: found.at.index,
        settlements,
    };
    Ok(Explanation {
        json: written(&facts)?,
        sentences,
        evidence: evidence.finish(),
    })
}

/// What one settlement has to do with a contribution.
struct Part<'a, 's> {
    state: &'a State<'a>,
    caller: &'a Caller,
    attachments: &'a dyn Attachments,
    /// Reads rows where the values are to be worked out again.
    rows: Option<&'a RowReader<'a>>,
    settlement: &'s Settlement,
    evidence: &'s mut Evidence<'a>,
    sentences: &'s mut Vec<String>,
}

impl Part<'_, '_> {
    /// Returns what the settlement gave the contribution; none where it is not in its run.
    fn explain(
        &mut self,
        found: &Contribution,
    ) -> Result<Option<ContributionSettlement>, ViewFault> {
        let row = &self.settlement.row;
        let bytes = stored_result(self.attachments, row)?;
        let document = ResultDocument::parse(&bytes)?;
        let id = found.row.id.to_string();
        if !document.shares.contains_key(&id) {
            return Ok(None);
        }
        self.evidence.settlement(self.settlement)?;
        self.evidence.valued(self.settlement)?;
        self.evidence.used(self.settlement, found.at)?;
        let value = self.value(found)?;
        let told = value.sentences(row, &found.beneficial_owner);
        self.sentences.extend(told);
        if let Some(Accounted { sentences, .. }) = &value.account {
            self.sentences.extend(sentences.iter().cloned());
        }
        let lines = self.lines(&document, &id, found.row.name.party.as_str())?;
        Ok(Some(ContributionSettlement {
            currency: row.currency,
            lines,
            period: row.period,
            pool: row.pool.clone(),
            result_hash: row.result_hash,
            settled_index: self.settlement.at.index,
            value,
        }))
    }

    /// Returns the lines of the contribution, and those of its party as a whole.
    fn lines(
        &mut self,
        document: &ResultDocument<'_>,
        id: &str,
        party: &str,
    ) -> Result<Vec<NumberedLine>, ViewFault> {
        let mut lines = Vec::new();
        for (number, raw) in (0_u64..).zip(&document.lines) {
            let line = LineDocument::parse(raw)?;
            let wanted = match &line.contribution {
                Some(contribution) => contribution == id,
                None => line.party.as_deref() == Some(party),
            };
            if wanted && self.caller.sees_line(line.party.as_deref()) {
                let currency = self.settlement.row.currency;
                self.evidence.line(self.settlement, &line)?;
                self.sentences
                    .push(told(self.state, self.caller, currency, &line)?);
                let line = (*raw).to_owned();
                lines.push(NumberedLine { line, number });
            }
        }
        Ok(lines)
    }

    fn value(&self, found: &Contribution) -> Result<ContributionValue, ViewFault> {
        let Some(valuation) = self
            .state
            .get::<ValuationRow>(&self.settlement.row.valuation)?
        else {
            return Err(ViewFault::new("the valuation of a settlement has no row"));
        };
        let table = stored_table(self.attachments, &valuation)?;
        let line = table
            .contributions
            .iter()
            .find(|line| line.contribution == found.row.id);
        let owner = &found.beneficial_owner;
        let of_owner = table
            .owners
            .iter()
            .flatten()
            .find(|one| one.owner == *owner);
        let rows_of = table.inputs.iter().filter(|input| input.kind == "rows");
        let account = match (self.rows, line) {
            (Some(rows), Some(line)) => {
                let accounting = Accounting {
                    state: self.state,
                    caller: self.caller,
                    attachments: self.attachments,
                    rows,
                };
                let valued = (self.settlement.row.valuation, &valuation);
                Some(accounting.account(valued, &table, line)?)
            }
            _ => None,
        };
        // An ancestor that was not used has no line in the table, and no value.
        Ok(ContributionValue {
            account,
            copies: line.map_or(0, |line| line.copies),
            denominator: table.denominator.to_string(),
            method: valuation.method,
            owner_value: of_owner.map(|one| one.value.to_string()),
            parameters: table.parameters.clone(),
            rows: line.map_or(0, |line| line.rows),
            rows_of: rows_of.count(),
            seed: table.seed.clone(),
            table_hash: valuation.table_hash,
            validation_hash: valuation.validation_hash,
            value: line.map_or(0, |line| line.value).to_string(),
            weight: line.map_or(0, |line| line.weight),
        })
    }
}

fn recorded_sentence(found: &Contribution) -> String {
    let row = &found.row;
    format!(
        "{} was recorded by entry {}: {} rows in {} bytes with the hash {}; {} stands behind it.",
        row.name,
        found.at.index,
        row.rows,
        row.content_bytes,
        row.content_hash,
        found.beneficial_owner,
    )
}

/// Tells a line, with the names of contributions that the caller may see.
fn told(
    state: &State<'_>,
    caller: &Caller,
    currency: Currency,
    line: &LineDocument<'_>,
) -> Result<String, ViewFault> {
    let mut names = Vec::new();
    let ids = [
        line.contribution.as_deref(),
        line.input("child"),
        line.input("parent"),
    ];
    for id in ids.into_iter().flatten() {
        let Ok(thing) = id.parse::<ThingId>() else {
            continue;
        };
        if let Some((at, row)) = find::contribution(state, &thing)?
            && caller.sees_contribution(state, at, &row)?
        {
            names.push((id, row.name.to_string()));
        }
    }
    let name = |id: &str| {
        let known = names.iter().find(|(known, _)| *known == id);
        known.map_or_else(|| short(id).to_owned(), |(_, name)| name.clone())
    };
    let teller = Teller {
        line,
        currency,
        name: &name,
    };
    Ok(teller.sentence())
}

fn written(facts: &impl Serialize) -> Result<String, ViewFault> {
    serde_json::to_string(facts)
        .map_err(|error| ViewFault::because("an explanation cannot be written", error))
}
