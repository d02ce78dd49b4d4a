//! The bounds of the service, each by name; what a client has to keep to is told by `GetLedger`.

use std::time::Duration;

pub use crate::store::blobs::CHUNK_BYTES_MAX;

/// The most bytes of a message to `LedgerService`: a command of full size and what surrounds it.
pub const MESSAGE_BYTES_MAX: usize = 128 * 1024;
/// The most bytes of a message to a service of reads.
pub const QUERY_BYTES_MAX: usize = 16 * 1024;
/// What a message with a chunk of full size may have around it, in bytes.
pub(super) const CHUNK_FRAME_BYTES: usize = 64;
/// The most bytes of leaves in one part of `ListEntries`, unless one leaf alone is more.
pub const PART_BYTES_MAX: usize = 1024 * 1024;
/// The most bytes of the headers of a call.
pub const HEADER_BYTES_MAX: u32 = 16 * 1024;
/// How many bytes of one call a client may send ahead of what is read.
pub const STREAM_WINDOW_BYTES: u32 = 512 * 1024;
/// How many bytes of all calls of a connection a client may send ahead of what is read.
pub const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// How many items a page has where the request does not say.
pub const PAGE_SIZE_DEFAULT: u32 = 50;
/// The most items of a page.
pub const PAGE_SIZE_MAX: u32 = 1_000;
/// The most requests of one `SubmitStream` that wait for their answer.
pub const UNANSWERED_MAX: usize = 4_096;

/// What bounds the server as a whole; the defaults are the named constants, and tests lower them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServeLimits {
    /// The most connections at once; more wait to be accepted.
    pub connections: usize,
    /// The most calls at once on one connection.
    pub streams_per_connection: u32,
    /// The most reads that are worked on at once.
    pub reads_at_once: usize,
    /// The most reads that wait for one of those; more are refused with `QUEUE_FULL`.
    pub reads_waiting: usize,
    /// The most uploads and downloads of blobs at once; more are refused with `QUEUE_FULL`.
    pub transfers_at_once: usize,
    /// How long a call may take to answer, uploads excepted.
    pub call: Duration,
    /// How long a client may leave a transfer without a step before it is ended.
    pub idle_transfer: Duration,
    /// How long a new connection may take to begin: its TLS handshake, or its first bytes.
    pub handshake: Duration,
    /// How often an idle connection is asked whether it is still there.
    pub keepalive_interval: Duration,
    /// How long it may take to say so.
    pub keepalive_timeout: Duration,
}

/// The most connections at once.
pub const CONNECTIONS_MAX: usize = 1_024;
/// The most calls at once on one connection.
pub const STREAMS_PER_CONNECTION_MAX: u32 = 256;
/// The most reads that are worked on at once.
pub const READS_AT_ONCE_MAX: usize = 16;
/// The most reads that wait.
pub const READS_WAITING_MAX: usize = 1_024;
/// The most uploads and downloads of blobs at once.
pub const TRANSFERS_AT_ONCE_MAX: usize = 64;
/// How long a call may take to answer.
pub const CALL_TIME_MAX: Duration = Duration::from_secs(60);
/// How long a transfer may stand still.
pub const IDLE_TRANSFER_MAX: Duration = Duration::from_secs(60);
/// How long a new connection may take to begin.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How often an idle connection is asked whether it is still there.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// How long it may take to say so.
pub const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS_MAX,
            streams_per_connection: STREAMS_PER_CONNECTION_MAX,
            reads_at_once: READS_AT_ONCE_MAX,
            reads_waiting: READS_WAITING_MAX,
            transfers_at_once: TRANSFERS_AT_ONCE_MAX,
            call: CALL_TIME_MAX,
            idle_transfer: IDLE_TRANSFER_MAX,
            handshake: HANDSHAKE_MAX,
            keepalive_interval: KEEPALIVE_INTERVAL,
            keepalive_timeout: KEEPALIVE_TIMEOUT,
        }
    }
}
