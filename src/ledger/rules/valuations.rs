//! Importing weights that were computed elsewhere.
//!
//! A valuation is made from what is in use and is no input itself, so it may come while the
//! period is open or frozen, up to the settlement. What is in use when the period is settled is
//! what counts: `Settle` holds the table against it once more.

use crate::domain::{ImportWeights, Reason};
use crate::ledger::decide::{Rules, Stop, not_found, refuse};
use crate::ledger::rows::{PeriodState, PoolRow, ThingKind, ValuationRow};
use crate::ledger::settling::{
    Described, Sources, check_contributions, check_described, check_validation, read_table,
};

pub(super) fn import(
    rules: &mut Rules<'_>,
    import: &ImportWeights,
) -> Result<Vec<ThingKind>, Stop> {
    let pool = &import.pool;
    let of_actor = |row: &PoolRow| row.evaluator == *rules.actor_name();
    let Some(row) = rules.state.get::<PoolRow>(pool)?.filter(of_actor) else {
        return not_found(format!("pool {pool}"));
    };
    let sources = Sources::load(&rules.state, pool, import.period)?;
    if let PeriodState::Settled { at, .. } = sources.period_state() {
        let message = format!("the period {} was settled by entry {at}", import.period);
        return refuse(Reason::PeriodClosed, message);
    }
    let table = read_table(rules.attachments, &import.table_hash)?;
    let described = Described::of_import(import);
    check_described(&described, &table, rules.charter.rules_version)?;
    check_validation(&described, row.validation_hash)?;
    check_contributions(&rules.state, &table, &sources.used)?;
    let row = ValuationRow {
        id: rules.submission.id.thing(0),
        pool: pool.clone(),
        period: import.period,
        method: import.method.clone(),
        parameters: import.parameters.clone(),
        validation_hash: import.validation_hash,
        table_hash: import.table_hash,
        evaluator: rules.actor_name().clone(),
        request: None,
    };
    rules.state.put(&rules.first_locator(), &row);
    Ok(vec![ThingKind::Valuation])
}
