//! Starting again: the same log gives the same state, and a start that cannot be right is refused.

use std::sync::Arc;

use crate::domain::{Role, UnixMillis};
use crate::engine::testing::faulty_log::FaultyLog;
use crate::engine::testing::{Author, Fixture, START, found_ledger, key, options};
use crate::engine::{Engine, EngineLimits, GivenSigners, ManualClock, SignedBytes, StartError};
use crate::ledger::{Changes, CharterRow, RULES_VERSION, encode, key as row_key, state_hash};
use crate::merkle::leaf_hash;
use crate::store::index::Index;
use crate::store::log::{LogStore, MemoryLog};

/// Commands that touch parties, keys and contributions, some of them refused.
fn commands(author: &Author) -> Vec<SignedBytes> {
    let mut commands = vec![
        author.admit("lab", Role::Provider),
        author.admit("school", Role::Provider),
        author.admit("payer", Role::Payer),
    ];
    for version in 1..=50 {
        commands.push(author.record("lab", version));
        commands.push(author.record("school", version));
        commands.push(author.record("payer", version));
        commands.push(author.record("lab", 1 + version / 2));
    }
    commands
}

/// Runs the commands through a stream; returns the state hash and all leaves.
async fn run(log: &FaultyLog) -> ([u8; 32], Vec<bytes::Bytes>) {
    let ledger = found_ledger(&mut log.clone());
    let fixture = Fixture::on(Box::new(log.clone()), ledger);
    let (mut input, mut output) = fixture.engine.stream();
    for signed in commands(&fixture.author) {
        input.push(signed).await.unwrap();
    }
    drop(input);
    while output.next().await.is_some() {}
    let published = fixture.engine.published();
    let reader = fixture.engine.log();
    let leaves = reader.leaves(0, published.size, usize::MAX).unwrap();
    (state_hash(&published.view).unwrap(), leaves)
}

#[tokio::test]
async fn the_same_commands_in_the_same_order_give_the_same_log_and_state() {
    let first = run(&FaultyLog::default()).await;
    let second = run(&FaultyLog::default()).await;
    assert_eq!(first.1.len(), 104);
    assert_eq!(first, second);
}

#[tokio::test]
async fn the_state_after_a_restart_is_the_one_before() {
    let log = FaultyLog::default();
    let (hash, leaves) = run(&log).await;
    let clock = Arc::new(ManualClock::at(START));
    let again = Engine::start(options(log.reopened(), clock, EngineLimits::default())).unwrap();
    let published = again.published();
    assert_eq!(state_hash(&published.view).unwrap(), hash);
    assert_eq!(published.size, leaves.len() as u64);
    assert_eq!(published.recorded_at, START);
    let note = again.log().checkpoint(published.size).unwrap();
    assert_eq!(note.as_deref(), Some(&*published.checkpoint));
}

#[tokio::test]
async fn recorded_time_never_goes_back() {
    let fixture = Fixture::founded();
    fixture.clock.set(UnixMillis(START.0 + 5_000));
    fixture.admit("lab", Role::Provider).await;
    fixture.clock.set(START);
    let receipt = fixture.engine.submit(fixture.author.record("lab", 1)).await;
    assert_eq!(receipt.unwrap().recorded_at, UnixMillis(START.0 + 5_000));
}

fn founded() -> MemoryLog {
    let mut log = MemoryLog::new();
    found_ledger(&mut log);
    log
}

fn start(log: MemoryLog, now: UnixMillis) -> Result<Engine, StartError> {
    let clock = Arc::new(ManualClock::at(now));
    Engine::start(options(Box::new(log), clock, EngineLimits::default()))
}

#[test]
fn a_clock_behind_the_log_by_more_than_the_window_is_refused() {
    let window = 600_000;
    start(founded(), UnixMillis(START.0 - window)).unwrap();
    let refused = start(founded(), UnixMillis(START.0 - window - 1));
    assert!(matches!(refused, Err(StartError::ClockBehind { .. })));
}

#[test]
fn an_empty_log_is_not_a_ledger() {
    let refused = start(MemoryLog::new(), START);
    assert!(matches!(refused, Err(StartError::NotFounded)));
}

#[test]
fn another_key_than_the_log_s_is_refused() {
    let clock = Arc::new(ManualClock::at(START));
    let mut options = options(Box::new(founded()), clock, EngineLimits::default());
    options.signers = Arc::new(GivenSigners::one(key("somebody")));
    let refused = Engine::start(options);
    assert!(matches!(refused, Err(StartError::WrongLogKey { .. })));
}

#[test]
fn an_index_that_has_seen_more_or_something_else_is_a_rollback() {
    let wrong = leaf_hash(b"another");
    for (size, root) in [(1, wrong), (2, wrong)] {
        let clock = Arc::new(ManualClock::at(START));
        let mut options = options(Box::new(founded()), clock, EngineLimits::default());
        let index = Index::memory();
        index.publish(&Changes::new(), size, root).unwrap();
        options.index = index;
        let refused = Engine::start(options);
        assert!(matches!(refused, Err(StartError::Rollback { .. })));
    }
    assert_eq!(founded().size(), 1);
}

#[test]
fn rules_that_are_newer_than_the_program_are_no_fault_but_too_new() {
    let clock = Arc::new(ManualClock::at(START));
    let log = founded();
    let index = Index::memory();
    let first = Engine::start(options(
        Box::new(founded()),
        Arc::clone(&clock),
        EngineLimits::default(),
    ));
    let charter = CharterRow {
        rules_version: RULES_VERSION + 1,
        ..first.unwrap().published().charter.clone()
    };
    let mut changes = Changes::new();
    changes.put(row_key::<CharterRow>(&()), encode(&charter));
    index.publish(&changes, 1, log.tree().root()).unwrap();
    let mut options = options(Box::new(log), clock, EngineLimits::default());
    options.index = index;
    let refused = Engine::start(options);
    let found = RULES_VERSION + 1;
    assert!(matches!(refused, Err(StartError::RulesTooNew { found: at }) if at == found));
}
