//! `ValuationService`: what contributions were valued at, and how.

use tonic::Request;

use super::asked::Asked;
use super::reads::{Answer, Reads};
use crate::ledger::query::{self, TableRow, Valuation, ValuationFilter};
use crate::wire::proto;
use crate::wire::proto::valuation_service_server::ValuationService;

/// Shows valuations.
pub(super) struct Valuations {
    reads: Reads,
}

impl Valuations {
    pub fn new(reads: Reads) -> Self {
        Self { reads }
    }
}

#[tonic::async_trait]
impl ValuationService for Valuations {
    async fn get_valuation(
        &self,
        request: Request<proto::GetValuationRequest>,
    ) -> Answer<proto::GetValuationResponse> {
        let work = self.reads.answer(request, |asked, reading, caller| {
            let found = query::valuation(reading.view(), caller, &asked.reference)?;
            Ok(proto::GetValuationResponse {
                valuation: Some(valuation_message(&found)),
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn list_valuations(
        &self,
        request: Request<proto::ListValuationsRequest>,
    ) -> Answer<proto::ListValuationsResponse> {
        let work = self.reads.list(request, |asked, reading, caller, paging| {
            let mut fields = Asked::default();
            let filter = ValuationFilter {
                pool: fields.pool_if_any("pool", &asked.pool),
                period: fields.optional("period", &asked.period),
            };
            fields.done()?;
            let cursor = paging.cursor(reading.size())?;
            let page = query::valuations(reading.view(), caller, &filter, cursor, paging.limit)?;
            Ok(proto::ListValuationsResponse {
                next_page_token: paging.next(&page),
                valuations: page.items.iter().map(valuation_message).collect(),
                read_at_size: reading.size(),
                listed_at_size: cursor.size,
            })
        });
        work.await
    }

    async fn get_table(
        &self,
        request: Request<proto::GetTableRequest>,
    ) -> Answer<proto::GetTableResponse> {
        let work = self.reads.list(request, |asked, reading, caller, paging| {
            let (view, from) = (reading.view(), paging.number()?);
            let page = reading.with_attachments(|attachments| {
                let reference = &asked.valuation;
                query::value_table(view, caller, attachments, reference, from, paging.limit)
            })?;
            Ok(proto::GetTableResponse {
                rows: page.rows.iter().map(row_message).collect(),
                denominator: page.denominator.to_string(),
                next_page_token: paging.token_of_number(reading.size(), page.next),
                read_at_size: reading.size(),
            })
        });
        work.await
    }
}

fn valuation_message(valuation: &Valuation) -> proto::Valuation {
    let row = &valuation.row;
    let validation_hash = row.validation_hash.as_ref();
    proto::Valuation {
        id: row.id.0.to_vec().into(),
        pool: row.pool.to_string(),
        period: row.period.to_string(),
        method: row.method.clone(),
        parameters: row.parameters.clone(),
        validation_hash: validation_hash
            .map(|hash| hash.0.to_vec())
            .unwrap_or_default()
            .into(),
        table_hash: row.table_hash.0.to_vec().into(),
        evaluator: row.evaluator.to_string(),
        imported_index: valuation.at.index,
    }
}

fn row_message(row: &TableRow) -> proto::ValueRow {
    let name = row.name.as_ref();
    proto::ValueRow {
        contribution: row.line.contribution.0.to_vec().into(),
        name: name.map(ToString::to_string).unwrap_or_default(),
        owner: row.line.owner.to_string(),
        value: row.line.value.to_string(),
        weight: row.line.weight,
    }
}
