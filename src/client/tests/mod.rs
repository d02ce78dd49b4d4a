//! Tests of the client against a server of its own that records, breaks off, and lies.

mod receipts;
mod sending;
mod server;
mod static_log;
