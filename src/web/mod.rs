//! Plain HTTP, read-only: what existing tools for transparency logs ask for, on the port of gRPC.
//!
//! `/checkpoint` and `/tile/...` are those of C2SP tlog-tiles, byte for byte. Hashes and
//! checkpoints are for anybody; entries hold content and need a reader's token. The service mounts
//! the routes and is their [`Host`]: it says who asks and bounds how much is read at once.

mod answer;
mod cosigning;
mod fault;
mod host;
mod routes;
mod schedule;
mod witness;

pub use cosigning::{WitnessPolicy, keep_cosigned};
pub use fault::WebFault;
pub use host::{Asked, Host};
pub use routes::router;
pub use schedule::{PublishedCheckpoint, Schedule};
pub use witness::{Memory, Witnessing, witness_router};
