//! Everything that can pile up has a bound, and reaching it has one answer.

use std::task::Poll;
use std::time::Duration;

use futures_util::poll;
use tokio::task::{JoinSet, unconstrained};

use super::{PATIENCE, settled, until};
use crate::domain::{Reason, Role};
use crate::engine::testing::faulty_log::FaultyLog;
use crate::engine::testing::{Fixture, found_ledger};
use crate::engine::{
    BATCH_ENTRIES_MAX, EngineLimits, QUEUE_UNITS_MAX, QUEUE_WAIT_MAX, QUEUE_WAITING_MAX,
    STREAM_UNANSWERED_MAX,
};

fn held(limits: EngineLimits) -> (FaultyLog, Fixture) {
    let mut log = FaultyLog::default();
    let ledger = found_ledger(&mut log);
    let fixture = Fixture::limited(Box::new(log.clone()), ledger, limits);
    (log, fixture)
}

#[test]
fn the_limits_are_the_documented_ones() {
    let limits = EngineLimits::default();
    assert_eq!(limits.queue_units, QUEUE_UNITS_MAX);
    assert_eq!(limits.queue_waiting, QUEUE_WAITING_MAX);
    assert_eq!(limits.queue_wait, QUEUE_WAIT_MAX);
    assert_eq!(limits.batch_entries, BATCH_ENTRIES_MAX);
}

#[tokio::test]
async fn a_full_queue_makes_submitters_wait_and_then_refuses() {
    let limits = EngineLimits {
        queue_units: 8,
        queue_waiting: 2,
        queue_wait: Duration::from_millis(20),
        batch_entries: 4,
    };
    let (log, fixture) = held(limits);
    fixture.admit("lab", Role::Provider).await;
    log.hold(true);
    let begun = log.begun();
    let mut tasks = JoinSet::new();
    let submit = |version| {
        let engine = fixture.engine.clone();
        let signed = fixture.author.record("lab", version);
        async move {
            let answer = engine.submit(signed).await;
            answer.map(|_| ()).map_err(|rejection| rejection.reason)
        }
    };
    // One entry is committed, four fill the next batch, then the queue fills with eight.
    tasks.spawn(submit(1));
    until(|| log.begun() == begun + 1).await;
    for version in 2..=5 {
        tasks.spawn(submit(version));
    }
    settled(&fixture).await;
    // Eight wait in the queue, two wait for room in it, and the rest need not wait to be refused.
    let mut refused = Vec::new();
    for version in 6..=20 {
        let mut answer = Box::pin(unconstrained(submit(version)));
        match poll!(&mut answer) {
            Poll::Ready(answer) => refused.push(answer),
            Poll::Pending => drop(tasks.spawn(answer)),
        }
    }
    assert_eq!(refused, [Err(Reason::QueueFull); 5]);
    for _ in 0..limits.queue_waiting {
        let answer = tokio::time::timeout(PATIENCE, tasks.join_next()).await;
        assert_eq!(answer.unwrap().unwrap().unwrap(), Err(Reason::QueueFull));
    }
    log.hold(false);
    assert_eq!(tasks.join_all().await, [Ok(()); 13]);
    assert_eq!(fixture.engine.published().size, 2 + 13);
}

#[tokio::test]
async fn a_batch_has_no_more_entries_than_the_limit() {
    let limits = EngineLimits {
        batch_entries: 3,
        ..EngineLimits::default()
    };
    let (log, fixture) = held(limits);
    fixture.admit("lab", Role::Provider).await;
    let (mut input, mut output) = fixture.engine.stream();
    log.hold(true);
    for version in 1..=10 {
        input.push(fixture.author.record("lab", version)).await;
    }
    drop(input);
    log.hold(false);
    while let Some(answer) = output.next().await {
        answer.result.unwrap();
    }
    let log = fixture.engine.log();
    let checkpoints = log.checkpoints(2, 12, 100).unwrap();
    let mut before = 2;
    for (size, _) in checkpoints {
        assert!(size - before <= 3, "{before} to {size}");
        before = size;
    }
}

#[tokio::test]
async fn a_stream_is_not_read_beyond_its_unanswered() {
    let (log, fixture) = held(EngineLimits::default());
    fixture.admit("lab", Role::Provider).await;
    log.hold(true);
    let (mut input, mut output) = fixture.engine.stream();
    // Refused commands count as every other: they wait for their answer.
    let signed = fixture.author.record("lab", 1);
    for _ in 0..STREAM_UNANSWERED_MAX {
        input.push(signed.clone()).await.unwrap();
    }
    let last = fixture.author.record("lab", 2);
    let mut one_more = Box::pin(unconstrained(input.push(last)));
    assert!(poll!(&mut one_more).is_pending());
    log.hold(false);
    let first = output.next().await.unwrap();
    assert_eq!(first.result.unwrap().index, 2);
    let sequence = one_more.await;
    assert_eq!(sequence, Some(STREAM_UNANSWERED_MAX as u64));
    drop(input);
    let mut next = 1;
    while let Some(answer) = output.next().await {
        assert_eq!(answer.sequence, next);
        let expected = if next < STREAM_UNANSWERED_MAX as u64 {
            2
        } else {
            3
        };
        assert_eq!(answer.result.unwrap().index, expected);
        next += 1;
    }
    assert_eq!(next, STREAM_UNANSWERED_MAX as u64 + 1);
}

#[tokio::test]
async fn shutting_down_under_load_answers_everything_that_was_taken_in() {
    let (_log, fixture) = held(EngineLimits::default());
    fixture.admit("lab", Role::Provider).await;
    let mut tasks = JoinSet::new();
    for version in 1..=500 {
        let engine = fixture.engine.clone();
        let signed = fixture.author.record("lab", version);
        tasks.spawn(async move { engine.submit(signed).await });
    }
    until(|| fixture.engine.published().size > 100).await;
    assert!(fixture.engine.shutdown(PATIENCE).await, "it ends in time");
    let size = fixture.engine.log().size();
    let mut recorded = 0;
    for answer in tasks.join_all().await {
        match answer {
            Ok(receipt) => {
                assert!(receipt.index < size);
                recorded += 1;
            }
            Err(rejection) => assert_eq!(rejection.reason, Reason::ShuttingDown),
        }
    }
    assert_eq!(
        size,
        2 + recorded,
        "recorded means answered, and the reverse"
    );
    let late = fixture
        .engine
        .submit(fixture.author.record("lab", 501))
        .await;
    assert_eq!(late.unwrap_err().reason, Reason::ShuttingDown);
}

#[tokio::test]
async fn a_shutdown_that_takes_too_long_says_so() {
    let (log, fixture) = held(EngineLimits::default());
    log.hold(true);
    let begun = log.begun();
    let engine = fixture.engine.clone();
    let signed = fixture.author.admit("lab", Role::Provider);
    let submitted = tokio::spawn(async move { engine.submit(signed).await });
    until(|| log.begun() == begun + 1).await;
    assert!(!fixture.engine.shutdown(Duration::from_millis(1)).await);
    log.hold(false);
    assert!(fixture.engine.shutdown(PATIENCE).await);
    submitted.await.unwrap().unwrap();
}
