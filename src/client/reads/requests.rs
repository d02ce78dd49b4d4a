//! Requests for valuations, and how far the work on one is.

use serde::Serialize;

use super::{Listed, Page, call, pages, read_all, service};
use crate::client::answer::{self, Answer as _};
use crate::client::{ClientError, Connection};
use crate::domain::{ContentHash, Period, PoolName, ThingId};
use crate::wire::proto;

service!(
    request_service,
    valuation_service_client::ValuationServiceClient
);

/// What the service was asked to value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValuationRequest {
    /// Its id.
    pub id: ThingId,
    /// The name of the pool.
    pub pool: PoolName,
    /// The period.
    pub period: Period,
    /// The method.
    pub method: String,
    /// The parameters as canonical JSON.
    pub parameters: String,
    /// The log index that asked for it.
    pub requested_index: u64,
    /// The commitment of the reveal that the seed is made from.
    pub commitment: Option<ContentHash>,
    /// The valuation that answers it.
    pub valuation: Option<ThingId>,
}

/// How far the work on a request is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValuationProgress {
    /// The request.
    pub request: ValuationRequest,
    /// What happens now, such as `valuing`, `failed` or `finished`.
    pub stage: String,
    /// How much of the stage is done, of `total`.
    pub done: u64,
    /// How much there is to do; 0 where that is not known.
    pub total: u64,
    /// What it waits for, or why it failed.
    pub note: String,
}

impl ValuationProgress {
    /// Says whether it cannot be answered.
    pub fn is_failed(&self) -> bool {
        self.stage == "failed"
    }
}

/// The progress of a request as it arrives.
#[derive(Debug)]
pub struct Watched<'a> {
    connection: &'a Connection,
    parts: tonic::Streaming<proto::WatchResponse>,
}

impl Watched<'_> {
    /// Returns the next change; none once the request is answered or has failed.
    ///
    /// # Errors
    /// The service ends the stream with an error.
    pub async fn next(&mut self) -> Result<Option<ValuationProgress>, ClientError> {
        let next = self.parts.message().await;
        let message = next.map_err(|status| self.connection.failed(status))?;
        message.map(read_progress).transpose()
    }
}

impl Connection {
    /// Lists at most `limit` requests for valuations, the newest first.
    ///
    /// # Errors
    /// As any call.
    pub async fn valuation_requests(
        &self,
        pool: Option<&PoolName>,
        period: Option<&Period>,
        limit: usize,
    ) -> Result<Listed<ValuationRequest>, ClientError> {
        pages(limit, async |page_size, page_token| {
            let request = proto::ListRequestsRequest {
                pool: pool.map(ToString::to_string).unwrap_or_default(),
                period: period.map(ToString::to_string).unwrap_or_default(),
                page_size,
                page_token,
                min_log_size: 0,
            };
            let answer = call!(self, request_service.list_requests, request);
            Ok(Page {
                items: read_all(answer.requests, read_request)?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await
    }

    /// Watches the work on a request, by id or prefix of it.
    ///
    /// # Errors
    /// As any call.
    pub async fn watch_valuation(&self, reference: &str) -> Result<Watched<'_>, ClientError> {
        let request = self.streaming(proto::WatchRequest {
            request: reference.to_owned(),
            min_log_size: 0,
        })?;
        let opened = self.request_service().watch(request).await;
        let parts = opened.map_err(|status| self.failed(status))?.into_inner();
        Ok(Watched {
            connection: self,
            parts,
        })
    }
}

fn read_request(message: proto::ValuationRequest) -> Result<ValuationRequest, ClientError> {
    Ok(ValuationRequest {
        id: answer::bytes("request.id", &message.id)?,
        pool: answer::text("request.pool", &message.pool)?,
        period: answer::text("request.period", &message.period)?,
        method: message.method,
        parameters: message.parameters,
        requested_index: message.requested_index,
        commitment: answer::optional_bytes("request.commitment", &message.commitment)?,
        valuation: answer::optional_bytes("request.valuation", &message.valuation)?,
    })
}

fn read_progress(message: proto::WatchResponse) -> Result<ValuationProgress, ClientError> {
    let stage = message.stage().as_str_name();
    let stage = stage.strip_prefix("VALUATION_STAGE_").unwrap_or(stage);
    Ok(ValuationProgress {
        stage: stage.to_ascii_lowercase(),
        request: read_request(message.request.wanted("request")?)?,
        done: message.done,
        total: message.total,
        note: message.note,
    })
}
