//! What streams do when the server stops.

use std::pin::Pin;

use tokio::sync::watch;
use tokio_stream::Stream;
use tonic::Status;

use super::status::Failure;
use crate::domain::Reason;

/// The answers of a stream.
pub(super) type AnswerStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Refuses because the server stops.
pub(super) fn shutting_down() -> Failure {
    Failure::refused(
        Reason::ShuttingDown,
        "the server is stopping; go on with it or its successor in a moment",
    )
}

/// Returns when the server begins to stop.
pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Where the sender is gone the server has stopped already.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
