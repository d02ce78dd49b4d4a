//! `ValuationService`: what contributions were valued at, and how; and what is being valued.

mod watching;

use tokio::sync::watch;
use tonic::{Request, Response};

use self::watching::Watching;
use super::asked::Asked;
use super::calls::Call;
use super::reads::{Answer, Reads};
use super::stopping::AnswerStream;
use crate::engine::Jobs;
use crate::ledger::query::{self, Requested, TableRow, Valuation, ValuationFilter};
use crate::wire::proto;
use crate::wire::proto::valuation_service_server::ValuationService;

/// Shows valuations.
pub(super) struct Valuations {
    reads: Reads,
    /// Who works on requests; none where nobody does here.
    jobs: Option<Jobs>,
    stopping: watch::Receiver<bool>,
}

impl Valuations {
    pub fn new(reads: Reads, jobs: Option<Jobs>, stopping: watch::Receiver<bool>) -> Self {
        Self {
            reads,
            jobs,
            stopping,
        }
    }
}

#[tonic::async_trait]
impl ValuationService for Valuations {
    type WatchStream = AnswerStream<proto::WatchResponse>;

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

    async fn list_requests(
        &self,
        request: Request<proto::ListRequestsRequest>,
    ) -> Answer<proto::ListRequestsResponse> {
        let work = self.reads.list(request, |asked, reading, caller, paging| {
            let mut fields = Asked::default();
            let filter = ValuationFilter {
                pool: fields.pool_if_any("pool", &asked.pool),
                period: fields.optional("period", &asked.period),
            };
            fields.done()?;
            let cursor = paging.cursor(reading.size())?;
            let view = reading.view();
            let page = query::valuation_requests(view, caller, &filter, cursor, paging.limit)?;
            Ok(proto::ListRequestsResponse {
                next_page_token: paging.next(&page),
                requests: page.items.iter().map(request_message).collect(),
                read_at_size: reading.size(),
                listed_at_size: cursor.size,
            })
        });
        work.await
    }

    async fn watch(&self, request: Request<proto::WatchRequest>) -> Answer<Self::WatchStream> {
        let call = Call::of(&request);
        let opened = self.reads.open(request, |asked, reading| {
            let identity = reading.identity()?;
            let found = query::valuation_request(reading.view(), &identity.caller, &asked.request)?;
            Ok((identity, found))
        });
        let (identity, found) = opened.await.map_err(|failure| call.fail(failure))?;
        call.by(identity.name());
        let jobs = self.jobs.as_ref();
        let watching = Watching {
            reads: self.reads.clone(),
            stopping: self.stopping.clone(),
            sizes: self.reads.engine().sizes(),
            progress: jobs.map(|jobs| jobs.progress(found.at)),
            call,
            identity,
            at: found.at,
            told: None,
        };
        Ok(Response::new(watching.stream()))
    }
}

fn request_message(requested: &Requested) -> proto::ValuationRequest {
    let row = &requested.row;
    let commitment = row.commitment.as_ref();
    let valuation = requested.valuation.as_ref();
    proto::ValuationRequest {
        id: row.id.0.to_vec().into(),
        pool: row.pool.to_string(),
        period: row.period.to_string(),
        method: row.method.clone(),
        parameters: row.parameters.clone(),
        requested_index: requested.at.index,
        commitment: commitment
            .map(|hash| hash.0.to_vec())
            .unwrap_or_default()
            .into(),
        valuation: valuation.map(|id| id.0.to_vec()).unwrap_or_default().into(),
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
        request: valuation
            .request
            .map(|id| id.0.to_vec())
            .unwrap_or_default()
            .into(),
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
