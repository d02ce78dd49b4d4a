//! The service: gRPC around the engine and the queries, one file a service.
//!
//! It knows no rule of the ledger. A command goes to the engine as it came, a read to a query with
//! who asks; what comes back is a domain value, or a refusal that one file turns into a status.
//! What must stay true: nothing that a caller may not see is told apart from what does not exist,
//! no secret and no token is logged, and everything that a client can make large has a bound.

mod asked;
mod blob;
mod book;
mod calls;
mod check;
mod command_ids;
mod connections;
mod identity;
mod key_changes;
mod ledger;
mod limits;
mod log;
mod page_token;
mod pool;
mod reads;
mod recorded;
mod registry;
mod serve;
mod settlement;
mod status;
mod stopping;
#[cfg(test)]
mod tests;
mod tls;
mod valuation;
mod web;

pub use calls::{REQUEST_ID_HEADER, RequestId};
pub use limits::*;
pub use serve::{ServeError, ServeOptions, serve};
pub use status::{ERROR_DOMAIN, code_of, retry_after};
pub use tls::{TlsError, TlsIdentity};
