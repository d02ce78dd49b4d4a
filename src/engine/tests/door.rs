//! What a submitter is told, and when.

use crate::domain::{Reason, Role, UnixMillis};
use crate::engine::CLOCK_DRIFT_MAX_MS;
use crate::engine::testing::{Fixture, START};
use crate::keys::StrictVerifier;
use crate::merkle::{VerifierKey, leaf_hash, open_checkpoint, verify_inclusion};

#[tokio::test]
async fn a_receipt_proves_that_the_command_stands_in_the_log() {
    let fixture = Fixture::founded();
    fixture.admit("lab", Role::Provider).await;
    for version in 1..10 {
        let signed = fixture.author.record("lab", version);
        let receipt = fixture.engine.submit(signed.clone()).await.unwrap();
        assert_eq!(receipt.index, u64::from(version) + 1);
        let published = fixture.engine.published();
        let log_key = VerifierKey {
            name: published.charter.origin.clone(),
            key: published.charter.log_key,
        };
        let note = receipt.checkpoint.as_bytes();
        let checkpoint = open_checkpoint(note, &[log_key], &StrictVerifier).unwrap();
        let leaf = fixture.engine.log().leaf(receipt.index).unwrap();
        assert_eq!(leaf.slice(105..), signed.command);
        verify_inclusion(
            receipt.index,
            checkpoint.size,
            &leaf_hash(&leaf),
            &receipt.inclusion_proof,
            &checkpoint.root,
        )
        .unwrap();
        let again = fixture.engine.submit(signed).await.unwrap();
        assert_eq!(again.index, receipt.index);
        assert_eq!(again.recorded_at, receipt.recorded_at);
    }
}

#[tokio::test]
async fn a_stream_is_decided_and_answered_in_its_order() {
    let fixture = Fixture::founded();
    let (mut input, mut output) = fixture.engine.stream();
    let author = &fixture.author;
    let sent = [
        author.admit("lab", Role::Provider),
        author.record("lab", 1),
        author.record("lab", 1),
        author.record("lab", 2),
    ];
    for (sequence, signed) in (0..).zip(sent) {
        assert_eq!(input.push(signed).await, Some(sequence));
    }
    drop(input);
    let mut answers = Vec::new();
    while let Some(answer) = output.next().await {
        assert_eq!(answer.sequence, answers.len() as u64);
        answers.push(
            answer
                .result
                .map(|receipt| receipt.index)
                .map_err(|r| r.reason),
        );
    }
    let expected = [Ok(1), Ok(2), Err(Reason::NameTaken), Ok(3)];
    assert_eq!(answers, expected);
}

#[tokio::test]
async fn nothing_is_recorded_while_the_wall_clock_is_wrong() {
    let fixture = Fixture::founded();
    let wrong = UnixMillis(START.0 + CLOCK_DRIFT_MAX_MS + 1);
    for (wall, expected) in [(wrong, Err(Reason::ClockFault)), (START, Ok(1))] {
        fixture.clock.set(wall);
        let signed = fixture.author.admit("lab", Role::Provider);
        let answer = fixture.engine.submit(signed).await;
        let answer = answer.map(|receipt| receipt.index);
        assert_eq!(answer.map_err(|rejection| rejection.reason), expected);
    }
}
