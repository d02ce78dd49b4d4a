//! Booking the settlement that was previewed.

use crate::book::{Account, PartyAccount, Posting};
use crate::domain::{Reason, Rejection, Settle, ThingId};
use crate::ledger::booking::{SettledPool, book};
use crate::ledger::decide::{Rules, Stop, refuse};
use crate::ledger::find;
use crate::ledger::rows::{
    PartySettlementRow, PeriodRow, PeriodState, SettledPeriodRow, SettlementRow, ThingKind,
    WaitingRow,
};
use crate::ledger::settling::{Prepared, prepare};
use crate::ledger::view::ViewFault;
use crate::settlement::{Outcome, Settlement};

/// Computes the settlement anew, compares it with the one named, and books it whole.
pub(super) fn settle(rules: &mut Rules<'_>, settle: &Settle) -> Result<Vec<ThingKind>, Stop> {
    let Settle { pool, period, .. } = settle;
    let prepared = prepare(
        &rules.state,
        rules.attachments,
        pool,
        *period,
        &settle.valuation,
    )?;
    let hash = prepared.result.hash;
    if hash != settle.result_hash {
        let message = format!(
            "the settlement now has the result {hash}, not the one named; preview it again"
        );
        let rejection = Rejection::new(Reason::ResultDiffers, message).fact("result_hash", hash);
        return Err(rejection.into());
    }
    let postings = postings(&prepared)?;
    book(&mut rules.state, rules.submission.index, postings)?;
    settle_period(rules, &prepared)?;
    let at = rules.first_locator();
    rules
        .state
        .put(&at, &row(rules.submission.id.thing(0), &prepared));
    rules
        .state
        .put(&(pool.clone(), *period), &SettledPeriodRow { at });
    if let Outcome::Settled(settlement) = &prepared.result.outcome {
        recover_claims(rules, settlement)?;
        for party in &settlement.parties {
            let Ok(name) = party.id.parse() else {
                let message = format!("the settlement pays {}, which is no party", party.id);
                return refuse(Reason::Internal, message);
            };
            let (days, currency) = (prepared.sources.objection_days, prepared.sources.currency);
            if party.payable > 0 && days > 0 {
                let account = Account::of_party(PartyAccount::Payable, &name, currency);
                let now = rules.submission.recorded_at;
                let row = WaitingRow::after(party.payable, now, days);
                rules.state.put(&(account, at), &row);
            }
            rules.state.put(&(name, at), &PartySettlementRow);
        }
    }
    rules.produced.push((hash, prepared.result.json));
    Ok(vec![ThingKind::Settlement])
}

fn postings(prepared: &Prepared) -> Result<Vec<Posting>, Stop> {
    let pool = SettledPool {
        pool: &prepared.sources.pool,
        currency: prepared.sources.currency,
        openings: &prepared.openings,
    };
    pool.postings(&prepared.result.outcome)
}

fn settle_period(rules: &mut Rules<'_>, prepared: &Prepared) -> Result<(), Stop> {
    let sources = &prepared.sources;
    let PeriodState::Frozen { at: frozen_at } = sources.period_state() else {
        return refuse(Reason::NotFrozen, "the period is not frozen");
    };
    let Some(period_row) = &sources.period_row else {
        return Err(ViewFault::new("a frozen period has no row").into());
    };
    let at = rules.submission.index;
    let row = PeriodRow {
        state: PeriodState::Settled { frozen_at, at },
        ..period_row.clone()
    };
    let key = (sources.pool.clone(), sources.period);
    rules.state.put(&key, &row);
    Ok(())
}

/// Lowers what is outstanding on the claims that came back, wholly or in part.
fn recover_claims(rules: &mut Rules<'_>, settlement: &Settlement) -> Result<(), Stop> {
    for result in settlement.claims.iter().filter(|claim| claim.paid > 0) {
        let found = match result.id.parse::<ThingId>() {
            Ok(id) => find::claim(&rules.state, &id)?,
            Err(_) => None,
        };
        let Some((at, mut row)) = found else {
            return Err(ViewFault::new(format!("the claim {} has no row", result.id)).into());
        };
        match &mut row.decision {
            Some(decision) => decision.outstanding = result.outstanding,
            None => return Err(ViewFault::new("an open claim was recovered").into()),
        }
        rules.state.put(&at, &row);
    }
    Ok(())
}

fn row(id: ThingId, prepared: &Prepared) -> SettlementRow {
    let (sources, result) = (&prepared.sources, &prepared.result);
    let empty = SettlementRow {
        id,
        pool: sources.pool.clone(),
        period: sources.period,
        valuation: prepared.valuation_at,
        policy: sources.policy_hash,
        result_hash: result.hash,
        output_root: result.output_root,
        lines: result.lines,
        currency: sources.currency,
        net: 0,
        operator_fee: 0,
        cost_recovered: 0,
        shared: 0,
        stopped: false,
    };
    match &result.outcome {
        Outcome::Stopped(stopped) => SettlementRow {
            net: stopped.net,
            stopped: true,
            ..empty
        },
        Outcome::Settled(settlement) => SettlementRow {
            net: settlement.net,
            operator_fee: settlement.operator_fee,
            cost_recovered: settlement.cost_recovered,
            shared: settlement.shared,
            ..empty
        },
    }
}
