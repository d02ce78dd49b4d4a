//! Declaring which contributions a payer used in a period.
//!
//! A row stands for a contribution and a class of use. Adding what is in use already adds its
//! units; replacing takes the whole list of the period away, of every class, before the new one
//! is laid down. What is public interest is recorded like everything else; that it is priced at
//! zero is the business of the settlement.

use std::collections::BTreeMap;

use super::failures::Failures;
use super::pools;
use crate::domain::{
    BASIS_POINTS_MAX, ContentHash, DeclareUse, Period, PoolName, Reason, Rejection, UpstreamLimits,
    UseLine, UseMode, Violation, read_use_list,
};
use crate::ledger::consent::may_use;
use crate::ledger::decide::{Rules, Stop};
use crate::ledger::find;
use crate::ledger::rows::{
    ContributionRow, KeyPart, Locator, PeriodRow, PolicyRow, ThingKind, UseRow,
};
use crate::ledger::settling::{RUN_ANCESTORS_MAX, RUN_CONTRIBUTIONS_MAX, ancestors_are_within};
use crate::ledger::state::State;
use crate::ledger::view::ViewFault;

/// The most rows of use that a period has, which bounds what a settlement and a replacing
/// declaration have to go through.
pub(crate) const PERIOD_USES_MAX: u64 = 100_000;

pub(super) fn declare(
    rules: &mut Rules<'_>,
    declaration: &DeclareUse,
) -> Result<Vec<ThingKind>, Stop> {
    let (name, period) = (&declaration.pool, declaration.period);
    let pool = pools::find_paid(rules, name)?;
    let replace = declaration.mode == UseMode::Replace;
    // What is wrong with the lines comes before what is wrong with the period, and that before
    // an attachment that cannot be read.
    let lines = read_attached(rules, &declaration.use_list, replace);
    let mut declared = Declared::default();
    if let Ok(lines) = &lines {
        let policy = match pool.policy_of(&period) {
            Some(hash) => Some((hash, limits_of(&rules.state, &hash)?)),
            None => None,
        };
        declared = check_lines(rules, declaration, policy, lines)?;
    }
    let mut row = pools::open_period(&rules.state, name, &pool, period)?;
    let lines = lines?;
    if replace {
        clear(&mut rules.state, declaration, &mut row)?;
    }
    for (at, line) in declared.places.into_iter().zip(&lines) {
        add(rules, declaration, &mut row, at, line)?;
    }
    if row.uses > PERIOD_USES_MAX {
        let text = format!("makes more than {PERIOD_USES_MAX} uses in {period}");
        return invalid(Violation::new("use_list", text));
    }
    // What was derived from nothing brings no ancestors.
    if declared.derived {
        check_ancestors(&rules.state, name, period)?;
    }
    rules.state.put(&(name.clone(), period), &row);
    Ok(vec![ThingKind::Use])
}

fn invalid<T>(violation: Violation) -> Result<T, Stop> {
    Err(Rejection::with_violations(Reason::AttachmentInvalid, vec![violation]).into())
}

fn read_attached(
    rules: &Rules<'_>,
    hash: &ContentHash,
    replace: bool,
) -> Result<Vec<UseLine>, Stop> {
    let Some(bytes) = rules.attachments.get(hash) else {
        let message = format!("the list of uses {hash} is not stored; upload it first");
        return Err(Rejection::new(Reason::AttachmentMissing, message)
            .fact("attachment", hash)
            .into());
    };
    match read_use_list(&bytes) {
        Ok(lines) if lines.is_empty() && !replace => {
            invalid(Violation::new("use_list", "has no line to add"))
        }
        Ok(lines) => Ok(lines),
        Err(violation) => invalid(violation),
    }
}

/// Returns the limits of derivation that a policy sets.
fn limits_of(state: &State<'_>, policy: &ContentHash) -> Result<UpstreamLimits, ViewFault> {
    let Some(row) = state.get::<PolicyRow>(policy)? else {
        return Err(ViewFault::new(format!("the policy {policy} has no row")));
    };
    Ok(row.policy.terms.upstream.unwrap_or_default())
}

/// Refuses a period in which what is in use was derived from too much.
fn check_ancestors(state: &State<'_>, pool: &PoolName, period: Period) -> Result<(), Stop> {
    let uses = find::uses(state, pool, period)?;
    let places = uses.iter().map(|row| row.contribution);
    if ancestors_are_within(state, places, RUN_ANCESTORS_MAX)? {
        return Ok(());
    }
    let text = format!(
        "makes what is in use in {period} derive from more than {RUN_ANCESTORS_MAX} contributions"
    );
    invalid(Violation::new("use_list", text))
}

/// What the lines of a list name.
#[derive(Default)]
struct Declared {
    /// Where each contribution was recorded, in the order of the lines.
    places: Vec<Locator>,
    /// Whether one of them was derived from others.
    derived: bool,
}

/// Checks every line.
fn check_lines(
    rules: &Rules<'_>,
    declaration: &DeclareUse,
    policy: Option<(ContentHash, UpstreamLimits)>,
    lines: &[UseLine],
) -> Result<Declared, Stop> {
    let state = &rules.state;
    let (pool, period) = (&declaration.pool, declaration.period);
    let mut failures = Failures::default();
    let mut declared = Declared::default();
    let mut stacks = Stacks::default();
    for (line, number) in lines.iter().zip(1_usize..) {
        let path = || format!("use_list:{number}");
        let id = line.contribution;
        let Some((at, row)) = find::contribution(state, &id)? else {
            let text = format!("there is no contribution {id}");
            failures.add(Reason::NotFound, path(), text);
            continue;
        };
        declared.places.push(at);
        declared.derived |= row.generation > 0;
        if let Some((hash, limits)) = &policy {
            let allowed = may_use(state, at, &row, pool, hash, period);
            failures.note(path(), allowed)?;
            for (reason, text) in check_upstream(state, at, &row, limits, &mut stacks)? {
                failures.add(reason, path(), text);
            }
        }
        let key = (pool.clone(), period, (at, declaration.class));
        let before = match declaration.mode {
            UseMode::Add => state.get::<UseRow>(&key)?,
            UseMode::Replace => None,
        };
        let units = before.map_or(0, |before| before.units);
        if units.checked_add(line.units).is_none() {
            let text = "makes more units than 64 bits hold";
            failures.add(Reason::AmountOutOfRange, path(), text);
        }
    }
    failures.check()?;
    Ok(declared)
}

/// What is known of contributions under the limits of a policy: whether a contribution and all
/// that it was derived from pass up no more than allowed.
#[derive(Default)]
struct Stacks(BTreeMap<Locator, bool>);

impl Stacks {
    /// Paths are at most [`GENERATION_MAX`](super::GENERATION_MAX) edges long, so that this calls
    /// itself no deeper; each contribution is looked at once.
    fn are_within(
        &mut self,
        state: &State<'_>,
        at: Locator,
        row: &ContributionRow,
        most: u32,
    ) -> Result<bool, ViewFault> {
        if let Some(known) = self.0.get(&at) {
            return Ok(*known);
        }
        if self.0.len() > RUN_CONTRIBUTIONS_MAX {
            // The ancestors are too many, and refused as such, whatever else is looked at.
            return Ok(true);
        }
        // Recording keeps the sum within 10,000.
        let stack = row.parents.iter().map(|parent| parent.upstream_bps);
        let mut within = stack.fold(0, u32::saturating_add) <= most;
        for parent in &row.parents {
            if !within {
                break;
            }
            let above = find::recorded(state, parent.at)?;
            within = self.are_within(state, parent.at, &above, most)?;
        }
        self.0.insert(at, within);
        Ok(within)
    }
}

/// Checks a contribution and all that it was derived from against a policy's limits.
fn check_upstream(
    state: &State<'_>,
    at: Locator,
    row: &ContributionRow,
    limits: &UpstreamLimits,
    stacks: &mut Stacks,
) -> Result<Vec<(Reason, String)>, ViewFault> {
    let mut wrong = Vec::new();
    if row.generation > limits.depth_max {
        let text = format!(
            "was derived over {} steps; the policy of the period allows {}",
            row.generation, limits.depth_max
        );
        wrong.push((Reason::DerivationTooDeep, text));
    }
    let most = limits.stack_max_bps;
    // Recording allows no more than the whole.
    if most < BASIS_POINTS_MAX && !stacks.are_within(state, at, row, most)? {
        let text = format!(
            "passes up more than the {most} basis points that the policy of the period allows, \
             or was derived from one that does"
        );
        wrong.push((Reason::UpstreamTooHigh, text));
    }
    Ok(wrong)
}

/// Takes the list of a period away.
fn clear(state: &mut State<'_>, declaration: &DeclareUse, row: &mut PeriodRow) -> Result<(), Stop> {
    let (pool, period) = (&declaration.pool, declaration.period);
    for (_, before) in state.list::<UseRow>(&(pool.clone(), period).prefix())? {
        let key = (pool.clone(), period, (before.contribution, before.class));
        state.delete::<UseRow>(&key);
    }
    row.uses = 0;
    Ok(())
}

fn add(
    rules: &mut Rules<'_>,
    declaration: &DeclareUse,
    row: &mut PeriodRow,
    at: Locator,
    line: &UseLine,
) -> Result<(), Stop> {
    let class = declaration.class;
    let key = (declaration.pool.clone(), declaration.period, (at, class));
    let declared = match rules.state.get::<UseRow>(&key)? {
        // The sum was checked with the line.
        Some(before) => UseRow {
            units: before.units.saturating_add(line.units),
            ..before
        },
        None => {
            row.uses = row.uses.saturating_add(1);
            UseRow {
                contribution: at,
                class,
                units: line.units,
                declared_at: rules.index(),
            }
        }
    };
    rules.state.put(&key, &declared);
    Ok(())
}
