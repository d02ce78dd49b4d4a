//! What becomes of commands when servers refuse, die, lie, or are others.

use tempfile::TempDir;

use super::server::{LEDGER, Ledger, Mood, command, connect, connect_pinned, verifier_key};
use crate::client::{
    ClientError, Connection, OUTBOX_COMMANDS_MAX, Outbox, OutboxError, Pins, ReceiptError,
    Receipts, Session, Target,
};
use crate::domain::{LedgerId, Reason};

/// A session, as each run of a program makes one over the same files.
fn session(connection: Connection, folder: &TempDir) -> Session {
    let outbox = Outbox::new(&folder.path().join("outbox"), &LEDGER);
    let receipts = Receipts::new(folder.path().join("receipts"));
    Session::new(connection, Some(outbox), Some(receipts))
}

#[tokio::test]
async fn a_command_whose_answer_was_lost_is_sent_again_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, url) = Ledger::start().await;
    ledger.state().mood = Mood::RecordsAndDies;
    let signed = command(9);
    let before = session(connect(&url).await, &folder);
    let lost = before.send(&signed).await.unwrap_err();
    assert!(matches!(lost, ClientError::Unreachable { .. }), "{lost}");
    let outbox = Outbox::new(&folder.path().join("outbox"), &LEDGER);
    assert_eq!(outbox.ids().unwrap(), [signed.command_id()]);

    // Another run of the program, while the server is still out of order, and one after that.
    let resent = session(connect(&url).await, &folder)
        .resend()
        .await
        .unwrap();
    assert!(resent[0].result.is_err());
    assert_eq!(outbox.ids().unwrap().len(), 1);
    ledger.state().mood = Mood::Honest;
    let resent = session(connect(&url).await, &folder)
        .resend()
        .await
        .unwrap();
    let recorded = resent[0].result.as_ref().unwrap();
    assert_eq!((resent.len(), recorded.receipt.index), (1, 1));
    assert!(outbox.ids().unwrap().is_empty());
    assert!(recorded.kept.as_ref().unwrap().is_file());

    let state = ledger.state();
    assert_eq!(state.entries.len(), 2, "recorded once");
    assert_eq!(state.seen.len(), 3);
    assert!(state.seen.iter().all(|seen| *seen == signed.command));
}

#[tokio::test]
async fn commands_wait_in_the_order_in_which_they_were_signed() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, url) = Ledger::start().await;
    ledger.state().mood = Mood::Refuses(Reason::QueueFull);
    for number in [9, 3, 6] {
        let session = session(connect(&url).await, &folder);
        assert!(session.send(&command(number)).await.is_err());
    }
    ledger.state().mood = Mood::Honest;
    let session = session(connect(&url).await, &folder);
    let indexes: Vec<_> = session
        .resend()
        .await
        .unwrap()
        .iter()
        .map(|resent| {
            (
                resent.command_id,
                resent.result.as_ref().unwrap().receipt.index,
            )
        })
        .collect();
    let expected =
        [(9, 1), (3, 2), (6, 3)].map(|(number, index)| (command(number).command_id(), index));
    assert_eq!(indexes, expected);
}

#[tokio::test]
async fn a_final_refusal_is_an_answer_and_says_everything() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, url) = Ledger::start().await;
    let session = session(connect(&url).await, &folder);
    let outbox = Outbox::new(&folder.path().join("outbox"), &LEDGER);
    for (reason, waits) in [
        (Reason::NameTaken, 0),
        (Reason::TimeWindow, 0),
        (Reason::KeyUnknown, 0),
        (Reason::StoreFault, 1),
    ] {
        ledger.state().mood = Mood::Refuses(reason);
        let error = session.send(&command(9)).await.unwrap_err();
        let refusal = error.refusal().unwrap();
        assert_eq!(refusal.reason, Some(reason));
        assert_eq!(refusal.violations[0].field, "pool");
        assert_eq!(refusal.facts["limit"], "7");
        assert_eq!(outbox.ids().unwrap().len(), waits, "{reason}");
    }
}

#[tokio::test]
async fn a_second_place_for_the_same_command_is_exposed() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, url) = Ledger::start().await;
    let session = session(connect(&url).await, &folder);
    let first = session.send(&command(9)).await.unwrap();
    ledger.state().mood = Mood::Moves;
    let error = session.send(&command(9)).await.unwrap_err();
    let ClientError::Receipt(error) = error else {
        panic!("{error}");
    };
    let ReceiptError::Contradiction { before, now } = *error else {
        panic!("{error}");
    };
    assert_eq!((*before, now.index), (first.receipt, 2));
}

#[tokio::test]
async fn another_ledger_or_another_key_is_not_connected_to() {
    let (_ledger, url) = Ledger::start().await;
    let pins = |ledger, key| Pins {
        ledger,
        log_keys: vec![key],
    };
    let other = pins(LedgerId([8; 32]), verifier_key());
    let error = connect_pinned(&url, other).await.unwrap_err();
    let said = std::error::Error::source(&error).unwrap().to_string();
    assert!(said.starts_with("pinned is ledger 0808"), "{said}");
    let mut key = verifier_key();
    key.key.0[3] ^= 1;
    let error = connect_pinned(&url, pins(LEDGER, key)).await.unwrap_err();
    assert!(matches!(error, ClientError::Pin(_)), "{error}");
    let target = Target::new(&url, None, false).unwrap();
    let facts = Connection::look(&target).await.unwrap();
    assert_eq!(
        (facts.ledger, facts.verifier_keys),
        (LEDGER, vec![verifier_key()])
    );
}

#[tokio::test]
async fn a_stream_answers_each_command_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, url) = Ledger::start().await;
    let session = session(connect(&url).await, &folder);
    let mut answers = Vec::new();
    let commands: Vec<_> = (1..=40).map(command).collect();
    let sent = session
        .submit_all(commands, |answer| {
            answers.push(answer.result.unwrap().receipt.index)
        })
        .await
        .unwrap();
    assert_eq!((sent, answers), (40, (1..=40).collect()));

    ledger.state().mood = Mood::RecordsAndDies;
    let broken = session.submit_all([command(50), command(51)], |_| {}).await;
    assert!(broken.is_err());
    ledger.state().mood = Mood::Honest;
    let resent = session.resend().await.unwrap();
    assert_eq!(resent[0].command_id, command(50).command_id());
    assert!(resent.iter().all(|resent| resent.result.is_ok()));
}

#[test]
fn an_outbox_is_bounded_and_does_not_overlook_a_foreign_file() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::new(folder.path(), &LEDGER);
    let own = folder.path().join(LEDGER.to_string());
    let file = outbox.put(&command(1)).unwrap();
    assert_eq!(outbox.put(&command(1)).unwrap(), file, "not twice");
    std::fs::write(own.join("0000000000-x.command"), "nonsense").unwrap();
    let error = outbox.waiting().unwrap_err();
    assert!(matches!(error, OutboxError::Form { .. }), "{error}");
    for number in 2..=OUTBOX_COMMANDS_MAX {
        std::fs::write(own.join(format!("{number:010}-x.command")), "").unwrap();
    }
    let error = outbox.put(&command(2)).unwrap_err();
    assert!(matches!(error, OutboxError::Full { .. }), "{error}");
}
