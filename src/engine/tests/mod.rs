//! Tests of the engine on stores in memory, with clocks that stand still.

mod commit;
mod door;
mod folder;
mod limits;
mod log_keys;
mod order;
mod restart;

use std::time::Duration;

use super::testing::Fixture;

/// How long a test waits for a condition before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for a condition.
async fn until(condition: impl Fn() -> bool) {
    let reached = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, reached).await;
    waited.expect("the condition never held");
}

/// Waits until everything that was submitted, by tasks of this thread, is decided.
async fn settled(fixture: &Fixture) {
    // The tasks run first; each of them submits before it waits.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    until(|| fixture.engine.0.intake.is_empty()).await;
}
