//! What the routes need from whoever mounts them.

use axum::http::request::Parts;

use crate::domain::Rejection;
use crate::store::log::LogReader;

use super::fault::WebFault;
use super::schedule::Schedule;

/// The head of a request: its headers, and what the host has noted with it.
pub type Asked = Parts;

/// The service around the routes.
pub trait Host: Clone + Send + Sync + 'static {
    /// Returns which checkpoints are published.
    fn schedule(&self) -> &Schedule;

    /// Says whether the service goes on: false from the word to stop on.
    fn serves(&self) -> bool;

    /// Reads for anybody, on a thread that may wait for a disk, among a bounded number at once.
    ///
    /// # Errors
    /// `QUEUE_FULL`, or `INTERNAL` for a fault that is in the log of the service.
    fn read<A: Send + 'static>(
        &self,
        asked: &Asked,
        work: impl FnOnce(&dyn LogReader) -> Result<A, WebFault> + Send + 'static,
    ) -> impl Future<Output = Result<A, Rejection>> + Send;

    /// Reads for a party that may read the whole log, as [`read`](Self::read).
    ///
    /// # Errors
    /// As [`read`](Self::read); `UNAUTHENTICATED` without a good token, `NOT_PERMITTED` for a party
    /// that is neither operator nor auditor.
    fn read_as_reader<A: Send + 'static>(
        &self,
        asked: &Asked,
        work: impl FnOnce(&dyn LogReader) -> Result<A, WebFault> + Send + 'static,
    ) -> impl Future<Output = Result<A, Rejection>> + Send;
}
