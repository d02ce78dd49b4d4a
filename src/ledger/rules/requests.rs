//! Valuations that the service is asked for: commitments, requests, and what they come to.
//!
//! The seed of a valuation is made from the root of the log that the request leaves and from a
//! reveal that somebody else had committed to before. So neither of the two could choose it alone:
//! who orders entries does not know the reveal, who knows the reveal does not order entries. A
//! commitment serves one request, because its reveal is known afterwards.

use std::collections::BTreeMap;

use crate::domain::{
    CommitReveal, FinishValuation, PartyName, Reason, Rejection, Reveal, Role, StartValuation,
    Violation,
};
use crate::ledger::decide::{Rules, Stop, not_found, refuse};
use crate::ledger::find;
use crate::ledger::requests::{method_of, uses_hash};
use crate::ledger::rows::{
    CommitmentRow, KeyPart, Locator, OpenRequestRow, OwnedPartyRow, PartyRow, PeriodState, PoolRow,
    ThingKind, ValuationRequestRow, ValuationRow,
};
use crate::ledger::settling::{
    Described, Sources, check_contributions, check_described, check_validation, read_table,
};
use crate::ledger::state::State;
use crate::ledger::view::ViewFault;
use crate::valuation::{Method, SeedSource, ValueTable};

pub(super) fn commit(rules: &mut Rules<'_>, commit: &CommitReveal) -> Result<Vec<ThingKind>, Stop> {
    if stands_behind_operator(&rules.state, rules.actor_name(), &rules.actor)? {
        let message = "an operator, and who stands behind one, commits to no reveal: it would \
                       choose the seed alone";
        return refuse(Reason::NotPermitted, message);
    }
    let (pool, actor) = (&commit.pool, rules.actor_name());
    let auditor = rules.actor.has(Role::Auditor);
    let takes_part = |row: &PoolRow| auditor || row.evaluator == *actor || row.payer == *actor;
    if !rules
        .state
        .get::<PoolRow>(pool)?
        .is_some_and(|row| takes_part(&row))
    {
        return not_found(format!("pool {pool}"));
    }
    if rules
        .state
        .get::<CommitmentRow>(&commit.commitment)?
        .is_some()
    {
        let message = "the commitment was made before; commit to fresh random bytes";
        return refuse(Reason::CommitmentTaken, message);
    }
    let row = CommitmentRow {
        at: rules.first_locator(),
        pool: pool.clone(),
        party: actor.clone(),
        request: None,
    };
    rules.state.put(&commit.commitment, &row);
    Ok(vec![ThingKind::Nothing])
}

/// Says whether a party is an operator, or somebody stands behind it who stands behind one.
fn stands_behind_operator(
    state: &State<'_>,
    name: &PartyName,
    party: &PartyRow,
) -> Result<bool, ViewFault> {
    let owner = &party.beneficial_owner;
    let mut parties = vec![owner.clone(), name.clone()];
    for (key, OwnedPartyRow) in state.list::<OwnedPartyRow>(&owner.prefix())? {
        let text = key.strip_suffix(&[0]).unwrap_or(&key);
        let owned = std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse().ok());
        parties.push(owned.ok_or_else(|| ViewFault::new(format!("{owner} owns no party")))?);
    }
    for party in parties {
        let row = state.get::<PartyRow>(&party)?;
        if row.is_some_and(|row| row.has(Role::Operator)) {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn start(rules: &mut Rules<'_>, start: &StartValuation) -> Result<Vec<ThingKind>, Stop> {
    let request = ValuationRequestRow {
        id: rules.submission.id.thing(0),
        pool: start.pool.clone(),
        period: start.period,
        method: start.method.clone(),
        parameters: start.parameters.clone(),
        validation_hash: start.validation_hash,
        commitment: start.commitment,
        uses: uses_hash([].into_iter()),
        finished: None,
    };
    check_method(&request)?;
    let commitment = free_commitment(rules, start)?;
    let sources = open_sources(rules, &request)?;
    if let Some((commitment, row)) = commitment {
        if row.request.is_some() {
            let message = "another request has named the commitment; its reveal is known";
            return refuse(Reason::CommitmentTaken, message);
        }
        let request = Some(rules.first_locator());
        rules
            .state
            .put(&commitment, &CommitmentRow { request, ..row });
    }
    check_validation(
        &Described::of_request(&request),
        sources.pool_row.validation_hash,
    )?;
    if sources.used.is_empty() {
        let message = format!("nothing is in use in {} of {}", start.period, start.pool);
        return refuse(Reason::ValuationMismatch, message);
    }
    let request = ValuationRequestRow {
        uses: uses_hash(sources.used.keys()),
        ..request
    };
    let at = rules.first_locator();
    rules.state.put(&at, &request);
    rules.state.put(&at, &OpenRequestRow);
    Ok(vec![ThingKind::ValuationRequest])
}

/// Checks that the service computes the method, and that the parameters are the method's.
fn check_method(request: &ValuationRequestRow) -> Result<(), Stop> {
    let mut found = Vec::new();
    let texts = serde_json::from_str::<BTreeMap<String, String>>(&request.parameters);
    if texts.is_err() {
        let text = "must be an object of texts, such as {\"k\":\"5\"}";
        found.push(Violation::new("start_valuation.parameters", text));
    } else if let Err(error) = method_of(request, None) {
        found.push(Violation::new("start_valuation.method", error.to_string()));
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Rejection::with_violations(Reason::InvalidArgument, found).into())
}

/// Returns the commitment that a request names, which was made for its pool.
fn free_commitment(
    rules: &Rules<'_>,
    start: &StartValuation,
) -> Result<Option<(crate::domain::ContentHash, CommitmentRow)>, Stop> {
    let Some(commitment) = start.commitment else {
        return Ok(None);
    };
    let row = rules.state.get::<CommitmentRow>(&commitment)?;
    match row.filter(|row| row.pool == start.pool) {
        Some(row) => Ok(Some((commitment, row))),
        None => not_found(format!("commitment {commitment} for {}", start.pool)),
    }
}

/// Returns what a settlement of the request's period would read, while it is not settled.
fn open_sources(rules: &Rules<'_>, request: &ValuationRequestRow) -> Result<Sources, Stop> {
    let sources = Sources::load(&rules.state, &request.pool, request.period)?;
    if let PeriodState::Settled { at, .. } = sources.period_state() {
        let message = format!("the period {} was settled by entry {at}", request.period);
        return refuse(Reason::PeriodClosed, message);
    }
    Ok(sources)
}

pub(super) fn finish(
    rules: &mut Rules<'_>,
    finish: &FinishValuation,
) -> Result<Vec<ThingKind>, Stop> {
    let Some((request_at, request)) = find::valuation_request(&rules.state, &finish.request)?
    else {
        return not_found(format!("request {} for a valuation", finish.request));
    };
    let sources = open_sources(rules, &request)?;
    let revealed = revealed(rules, &request, finish.reveal)?;
    if let Some(finished) = request.finished {
        let message = format!("entry {} has finished the valuation", finished.index);
        return refuse(Reason::RequestAnswered, message);
    }
    let table = read_table(rules.attachments, &finish.table_hash)?;
    let described = Described::of_request(&request);
    check_described(&described, &table, rules.charter.rules_version)?;
    check_seed(rules, request_at, revealed, &table)?;
    check_validation(&described, sources.pool_row.validation_hash)?;
    if uses_hash(sources.used.keys()) != request.uses {
        let message = "what is in use is not what was when the valuation was asked for; ask anew";
        return refuse(Reason::ValuationMismatch, message);
    }
    check_contributions(&rules.state, &table, &sources.used)?;
    let at = rules.first_locator();
    let row = ValuationRow {
        id: rules.submission.id.thing(0),
        pool: request.pool.clone(),
        period: request.period,
        method: request.method.clone(),
        parameters: request.parameters.clone(),
        validation_hash: request.validation_hash,
        table_hash: finish.table_hash,
        evaluator: rules.actor_name().clone(),
        request: Some(request_at),
    };
    rules.state.put(&at, &row);
    rules.state.delete::<OpenRequestRow>(&request_at);
    let finished = Some(at);
    rules.state.put(
        &request_at,
        &ValuationRequestRow {
            finished,
            ..request
        },
    );
    Ok(vec![ThingKind::Valuation])
}

/// Returns the reveal and where it was committed to, having compared the two.
fn revealed(
    rules: &Rules<'_>,
    request: &ValuationRequestRow,
    reveal: Option<Reveal>,
) -> Result<Option<(Reveal, u64)>, Stop> {
    match (request.commitment, reveal) {
        (None, None) => Ok(None),
        (Some(commitment), Some(reveal)) if reveal.commitment() == commitment => {
            match rules.state.get::<CommitmentRow>(&commitment)? {
                Some(row) => Ok(Some((reveal, row.at.index))),
                None => Err(ViewFault::new("a request names a commitment without a row").into()),
            }
        }
        (Some(commitment), _) => {
            let message =
                format!("the request names the commitment {commitment}; reveal its bytes");
            refuse(Reason::RevealInvalid, message)
        }
        (None, Some(_)) => {
            let message = "the request names no commitment, so that there is nothing to reveal";
            refuse(Reason::RevealInvalid, message)
        }
    }
}

/// Checks that the table has the seed of its request, and one where its method needs one.
fn check_seed(
    rules: &Rules<'_>,
    request_at: Locator,
    revealed: Option<(Reveal, u64)>,
    table: &ValueTable,
) -> Result<(), Stop> {
    let size = request_at.index.saturating_add(1);
    let Some(root) = rules.attachments.root(size) else {
        let message = format!("the root of the first {size} entries is not known; send it again");
        return refuse(Reason::AttachmentMissing, message);
    };
    let source = SeedSource {
        root,
        size,
        revealed,
    };
    let stated = source.stated();
    let mut found = Vec::new();
    if table.seed.as_ref().is_some_and(|seed| *seed != stated) {
        let text = format!("is not {} from {:?}", stated.hex, stated.from);
        found.push(Violation::new("table.seed", text));
    } else if let Err(error) = Method::of(table) {
        found.push(Violation::new("table.parameters", error.to_string()));
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Rejection::with_violations(Reason::AttachmentInvalid, found).into())
}
