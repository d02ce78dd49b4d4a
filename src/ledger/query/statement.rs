//! What one party is shown for one period: what each contribution earned and what it is owed.

use std::collections::BTreeMap;

use super::settlements::{Settlement, load, stored_result};
use super::valuations::stored_table;
use crate::book::{Account, PartyAccount};
use crate::domain::{ContributionName, Currency, Money, PartyName, Period, PoolName, ThingId};
use crate::ledger::access::Caller;
use crate::ledger::booking::balance_before;
use crate::ledger::decide::{Attachments, Stop, not_found};
use crate::ledger::find;
use crate::ledger::rows::{
    KeyPart, KeyRow, KeyState, Locator, PartyKeyRow, PartyRow, PartySettlementRow, ValuationRow,
};
use crate::ledger::settling::{LineDocument, PartyDocument, ResultDocument};
use crate::ledger::state::State;
use crate::ledger::view::{View, ViewFault};

/// What a party is shown for a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The party.
    pub party: PartyName,
    /// Who stands behind it.
    pub beneficial_owner: PartyName,
    /// The period.
    pub period: Period,
    /// What the party was owed (payable and carried) before the period's settlements, by currency.
    pub opening: Vec<Money>,
    /// What each contribution earned, by pool and then by name.
    pub lines: Vec<StatementLine>,
    /// What each pool's settlement gave, in the order of the settlements.
    pub pools: Vec<StatementPool>,
    /// What the party was owed after them, by currency.
    pub closing: Vec<Money>,
    /// What the party should know besides.
    pub notes: Vec<String>,
}

/// What one contribution earned in one pool, in minor units of the pool's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementLine {
    /// The pool.
    pub pool: PoolName,
    /// The currency.
    pub currency: Currency,
    /// The contribution.
    pub contribution: ContributionName,
    /// Its weight, of 10^12 in all.
    pub weight: u64,
    /// What came back as cost.
    pub cost: i64,
    /// What of the claims that the run read is outstanding after it.
    pub cost_outstanding: i64,
    /// What it was given by value, after the cap and before upstream.
    pub share: i64,
    /// What it holds after upstream.
    pub after_upstream: i64,
}

/// What one settlement gave the party, in minor units of the pool's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementPool {
    /// The settlement.
    pub settlement: Settlement,
    /// What can be paid to the party.
    pub payable: i64,
    /// What is carried to a later run.
    pub carried: i64,
    /// What was withheld as tax.
    pub tax: i64,
    /// What set off a debt.
    pub offset: i64,
    /// What is held in disputes, costs and profit together.
    pub held: i64,
    /// What was set aside.
    pub reserve: i64,
    /// The numbers of the party's lines in the result.
    pub line_numbers: Vec<u64>,
}

/// Returns the statement of a party for a period. It is empty where no settlement of the period
/// has anything of the party.
///
/// # Errors
/// `NOT_FOUND`, or a fault of the storage.
pub fn statement(
    view: &dyn View,
    caller: &Caller,
    attachments: &dyn Attachments,
    party: &PartyName,
    period: Period,
) -> Result<Statement, Stop> {
    let state = State::new(view);
    let row = state.get::<PartyRow>(party)?;
    let Some(row) = row.filter(|_| caller.sees_party(party)) else {
        return not_found(format!("party {party}"));
    };
    let mut statement = Statement {
        party: party.clone(),
        beneficial_owner: row.beneficial_owner,
        period,
        opening: Vec::new(),
        lines: Vec::new(),
        pools: Vec::new(),
        closing: Vec::new(),
        notes: notes(&state, party)?,
    };
    for settlement in settlements_of(&state, party, period)? {
        add(&state, attachments, settlement, &mut statement)?;
    }
    add_balances(&state, &mut statement)?;
    Ok(statement)
}

/// Returns the settlements of a period that have anything of a party, in their order.
fn settlements_of(
    state: &State<'_>,
    party: &PartyName,
    period: Period,
) -> Result<Vec<Settlement>, ViewFault> {
    let mut found = Vec::new();
    for at in places_of(state, party)? {
        let settlement = load(state, at)?;
        if settlement.row.period == period {
            found.push(settlement);
        }
    }
    Ok(found)
}

/// Returns where the settlements stand that have anything of a party, in their order.
pub(super) fn places_of(state: &State<'_>, party: &PartyName) -> Result<Vec<Locator>, ViewFault> {
    let rows = state.list::<PartySettlementRow>(&party.prefix())?;
    rows.into_iter()
        .map(|(rest, _)| {
            let missing = || ViewFault::new("the key of a party's settlement has no place");
            Locator::from_key(&rest).ok_or_else(missing)
        })
        .collect()
}

/// What the lines of a result say of one contribution.
#[derive(Default)]
struct Costs {
    paid: i64,
    outstanding: i64,
}

fn add(
    state: &State<'_>,
    attachments: &dyn Attachments,
    settlement: Settlement,
    statement: &mut Statement,
) -> Result<(), ViewFault> {
    let bytes = stored_result(attachments, &settlement.row)?;
    let document = ResultDocument::parse(&bytes)?;
    let mut costs: BTreeMap<String, Costs> = BTreeMap::new();
    let mut line_numbers = Vec::new();
    for (number, raw) in (0_u64..).zip(&document.lines) {
        let line = LineDocument::parse(raw)?;
        if line.party.as_deref() != Some(statement.party.as_str()) {
            continue;
        }
        line_numbers.push(number);
        let claim = line.input("claim").and_then(|id| document.claims.get(id));
        if let (Some(claim), Some(contribution)) = (claim, line.contribution) {
            let costs = costs.entry(contribution).or_default();
            // Parts of the net revenue, and of claims whose sum a run can read, fit 64 bits.
            costs.paid = costs.paid.saturating_add(claim.paid);
            costs.outstanding = costs.outstanding.saturating_add(claim.outstanding);
        }
    }
    add_lines(
        state,
        attachments,
        &settlement,
        &document,
        &costs,
        statement,
    )?;
    let given = document.parties.get(statement.party.as_str());
    let given = given.copied().unwrap_or_default();
    statement
        .pools
        .push(pool_of(settlement, given, line_numbers));
    Ok(())
}

fn pool_of(settlement: Settlement, given: PartyDocument, line_numbers: Vec<u64>) -> StatementPool {
    StatementPool {
        settlement,
        payable: given.payable,
        carried: given.carried,
        tax: given.tax,
        offset: given.offset,
        held: given.held_cost.saturating_add(given.held_profit),
        reserve: given.reserve,
        line_numbers,
    }
}

fn add_lines(
    state: &State<'_>,
    attachments: &dyn Attachments,
    settlement: &Settlement,
    document: &ResultDocument<'_>,
    costs: &BTreeMap<String, Costs>,
    statement: &mut Statement,
) -> Result<(), ViewFault> {
    let Some(valuation) = state.get::<ValuationRow>(&settlement.row.valuation)? else {
        return Err(ViewFault::new("the valuation of a settlement has no row"));
    };
    let weights = stored_table(attachments, &valuation)?.weights();
    let mut lines = Vec::new();
    for (text, share) in &document.shares {
        let found = match text.parse::<ThingId>() {
            Ok(id) => find::contribution(state, &id)?.map(|(_, row)| (id, row)),
            Err(_) => None,
        };
        let Some((id, row)) = found else {
            return Err(ViewFault::new(format!(
                "the contribution {text} has no row"
            )));
        };
        if row.name.party != statement.party {
            continue;
        }
        let costs = costs.get(text);
        lines.push(StatementLine {
            pool: settlement.row.pool.clone(),
            currency: settlement.row.currency,
            contribution: row.name,
            weight: weights.get(&id).copied().unwrap_or(0),
            cost: costs.map_or(0, |costs| costs.paid),
            cost_outstanding: costs.map_or(0, |costs| costs.outstanding),
            share: *share,
            after_upstream: document.after_upstream.get(text).copied().unwrap_or(0),
        });
    }
    lines.sort_by(|one, other| one.contribution.cmp(&other.contribution));
    statement.lines.append(&mut lines);
    Ok(())
}

/// Adds what the party was owed before the first and after the last settlement of the period.
fn add_balances(state: &State<'_>, statement: &mut Statement) -> Result<(), ViewFault> {
    let mut spans: BTreeMap<Currency, (u64, u64)> = BTreeMap::new();
    for pool in &statement.pools {
        let index = pool.settlement.at.index;
        let span = spans.entry(pool.settlement.row.currency);
        span.or_insert((index, index)).1 = index;
    }
    for (currency, (first, last)) in spans {
        let owed = |before: u64| -> Result<Money, ViewFault> {
            let mut minor_units = 0_i64;
            for kind in [PartyAccount::Payable, PartyAccount::Carried] {
                let account = Account::of_party(kind, &statement.party, currency);
                let balance = balance_before(state, &account, before)?;
                let beyond = || ViewFault::new("what a party is owed is beyond 64 bits");
                minor_units = minor_units.checked_add(balance).ok_or_else(beyond)?;
            }
            Ok(Money {
                minor_units,
                currency,
            })
        };
        let (opening, closing) = (owed(first)?, owed(last.saturating_add(1))?);
        statement.opening.push(opening);
        statement.closing.push(closing);
    }
    Ok(())
}

/// Returns what became of the party's keys without its own doing, and what is suspect.
fn notes(state: &State<'_>, party: &PartyName) -> Result<Vec<String>, ViewFault> {
    let mut notes = Vec::new();
    for (_, listed) in state.list::<PartyKeyRow>(&party.prefix())? {
        let key = listed.public_key;
        match state.get::<KeyRow>(&key)?.map(|row| row.state) {
            Some(KeyState::Replaced { at }) => {
                notes.push(format!("entry {at}: the operator replaced the key {key}"));
            }
            Some(KeyState::Revoked {
                at,
                suspect_from: Some(from),
            }) => notes.push(format!(
                "entry {at}: the key {key} was revoked; what it signed from entry {from} on is \
                 suspect"
            )),
            _ => {}
        }
    }
    Ok(notes)
}
