//! Reads as values: what a service answers, read into the types of `domain`, one file a service.
//!
//! Each serializes with the field names of the protos, ids in hex and amounts in minor units, so
//! that a command line can print it as it stands.

mod book;
mod checks;
mod contributions;
mod costs;
mod log;
mod parties;
mod payouts;
mod pools;
mod requests;
mod settlements;
mod statements;
mod valuations;

use std::future::Future;

use super::ClientError;

pub use book::{Account, CurrencyBalance, Posting, TrialBalance};
pub use checks::{CommandCheck, Refused};
pub use contributions::{Contribution, ContributionFilter};
pub use costs::CostClaim;
pub use log::{ConsistencyProof, EntryReference, EntryShown, InclusionProof, LogPart, LogRun};
pub use parties::{Party, PartyKey};
pub use payouts::{Payable, Payout, WaitingAmount};
pub use pools::{Pool, PoolPeriod, PoolPolicyShown, PublishedPolicy, Revenue, Use};
pub use requests::{ValuationProgress, ValuationRequest, Watched};
pub use settlements::{
    Evidence, Explanation, LineError, Preview, Settlement, SettlementLine, SettlementLines, Subject,
};
pub use statements::{Statement, StatementLine, StatementPool};
pub use valuations::{Valuation, ValueRow, ValueTable};

/// The most items of one page.
const PAGE_SIZE_MAX: u32 = 1_000;
/// The most pages that one list asks for: a page may be short and still name the next.
const PAGES_MAX: usize = 10_000;

/// The items of a list, as many as were asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Listed<T> {
    /// The items.
    pub items: Vec<T>,
    /// The log size that their attributes are as of.
    pub read_at_size: u64,
    /// Whether there are more than were asked for.
    pub more: bool,
}

/// One page of a list.
struct Page<T> {
    items: Vec<T>,
    next: String,
    read_at_size: u64,
}

/// Asks for pages until there are `limit` items or no more; `call` gets page size and token.
async fn pages<T, F, Called>(limit: usize, mut call: F) -> Result<Listed<T>, ClientError>
where
    F: FnMut(u32, String) -> Called,
    Called: Future<Output = Result<Page<T>, ClientError>>,
{
    let mut items = Vec::new();
    let mut token = String::new();
    let mut read_at_size = 0;
    for _ in 0..PAGES_MAX {
        let wanted = u32::try_from(limit.saturating_sub(items.len())).unwrap_or(u32::MAX);
        let page = call(wanted.clamp(1, PAGE_SIZE_MAX), token).await?;
        items.extend(page.items);
        (token, read_at_size) = (page.next, page.read_at_size);
        if token.is_empty() || items.len() >= limit {
            break;
        }
    }
    let more = !token.is_empty() || items.len() > limit;
    items.truncate(limit);
    Ok(Listed {
        items,
        read_at_size,
        more,
    })
}

fn read_all<T, M>(
    messages: Vec<M>,
    read: impl Fn(M) -> Result<T, ClientError>,
) -> Result<Vec<T>, ClientError> {
    messages.into_iter().map(read).collect()
}

/// Declares how a connection makes the client of a service, with the limits that answers need.
macro_rules! service {
    ($method:ident, $module:ident :: $client:ident) => {
        impl $crate::client::Connection {
            fn $method(&self) -> $crate::wire::proto::$module::$client<tonic::transport::Channel> {
                $crate::wire::proto::$module::$client::new(self.channel())
                    .max_decoding_message_size($crate::client::connection::ANSWER_BYTES_MAX)
            }
        }
    };
}

/// Makes a unary call and returns the message of the answer.
macro_rules! call {
    ($connection:expr, $service:ident . $method:ident, $request:expr) => {{
        let request = $connection.unary($request)?;
        let answered = $connection.$service().$method(request).await;
        answered
            .map_err(|status| $connection.failed(status))?
            .into_inner()
    }};
}

use {call, service};
