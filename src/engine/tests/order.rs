//! The order of checks at the door: every case has two defects, and the earlier one is answered.

use std::time::Duration;

use bytes::Bytes;

use crate::domain::{
    COMMAND_BYTES_MAX, COMMAND_TYPE, Command, CommandId, ContentHash, LedgerId, Reason, Role,
    RotateKey, Signer, UnixMillis, signing_bytes,
};
use crate::engine::SignedBytes;
use crate::engine::testing::{Fixture, START, contribution, key, nonce, sign_bytes};
use crate::keys::SecretKey;
use crate::wire::{encode_command, prove_possession};

async fn peopled() -> Fixture {
    let fixture = Fixture::founded();
    fixture.admit("lab", Role::Provider).await;
    fixture.admit("school", Role::Provider).await;
    fixture.admit("payer", Role::Payer).await;
    fixture
}

async fn refused(fixture: &Fixture, signed: SignedBytes) -> Reason {
    let answer = fixture.engine.submit(signed).await;
    answer.expect_err("it has two defects").reason
}

/// Returns a command of lab in order, and what to sign it with.
fn command(fixture: &Fixture) -> Command {
    fixture.author.command("lab", contribution("lab", 77))
}

fn signed(command: &Command, by: &SecretKey) -> SignedBytes {
    sign_bytes(encode_command(command), by)
}

fn without_signature(mut signed: SignedBytes) -> SignedBytes {
    signed.signature = Bytes::from(vec![1; 64]);
    signed
}

#[tokio::test]
async fn of_two_defects_the_earlier_check_answers() {
    let fixture = peopled().await;
    let somebody = key("somebody");
    let mut other_ledger = command(&fixture);
    other_ledger.ledger = Some(LedgerId([7; 32]));
    let mut other_actor = other_ledger.clone();
    other_actor.actor = "school".parse().unwrap();
    let mut with_more = encode_command(&command(&fixture));
    with_more.extend_from_slice(&[0x78, 1]);
    let mut short_key = without_signature(signed(&command(&fixture), &key("lab")));
    short_key.public_key.truncate(31);
    let mut late = fixture.author.command("payer", contribution("payer", 1));
    late.created_at = UnixMillis(START.0 - 600_001);
    let payer = fixture.author.record("payer", 1);
    let taken = fixture.author.record("school", 1);
    fixture.engine.submit(taken.clone()).await.unwrap();
    let by_lab = sign_bytes(taken.command.to_vec(), &key("lab"));
    let cases = [
        (
            sign_bytes(vec![0xff; COMMAND_BYTES_MAX + 1], &somebody),
            Reason::TooLarge,
        ),
        (sign_bytes(vec![0xff; 50], &somebody), Reason::Malformed),
        (short_key, Reason::Malformed),
        (sign_bytes(with_more, &somebody), Reason::NonCanonical),
        (
            without_signature(signed(&command(&fixture), &somebody)),
            Reason::KeyUnknown,
        ),
        (
            without_signature(signed(&other_ledger, &key("lab"))),
            Reason::SignatureInvalid,
        ),
        (signed(&other_actor, &key("lab")), Reason::LedgerMismatch),
        (by_lab, Reason::ActorMismatch),
        (signed(&late, &key("payer")), Reason::TimeWindow),
        (payer, Reason::NotPermitted),
        (fixture.author.record("school", 1), Reason::NameTaken),
    ];
    let size = fixture.engine.published().size;
    for (signed, reason) in cases {
        assert_eq!(refused(&fixture, signed).await, reason);
    }
    assert_eq!(fixture.engine.published().size, size, "nothing was written");
}

#[tokio::test]
async fn what_was_accepted_is_answered_under_any_key_and_at_any_time() {
    let fixture = peopled().await;
    let first = fixture.author.record("lab", 1);
    let receipt = fixture.engine.submit(first.clone()).await.unwrap();
    let next = key("lab's next");
    let (ledger, nonce) = (fixture.author.ledger.as_ref(), nonce(99));
    let rotate = RotateKey {
        new_key: next.public_key(),
        possession: prove_possession(&next, ledger, "lab", &nonce),
    };
    let rotate = fixture.author.command_with("lab", nonce, rotate);
    let rotated = signed(&rotate, &key("lab"));
    fixture.engine.submit(rotated).await.unwrap();
    fixture.clock.advance(Duration::from_secs(3_600));
    let again = fixture.engine.submit(first).await.unwrap();
    assert_eq!((again.index, again.recorded_at), (receipt.index, START));
    // What was not accepted meets the state of its key first, and then the time.
    let late = command(&fixture);
    let by_old = signed(&late, &key("lab"));
    assert_eq!(refused(&fixture, by_old).await, Reason::KeyInactive);
    assert_eq!(
        refused(&fixture, signed(&late, &next)).await,
        Reason::TimeWindow
    );
}

#[tokio::test]
async fn a_refused_signature_says_what_was_verified() {
    let fixture = peopled().await;
    let wrong = without_signature(signed(&command(&fixture), &key("lab")));
    let bytes = wrong.command.clone();
    let rejection = fixture.engine.submit(wrong).await.unwrap_err();
    let verified = ContentHash::of(&signing_bytes(COMMAND_TYPE, &bytes));
    let expected = [
        ("command_id", CommandId::of(&bytes).to_string()),
        ("payload_type", COMMAND_TYPE.to_owned()),
        ("signed_bytes_blake3", verified.to_string()),
    ];
    assert_eq!(rejection.facts, expected);
}

#[tokio::test]
async fn a_key_that_is_made_known_just_before_is_known() {
    let fixture = Fixture::founded();
    let (mut input, mut output) = fixture.engine.stream();
    let author = &fixture.author;
    // The pool cannot know the key yet; the bad signature is still found.
    let bad = without_signature(author.record("lab", 2));
    for signed in [
        author.record("lab", 1),
        author.admit("lab", Role::Provider),
        bad,
        author.record("lab", 3),
    ] {
        input.push(signed).await.unwrap();
    }
    drop(input);
    let mut answers = Vec::new();
    while let Some(answer) = output.next().await {
        let index = answer.result.map(|receipt| receipt.index);
        answers.push(index.map_err(|rejection| rejection.reason));
    }
    let expected = [
        Err(Reason::KeyUnknown),
        Ok(1),
        Err(Reason::SignatureInvalid),
        Ok(2),
    ];
    assert_eq!(answers, expected);
}
