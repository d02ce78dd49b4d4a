//! Batches: what is committed together, who waits for it, and what a failure voids.

use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;

use super::{settled, until};
use crate::domain::{LedgerId, Reason, Role};
use crate::engine::SignedBytes;
use crate::engine::testing::faulty_log::{Failure, FaultyLog};
use crate::engine::testing::{Author, Fixture, found_ledger};

fn founded() -> (FaultyLog, LedgerId) {
    let mut log = FaultyLog::default();
    let ledger = found_ledger(&mut log);
    (log, ledger)
}

async fn with_lab(log: &FaultyLog, ledger: LedgerId) -> Fixture {
    let fixture = Fixture::on(Box::new(log.clone()), ledger);
    fixture.admit("lab", Role::Provider).await;
    fixture
}

type Answers = Arc<Mutex<Vec<Result<u64, Reason>>>>;

/// Submits in the background and notes the answers as they come.
fn submit(fixture: &Fixture, tasks: &mut JoinSet<()>, answers: &Answers, signed: SignedBytes) {
    let (engine, answers) = (fixture.engine.clone(), Arc::clone(answers));
    tasks.spawn(async move {
        let answer = engine.submit(signed).await;
        let answer = answer.map(|receipt| receipt.index);
        let answer = answer.map_err(|rejection| rejection.reason);
        answers.lock().unwrap().push(answer);
    });
}

#[tokio::test]
async fn while_one_batch_is_synced_the_next_fills() {
    let (log, ledger) = founded();
    let fixture = with_lab(&log, ledger).await;
    let (mut tasks, answers) = (JoinSet::new(), Answers::default());
    let before = log.begun();
    log.hold(true);
    let record = |version| fixture.author.record("lab", version);
    submit(&fixture, &mut tasks, &answers, record(1));
    until(|| log.begun() == before + 1).await;
    for version in 2..=21 {
        submit(&fixture, &mut tasks, &answers, record(version));
    }
    settled(&fixture).await;
    log.hold(false);
    tasks.join_all().await;
    assert_eq!(log.begun(), before + 2, "twenty entries share one sync");
    let mut indexes = answers.lock().unwrap().clone();
    indexes.sort_unstable();
    assert_eq!(indexes, (2..=22).map(Ok).collect::<Vec<_>>());
}

#[tokio::test]
async fn refusals_and_repeats_wait_for_what_they_rest_on() {
    let (log, ledger) = founded();
    let fixture = with_lab(&log, ledger).await;
    let (mut tasks, answers) = (JoinSet::new(), Answers::default());
    let before = log.begun();
    log.hold(true);
    let first = fixture.author.record("lab", 1);
    submit(&fixture, &mut tasks, &answers, first.clone());
    until(|| log.begun() == before + 1).await;
    submit(&fixture, &mut tasks, &answers, first);
    submit(
        &fixture,
        &mut tasks,
        &answers,
        fixture.author.record("lab", 1),
    );
    settled(&fixture).await;
    assert_eq!(
        fixture.engine.published().size,
        2,
        "readers see nothing yet"
    );
    assert!(answers.lock().unwrap().is_empty(), "nobody is answered yet");
    log.hold(false);
    tasks.join_all().await;
    let mut answers = answers.lock().unwrap().clone();
    answers.sort_unstable();
    assert_eq!(answers, [Ok(2), Ok(2), Err(Reason::NameTaken)]);
    assert_eq!(
        log.begun(),
        before + 1,
        "refusals and repeats write nothing"
    );
}

#[tokio::test]
async fn a_failed_write_voids_what_is_pending_and_stops_writes_until_the_log_is_reopened() {
    for failure in [Failure::Clean, Failure::AfterPersisting] {
        let (log, ledger) = founded();
        let fixture = with_lab(&log, ledger).await;
        let (mut tasks, answers) = (JoinSet::new(), Answers::default());
        let before = log.begun();
        let sent: Vec<_> = (1..=10).map(|n| fixture.author.record("lab", n)).collect();
        log.hold(true);
        log.fail(failure);
        submit(&fixture, &mut tasks, &answers, sent[0].clone());
        until(|| log.begun() == before + 1).await;
        for signed in &sent[1..] {
            submit(&fixture, &mut tasks, &answers, signed.clone());
        }
        settled(&fixture).await;
        log.hold(false);
        tasks.join_all().await;
        assert_eq!(*answers.lock().unwrap(), [Err(Reason::StoreFault); 10]);
        let later = fixture
            .engine
            .submit(fixture.author.record("lab", 11))
            .await;
        assert_eq!(later.unwrap_err().reason, Reason::StoreFault);
        assert_eq!(fixture.engine.published().size, 2, "reads go on");
        assert_eq!(log.begun(), before + 1, "nothing else was written");

        let persisted = u64::from(failure == Failure::AfterPersisting);
        let again = Fixture::on(log.reopened(), ledger);
        assert_eq!(again.engine.published().size, 2 + persisted);
        for (index, signed) in (2..).zip(sent) {
            let receipt = again.engine.submit(signed).await.unwrap();
            assert_eq!(receipt.index, index, "after {failure:?}");
        }
    }
}

#[tokio::test]
async fn a_full_disk_refuses_until_there_is_room() {
    let (log, ledger) = founded();
    let fixture = with_lab(&log, ledger).await;
    let (mut tasks, answers) = (JoinSet::new(), Answers::default());
    let before = log.begun();
    log.hold(true);
    log.fail(Failure::NoSpace);
    let sent: Vec<_> = (1..=5).map(|n| fixture.author.record("lab", n)).collect();
    submit(&fixture, &mut tasks, &answers, sent[0].clone());
    until(|| log.begun() == before + 1).await;
    for signed in &sent[1..] {
        submit(&fixture, &mut tasks, &answers, signed.clone());
    }
    settled(&fixture).await;
    log.hold(false);
    tasks.join_all().await;
    assert_eq!(*answers.lock().unwrap(), [Err(Reason::NoSpace); 5]);
    assert_eq!(fixture.engine.published().size, 2);
    for (index, signed) in (2..).zip(sent) {
        let receipt = fixture.engine.submit(signed).await.unwrap();
        assert_eq!(receipt.index, index);
    }
}

#[tokio::test]
async fn a_key_that_only_a_void_entry_made_known_is_unknown() {
    let (log, ledger) = founded();
    let fixture = Fixture::on(Box::new(log.clone()), ledger);
    let author = Author::new(Some(ledger));
    log.fail(Failure::NoSpace);
    let admitted = fixture
        .engine
        .submit(author.admit("lab", Role::Provider))
        .await;
    assert_eq!(admitted.unwrap_err().reason, Reason::NoSpace);
    let recorded = fixture.engine.submit(author.record("lab", 1)).await;
    assert_eq!(recorded.unwrap_err().reason, Reason::KeyUnknown);
}
