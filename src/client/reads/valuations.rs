//! Valuations and their tables.

use serde::Serialize;

use super::{Listed, Page, call, pages, read_all, service};
use crate::client::answer::{self, Answer as _};
use crate::client::{ClientError, Connection};
use crate::domain::{ContentHash, PartyName, Period, PoolName, ThingId};
use crate::wire::proto;

service!(
    valuation_service,
    valuation_service_client::ValuationServiceClient
);

/// A signed, reproducible set of weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Valuation {
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
    /// BLAKE3 of the validation set.
    pub validation_hash: Option<ContentHash>,
    /// BLAKE3 of the value table.
    pub table_hash: ContentHash,
    /// The party that signed it: the pool's evaluator, or the service's own.
    pub evaluator: PartyName,
    /// The log index that imported or finished it.
    pub imported_index: u64,
    /// The request that it answers.
    pub request: Option<ThingId>,
}

/// One contribution's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueRow {
    /// The id of the contribution.
    pub contribution: ThingId,
    /// The name of the contribution; empty where the caller may not see it.
    pub name: String,
    /// Who stands behind its party.
    pub owner: String,
    /// The value as a decimal integer over the table's denominator.
    pub value: String,
    /// The weight, of 10^12 in all.
    pub weight: u64,
}

/// The rows of a table that the caller may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueTable {
    /// What the values are over, as a decimal integer.
    pub denominator: String,
    /// The rows, in the table's order.
    pub rows: Listed<ValueRow>,
}

impl Connection {
    /// Returns a valuation by id or prefix of it.
    ///
    /// # Errors
    /// As any call.
    pub async fn valuation(&self, reference: &str) -> Result<Valuation, ClientError> {
        let request = proto::GetValuationRequest {
            reference: reference.to_owned(),
            min_log_size: 0,
        };
        let answer = call!(self, valuation_service.get_valuation, request);
        read_valuation(answer.valuation.wanted("valuation")?)
    }

    /// Lists at most `limit` valuations, the newest first.
    ///
    /// # Errors
    /// As any call.
    pub async fn valuations(
        &self,
        pool: Option<&PoolName>,
        period: Option<&Period>,
        limit: usize,
    ) -> Result<Listed<Valuation>, ClientError> {
        pages(limit, async |page_size, page_token| {
            let request = proto::ListValuationsRequest {
                pool: pool.map(ToString::to_string).unwrap_or_default(),
                period: period.map(ToString::to_string).unwrap_or_default(),
                page_size,
                page_token,
                min_log_size: 0,
            };
            let answer = call!(self, valuation_service.list_valuations, request);
            Ok(Page {
                items: read_all(answer.valuations, read_valuation)?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await
    }

    /// Returns at most `limit` rows of a valuation's table.
    ///
    /// # Errors
    /// As any call.
    pub async fn value_table(
        &self,
        valuation: &ThingId,
        limit: usize,
    ) -> Result<ValueTable, ClientError> {
        let denominator = std::cell::RefCell::new(String::new());
        let rows = pages(limit, async |page_size, page_token| {
            let request = proto::GetTableRequest {
                valuation: valuation.to_string(),
                page_size,
                page_token,
                min_log_size: 0,
            };
            let answer = call!(self, valuation_service.get_table, request);
            denominator.replace(answer.denominator);
            Ok(Page {
                items: read_all(answer.rows, read_row)?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await?;
        Ok(ValueTable {
            denominator: denominator.into_inner(),
            rows,
        })
    }
}

fn read_valuation(message: proto::Valuation) -> Result<Valuation, ClientError> {
    let hash = &message.validation_hash;
    Ok(Valuation {
        id: answer::bytes("valuation.id", &message.id)?,
        pool: answer::text("valuation.pool", &message.pool)?,
        period: answer::text("valuation.period", &message.period)?,
        validation_hash: answer::optional_bytes("valuation.validation_hash", hash)?,
        table_hash: answer::bytes("valuation.table_hash", &message.table_hash)?,
        evaluator: answer::text("valuation.evaluator", &message.evaluator)?,
        request: answer::optional_bytes("valuation.request", &message.request)?,
        method: message.method,
        parameters: message.parameters,
        imported_index: message.imported_index,
    })
}

fn read_row(message: proto::ValueRow) -> Result<ValueRow, ClientError> {
    Ok(ValueRow {
        contribution: answer::bytes("row.contribution", &message.contribution)?,
        name: message.name,
        owner: message.owner,
        value: message.value,
        weight: message.weight,
    })
}
