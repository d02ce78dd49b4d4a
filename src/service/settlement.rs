//! `SettlementService`: how the money of a pool's period was shared, and why.

use tonic::Request;

use super::asked::Asked;
use super::book::money;
use super::reads::{Answer, Reads};
use super::status::Failure;
use crate::domain::{Currency, Money, PartyName, Period, PoolName};
use crate::ledger::query::{
    self, EvidenceEntry, LineFilter, ProvedLine, Settlement, Statement, StatementPool,
};
use crate::store::tables::{Columns, read_csv};
use crate::valuation::FeatureTable;
use crate::wire::proto;
use crate::wire::proto::settlement_service_server::SettlementService;

/// Shows settlements.
pub(super) struct Settlements {
    reads: Reads,
}

impl Settlements {
    pub fn new(reads: Reads) -> Self {
        Self { reads }
    }
}

#[tonic::async_trait]
impl SettlementService for Settlements {
    async fn preview(
        &self,
        request: Request<proto::PreviewRequest>,
    ) -> Answer<proto::PreviewResponse> {
        let work = self.reads.answer(request, |asked, reading, caller| {
            let (pool, period) = pool_and_period(&asked.pool, &asked.period)?;
            let (view, reference) = (reading.view(), &asked.valuation);
            let preview = reading.with_attachments(|attachments| {
                query::preview(view, caller, attachments, &pool, period, reference)
            })?;
            let json = String::from_utf8(preview.result.json.to_vec());
            Ok(proto::PreviewResponse {
                result_hash: preview.result.hash.0.to_vec().into(),
                result_json: json.map_err(|error| Failure::Fault(error.into()))?,
                valuation: preview.valuation.0.to_vec().into(),
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn get_settlement(
        &self,
        request: Request<proto::GetSettlementRequest>,
    ) -> Answer<proto::GetSettlementResponse> {
        let work = self.reads.answer(request, |asked, reading, caller| {
            let (pool, period) = pool_and_period(&asked.pool, &asked.period)?;
            let found = query::settlement(reading.view(), caller, &pool, period)?;
            Ok(proto::GetSettlementResponse {
                settlement: Some(settlement_message(&found)),
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn list_settlements(
        &self,
        request: Request<proto::ListSettlementsRequest>,
    ) -> Answer<proto::ListSettlementsResponse> {
        let work = self.reads.list(request, |asked, reading, caller, paging| {
            let mut fields = Asked::default();
            let pool = fields.pool_if_any("pool", &asked.pool);
            fields.done()?;
            let cursor = paging.cursor(reading.size())?;
            let view = reading.view();
            let page = query::settlements(view, caller, pool.as_ref(), cursor, paging.limit)?;
            Ok(proto::ListSettlementsResponse {
                next_page_token: paging.next(&page),
                settlements: page.items.iter().map(settlement_message).collect(),
                read_at_size: reading.size(),
                listed_at_size: cursor.size,
            })
        });
        work.await
    }

    async fn list_lines(
        &self,
        request: Request<proto::ListLinesRequest>,
    ) -> Answer<proto::ListLinesResponse> {
        let work = self.reads.list(request, |asked, reading, caller, paging| {
            let (pool, period) = pool_and_period(&asked.pool, &asked.period)?;
            let mut fields = Asked::default();
            let party = fields.optional::<PartyName>("party", &asked.party);
            fields.done()?;
            let (view, from) = (reading.view(), paging.number()?);
            let settlement = query::settlement(view, caller, &pool, period)?;
            let contribution = match asked.contribution.as_str() {
                "" => None,
                reference => Some(query::contribution(view, caller, reference)?.row.id),
            };
            let filter = LineFilter {
                contribution,
                party,
            };
            let at = (from, paging.limit);
            let page = reading.with_attachments(|attachments| {
                query::lines(view, caller, attachments, &settlement, &filter, at)
            })?;
            Ok(proto::ListLinesResponse {
                lines: page.lines.into_iter().map(line_message).collect(),
                total_lines: page.total,
                output_root: page.output_root.0.to_vec().into(),
                next_page_token: paging.token_of_number(reading.size(), page.next),
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn explain(
        &self,
        request: Request<proto::ExplainRequest>,
    ) -> Answer<proto::ExplainResponse> {
        use proto::explain_request::Subject;
        let work = self.reads.answer(request, |asked, reading, caller| {
            let view = reading.view();
            let explanation = match asked.subject {
                Some(Subject::Line(line)) => {
                    let (pool, period) = pool_and_period(&line.pool, &line.period)?;
                    let of = (&pool, period);
                    reading.with_attachments(|attachments| {
                        query::explain_line(view, caller, attachments, of, line.number)
                    })?
                }
                Some(Subject::Contribution(reference)) => {
                    reading.with_attachments(|attachments| {
                        let stored = (attachments, &read_rows as &query::RowReader<'_>);
                        query::explain_contribution(view, caller, stored, &reference)
                    })?
                }
                None => {
                    let text = "is required: line or contribution";
                    return Err(Failure::field("subject", text));
                }
            };
            Ok(proto::ExplainResponse {
                explanation_json: explanation.json,
                sentences: explanation.sentences,
                evidence: explanation.evidence.iter().map(evidence_message).collect(),
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn get_statement(
        &self,
        request: Request<proto::GetStatementRequest>,
    ) -> Answer<proto::GetStatementResponse> {
        let work = self.reads.answer(request, |asked, reading, caller| {
            let mut fields = Asked::default();
            let party = fields.required::<PartyName>("party", &asked.party);
            let period = fields.required::<Period>("period", &asked.period);
            let (Some(party), Some(period)) = (party, period) else {
                return Err(fields.refusal());
            };
            let view = reading.view();
            let statement = reading.with_attachments(|attachments| {
                query::statement(view, caller, attachments, &party, period)
            })?;
            Ok(proto::GetStatementResponse {
                statement: Some(statement_message(statement)),
                read_at_size: reading.size(),
            })
        });
        work.await
    }
}

/// Reads stored bytes as rows.
fn read_rows(bytes: &[u8]) -> Result<FeatureTable, String> {
    read_csv(bytes, &Columns::default()).map_err(|violations| {
        let first = violations.first().map(ToString::to_string);
        first.unwrap_or_default()
    })
}

/// Reads the name of a pool and a period.
pub(super) fn pool_and_period(pool: &str, period: &str) -> Result<(PoolName, Period), Failure> {
    let mut fields = Asked::default();
    let pool = fields.pool("pool", pool);
    let period = fields.required::<Period>("period", period);
    match (pool, period) {
        (Some(pool), Some(period)) => Ok((pool, period)),
        _ => Err(fields.refusal()),
    }
}

fn settlement_message(settlement: &Settlement) -> proto::Settlement {
    let row = &settlement.row;
    let amount = |minor_units| Some(money(minor_units, row.currency));
    proto::Settlement {
        id: row.id.0.to_vec().into(),
        pool: row.pool.to_string(),
        period: row.period.to_string(),
        valuation: settlement.valuation.0.to_vec().into(),
        policy_hash: row.policy.0.to_vec().into(),
        result_hash: row.result_hash.0.to_vec().into(),
        output_root: row.output_root.0.to_vec().into(),
        lines: row.lines,
        net: amount(row.net),
        operator_fee: amount(row.operator_fee),
        cost_recovered: amount(row.cost_recovered),
        shared: amount(row.shared),
        settled_index: settlement.at.index,
        stopped: row.stopped,
    }
}

fn line_message(line: ProvedLine) -> proto::SettlementLine {
    let proof = line.inclusion_proof.iter();
    proto::SettlementLine {
        number: line.number,
        line_json: line.json,
        inclusion_proof: proof.map(|hash| hash.0.to_vec().into()).collect(),
    }
}

fn evidence_message(entry: &EvidenceEntry) -> proto::EvidenceEntry {
    proto::EvidenceEntry {
        index: entry.index,
        what: entry.what.clone(),
    }
}

fn statement_message(statement: Statement) -> proto::Statement {
    let balances = |balances: &[Money]| balances.iter().map(proto::Money::from).collect();
    let lines = statement.lines.iter().map(|line| {
        let amount = |minor_units| Some(money(minor_units, line.currency));
        proto::StatementLine {
            pool: line.pool.to_string(),
            contribution: line.contribution.to_string(),
            weight: line.weight,
            cost: amount(line.cost),
            cost_outstanding: amount(line.cost_outstanding),
            share: amount(line.share),
            after_upstream: amount(line.after_upstream),
        }
    });
    proto::Statement {
        party: statement.party.to_string(),
        beneficial_owner: statement.beneficial_owner.to_string(),
        period: statement.period.to_string(),
        opening_balances: balances(&statement.opening),
        lines: lines.collect(),
        pools: statement.pools.iter().map(statement_pool_message).collect(),
        closing_balances: balances(&statement.closing),
        notes: statement.notes,
    }
}

fn statement_pool_message(pool: &StatementPool) -> proto::StatementPool {
    let row = &pool.settlement.row;
    let currency: Currency = row.currency;
    let amount = |minor_units| Some(money(minor_units, currency));
    proto::StatementPool {
        pool: row.pool.to_string(),
        net: amount(row.net),
        operator_fee: amount(row.operator_fee),
        payable: amount(pool.payable),
        carried: amount(pool.carried),
        tax: amount(pool.tax),
        offset: amount(pool.offset),
        held: amount(pool.held),
        reserve: amount(pool.reserve),
        settled_index: pool.settlement.at.index,
        result_hash: row.result_hash.0.to_vec().into(),
        output_root: row.output_root.0.to_vec().into(),
        line_numbers: pool.line_numbers.clone(),
    }
}
