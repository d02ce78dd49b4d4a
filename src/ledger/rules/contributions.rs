//! Recording and withdrawing contributions.
//!
//! All that is wrong with a command is listed at once, and the reason answered is the one that
//! stands earliest in [`Reason`], whichever item of a bulk it belongs to.

use super::failures::Failures;
use crate::domain::{
    BASIS_POINTS_MAX, BULK_MAX, Parent, Reason, RecordContribution, RecordContributions, Rejection,
    ThingId, Violation, WithdrawContribution,
};
use crate::ledger::consent::may_derive;
use crate::ledger::decide::{Rules, Stop, not_found, refuse};
use crate::ledger::find;
use crate::ledger::rows::{
    ContentRow, ContributionNameRow, ContributionRow, Locator, ParentRow, ThingKind, Withdrawal,
};

/// The longest path of derivation, in edges.
pub(crate) const GENERATION_MAX: u32 = 64;

/// Returns a contribution of the actor's own; another's is answered as if it did not exist.
pub(crate) fn find_own(
    rules: &Rules<'_>,
    id: &ThingId,
) -> Result<(Locator, ContributionRow), Stop> {
    match find::contribution(&rules.state, id)? {
        Some((at, row)) if row.name.party == *rules.actor_name() => Ok((at, row)),
        _ => not_found(format!("contribution {id}")),
    }
}

pub(super) fn record(
    rules: &mut Rules<'_>,
    item: &RecordContribution,
) -> Result<Vec<ThingKind>, Stop> {
    let mut failures = Failures::default();
    let path = || "record_contribution".to_owned();
    record_one(rules, 0, item, &path, &mut failures)?;
    failures.check()?;
    Ok(vec![ThingKind::Contribution])
}

pub(super) fn record_many(
    rules: &mut Rules<'_>,
    bulk: &RecordContributions,
) -> Result<Vec<ThingKind>, Stop> {
    let count = bulk.contributions.len();
    if !(1..=BULK_MAX).contains(&count) {
        let text = format!("must be 1 to {BULK_MAX}, not {count}");
        let violations = vec![Violation::new("record_contributions.contributions", text)];
        return Err(Rejection::with_violations(Reason::InvalidArgument, violations).into());
    }
    let mut failures = Failures::default();
    for (number, item) in (0..).zip(&bulk.contributions) {
        let path = || format!("record_contributions.contributions[{number}]");
        record_one(rules, number, item, &path, &mut failures)?;
    }
    failures.check()?;
    Ok(vec![ThingKind::Contribution; count])
}

/// Checks and writes one contribution. A faulty one is written too, so that later items meet its
/// name; the changes of a refused command are dropped.
fn record_one(
    rules: &mut Rules<'_>,
    number: u32,
    item: &RecordContribution,
    path: &dyn Fn() -> String,
    failures: &mut Failures,
) -> Result<(), Stop> {
    let name = item.name(rules.actor_name());
    if rules.state.get::<ContributionNameRow>(&name)?.is_some() {
        failures.add(
            Reason::NameTaken,
            path(),
            format!("{name} is recorded already"),
        );
    }
    let (parents, generation) = check_parents(rules, item, path, failures)?;
    let at = Locator {
        index: rules.index(),
        number,
    };
    let row = ContributionRow {
        id: rules.submission.id.thing(number),
        kind: item.kind,
        content_hash: item.content_hash,
        content_bytes: item.content_bytes,
        rows: item.rows,
        parents,
        generation,
        terms: item.terms.clone(),
        withdrawn: None,
        name,
    };
    rules.state.put(&row.name, &ContributionNameRow { at });
    rules.state.put(&(item.content_hash, at), &ContentRow);
    rules.state.put(&at, &row);
    Ok(())
}

/// Checks what a contribution was derived from; returns its parents and its generation.
fn check_parents(
    rules: &Rules<'_>,
    item: &RecordContribution,
    path: &dyn Fn() -> String,
    failures: &mut Failures,
) -> Result<(Vec<ParentRow>, u32), Stop> {
    let mut rows = Vec::with_capacity(item.parents.len());
    let (mut generation, mut upstream) = (0_u32, 0_u64);
    for (place, parent) in item.parents.iter().enumerate() {
        // 64 parents of 32 bits each stay far below 64 bits.
        upstream = upstream.saturating_add(u64::from(parent.upstream_bps));
        let path = || format!("{}.parents[{place}]", path());
        if let Some((at, row)) = check_parent(rules, parent, &path, failures)? {
            generation = generation.max(row.generation.saturating_add(1));
            rows.push(ParentRow {
                at,
                upstream_bps: parent.upstream_bps,
            });
        }
    }
    if upstream > u64::from(BASIS_POINTS_MAX) {
        let text = format!("pass up {upstream} basis points of {BASIS_POINTS_MAX}");
        failures.add(Reason::UpstreamTooHigh, format!("{}.parents", path()), text);
    }
    if generation > GENERATION_MAX {
        let text = format!("make a path of {generation} derivations, of at most {GENERATION_MAX}");
        failures.add(
            Reason::DerivationTooDeep,
            format!("{}.parents", path()),
            text,
        );
    }
    Ok((rows, generation))
}

/// Checks one parent. Whoever names the id of another's contribution was told of it, so that it
/// is not answered as if it did not exist.
fn check_parent(
    rules: &Rules<'_>,
    parent: &Parent,
    path: &dyn Fn() -> String,
    failures: &mut Failures,
) -> Result<Option<(Locator, ContributionRow)>, Stop> {
    let Some((at, row)) = find::contribution(&rules.state, &parent.contribution)? else {
        let text = format!("there is no contribution {}", parent.contribution);
        failures.add(Reason::NotFound, path(), text);
        return Ok(None);
    };
    if !may_derive(&rules.state, at, &row, rules.actor_name())? {
        let text = "its terms do not allow this derivation; its provider may grant it";
        failures.add(Reason::ConsentMissing, path(), text);
    }
    let least = row.terms.upstream_bps_min;
    if parent.upstream_bps < least {
        let text = format!("must pass up at least {least} basis points");
        failures.add(Reason::UpstreamTooLow, path(), text);
    }
    if row.withdrawn.is_some() {
        failures.add(Reason::Withdrawn, path(), "was withdrawn");
    }
    Ok(Some((at, row)))
}

pub(super) fn withdraw(
    rules: &mut Rules<'_>,
    withdraw: &WithdrawContribution,
) -> Result<Vec<ThingKind>, Stop> {
    let (at, mut row) = find_own(rules, &withdraw.contribution)?;
    if row.withdrawn.is_some() {
        return refuse(
            Reason::Withdrawn,
            format!("{} was withdrawn before", row.name),
        );
    }
    row.withdrawn = Some(Withdrawal {
        at: rules.index(),
        from_period: withdraw.from_period,
    });
    rules.state.put(&at, &row);
    Ok(vec![ThingKind::Nothing])
}
