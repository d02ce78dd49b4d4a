//! A client that trusts nothing it can check: it signs, sends, and verifies what comes back.
//!
//! The ledger id and the log's verifier keys are pinned; every receipt is rebuilt into its leaf,
//! proved against a checkpoint, and kept. A signed command is on disk before it is sent and stays
//! there until it is answered, so that a client that was killed repeats the same bytes. Time is an
//! argument, randomness comes from the system, and no generated type leaves this module.

mod answer;
mod blobs;
mod connection;
mod error;
mod files;
mod outbox;
mod reads;
mod receipt;
mod receipts;
mod session;
mod signing;
mod static_log;
mod stream;
mod target;
mod tile_log;
mod trusted_keys;

#[cfg(test)]
mod tests;

pub use blobs::CHUNK_BYTES;
pub use connection::{Connection, Identity, LedgerFacts, Now, Pins};
pub use error::{ClientError, PinError, Refusal};
pub use files::write_durably;
pub use outbox::{OUTBOX_COMMANDS_MAX, Outbox, OutboxError};
pub use reads::*;
pub use receipt::{ReceiptError, verify_receipt};
pub use receipts::{Receipts, ReceiptsError};
pub use session::{Recorded, Resent, Session};
pub use signing::{SignedCommand, random, sign_command};
pub use static_log::{StaticLog, StaticLogError, StaticWriter};
pub use stream::{STREAM_UNANSWERED_MAX, StreamAnswer};
pub use target::{Target, TargetError};
pub use tile_log::{BundleReader, TileLog, TileLogError};
pub use trusted_keys::LogKeyChange;
