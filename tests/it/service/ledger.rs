//! `LedgerService`: what it says of itself, single commands, streams, checks.

use fenrun::domain::{
    COMMAND_TYPE, CommandId, Entry, PublicKey, Reason, Role, Signature, UnixMillis, signing_bytes,
};
use fenrun::keys::StrictVerifier;
use fenrun::merkle::{VerifierKey, leaf_hash, open_checkpoint, verify_inclusion};
use fenrun::wire::proto;
use prost::Message;
use tonic::Code;
use tonic_types::StatusExt;

use super::refused;
use crate::running::actions::record;
use crate::running::{OPERATOR, ORIGIN, PATIENCE, Running, START, Setup, key, sign_bytes};

#[tokio::test]
async fn says_of_itself_what_a_client_has_to_know() {
    let running = Running::founded(Setup::default()).await;
    let request = proto::GetLedgerRequest { min_log_size: 1 };
    let mut client = running.ledger_client().await;
    let answer = client.get_ledger(request).await.unwrap();
    assert!(answer.metadata().get("x-request-id").is_some());
    let answer = answer.into_inner();
    assert_eq!(answer.ledger_id, running.ledger.0.as_slice());
    assert_eq!(answer.origin, ORIGIN);
    assert_eq!(answer.time_window_ms, 600_000);
    assert_eq!(answer.rules_version, 1);
    assert_eq!(answer.read_at_size, 1);
    assert_eq!(answer.server_time.unwrap().seconds, 1_760_000_000);
    let keys: Vec<VerifierKey> = answer
        .verifier_keys
        .iter()
        .map(|key| key.parse().unwrap())
        .collect();
    let checkpoint = open_checkpoint(answer.checkpoint.as_bytes(), &keys, &StrictVerifier);
    assert_eq!(checkpoint.unwrap().size, 1);
    let limits = answer.limits.unwrap();
    assert_eq!(limits.command_bytes_max, 65_430);
    assert_eq!(limits.message_bytes_max, 131_072);
    assert_eq!(limits.unanswered_max, 4_096);
    assert_eq!(
        (limits.page_size_default, limits.page_size_max),
        (50, 1_000)
    );
    assert_eq!(limits.token_seconds_max, 300);
    assert_eq!(limits.call_seconds_max, 60);
}

#[tokio::test]
async fn a_command_gets_a_receipt_that_proves_it_and_the_same_one_again() {
    let running = Running::peopled().await;
    let signed = running.sign("provider", record("digits", 1, b"digits"));
    let request = proto::SubmitRequest {
        signed_command: Some(signed.clone()),
    };
    let mut client = running.ledger_client().await;
    let first = client.submit(request.clone()).await.unwrap().into_inner();
    assert_eq!(
        first.command_id,
        CommandId::of(&signed.command).0.as_slice()
    );
    let receipt = first.receipt.unwrap();
    let leaf = Entry {
        recorded_at: UnixMillis(receipt.recorded_at.unwrap().seconds as u64 * 1_000),
        public_key: PublicKey::try_from(receipt.public_key.as_ref()).unwrap(),
        signature: Signature::try_from(receipt.signature.as_ref()).unwrap(),
        command: signed.command.clone(),
    };
    let log_key = VerifierKey {
        name: ORIGIN.parse().unwrap(),
        key: fenrun::domain::Signer::public_key(&key("log")),
    };
    let note = receipt.checkpoint.as_bytes();
    let checkpoint = open_checkpoint(note, &[log_key], &StrictVerifier).unwrap();
    let proof: Vec<_> = receipt
        .inclusion_proof
        .iter()
        .map(|hash| fenrun::domain::TreeHash::try_from(hash.as_ref()).unwrap())
        .collect();
    let hash = leaf_hash(&leaf.leaf().unwrap());
    verify_inclusion(
        receipt.index,
        checkpoint.size,
        &hash,
        &proof,
        &checkpoint.root,
    )
    .unwrap();

    running
        .record("provider", record("digits", 2, b"more"))
        .await;
    running
        .clock
        .advance(std::time::Duration::from_secs(86_400));
    let again = client.submit(request).await.unwrap().into_inner();
    let again = again.receipt.unwrap();
    assert_eq!(again.index, receipt.index);
    assert_eq!(again.recorded_at, receipt.recorded_at);
}

#[tokio::test]
async fn a_request_without_a_command_is_malformed() {
    let running = Running::founded(Setup::default()).await;
    let mut client = running.ledger_client().await;
    let request = proto::SubmitRequest {
        signed_command: None,
    };
    let status = client.submit(request).await.unwrap_err();
    refused(&status, Reason::Malformed);
    let details = status.get_error_details();
    assert_eq!(
        details.bad_request().unwrap().field_violations[0].field,
        "signed_command"
    );
}

#[tokio::test]
async fn a_message_above_the_limit_is_too_large_before_it_is_read() {
    let running = Running::founded(Setup::default()).await;
    let mut client = running.ledger_client().await;
    let mut signed = running.sign(OPERATOR, running.admission("lab", Role::Provider));
    signed.command = vec![1; 128 * 1024].into();
    let request = proto::SubmitRequest {
        signed_command: Some(signed.clone()),
    };
    refused(&client.submit(request).await.unwrap_err(), Reason::TooLarge);
    // One that fits the message but not an entry is refused by the door.
    signed.command = vec![1; 65_431].into();
    let request = proto::SubmitRequest {
        signed_command: Some(signed),
    };
    let status = client.submit(request).await.unwrap_err();
    refused(&status, Reason::TooLarge);
    let facts = status
        .get_error_details()
        .error_info()
        .unwrap()
        .metadata
        .clone();
    assert_eq!(facts["bytes_max"], "65430");
}

#[tokio::test]
async fn a_stream_answers_in_order_and_goes_on_after_a_refusal() {
    let running = Running::peopled().await;
    let mut requests: Vec<_> = (1..=20)
        .map(|version| running.sign("provider", record("digits", version, b"digits")))
        .collect();
    requests[3].signature = vec![1; 64].into();
    requests[7].command = b"\xff".to_vec().into();
    // The third version again, signed anew: its name is taken.
    requests[10] = running.sign("provider", record("digits", 3, b"digits"));
    let ids: Vec<_> = requests
        .iter()
        .map(|one| CommandId::of(&one.command))
        .collect();
    let messages = requests
        .into_iter()
        .map(|signed| proto::SubmitStreamRequest {
            signed_command: Some(signed),
        });
    let mut client = running.ledger_client().await;
    let stream = client
        .submit_stream(tokio_stream::iter(messages))
        .await
        .unwrap();
    let mut stream = stream.into_inner();
    let mut reasons = Vec::new();
    let mut last = None;
    for (sequence, id) in (0..).zip(ids) {
        use proto::submit_stream_response::Result as Sent;
        let answer = stream.message().await.unwrap().unwrap();
        assert_eq!(answer.sequence, sequence);
        assert_eq!(answer.command_id, id.0.as_slice());
        match answer.result.unwrap() {
            Sent::Receipt(receipt) => {
                assert!(last < Some(receipt.index));
                last = Some(receipt.index);
            }
            Sent::Status(status) => {
                let info = &status.details[0];
                assert!(info.type_url.ends_with("google.rpc.ErrorInfo"));
                let info = tonic_types::pb::ErrorInfo::decode(info.value.as_ref()).unwrap();
                reasons.push((sequence, info.reason));
            }
        }
    }
    assert!(stream.message().await.unwrap().is_none());
    let expected = [
        (3, "SIGNATURE_INVALID"),
        (7, "MALFORMED"),
        (10, "NAME_TAKEN"),
    ];
    assert_eq!(
        reasons,
        expected.map(|(at, reason)| (at, reason.to_owned()))
    );
    assert_eq!(running.engine.published().size, 7 + 17);
}

#[tokio::test]
async fn a_stream_with_a_message_that_is_too_large_answers_what_came_before() {
    let running = Running::peopled().await;
    let good = proto::SubmitStreamRequest {
        signed_command: Some(running.sign("provider", record("digits", 1, b"digits"))),
    };
    let mut large = good.clone();
    large.signed_command.as_mut().unwrap().command = vec![1; 200_000].into();
    let mut client = running.ledger_client().await;
    let stream = client
        .submit_stream(tokio_stream::iter([good, large]))
        .await
        .unwrap();
    let mut stream = stream.into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().sequence, 0);
    refused(&stream.message().await.unwrap_err(), Reason::TooLarge);
}

#[tokio::test]
async fn a_check_lists_every_refusal_in_order_and_writes_nothing() {
    let running = Running::peopled().await;
    let mut client = running.ledger_client().await;
    let size = running.engine.published().size;
    let mut check = async |signed: proto::SignedCommand| {
        let request = proto::CheckCommandRequest {
            signed_command: Some(signed),
            min_log_size: 0,
        };
        client.check_command(request).await.unwrap().into_inner()
    };
    let reasons = |answer: &proto::CheckCommandResponse| {
        let refusals = answer.refusals.iter();
        refusals
            .map(|refusal| refusal.reason.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };

    let good = running.sign("provider", record("digits", 1, b"digits"));
    let answer = check(good.clone()).await;
    assert_eq!(reasons(&answer), "");
    assert!(
        answer.command_json.contains(r#""dataset":"digits""#),
        "{}",
        answer.command_json
    );
    assert_eq!(
        answer.signed_bytes,
        signing_bytes(COMMAND_TYPE, &good.command)
    );
    assert_eq!(answer.command_id, CommandId::of(&good.command).0.as_slice());

    // Everything at once: another ledger, another party's key, long ago.
    let mut command = running.command("provider", record("digits", 1, b"digits"));
    command.ledger = Some(fenrun::domain::LedgerId([1; 32]));
    command.created_at = UnixMillis(START.0 - 700_000);
    let mut signed = sign_bytes(fenrun::wire::encode_command(&command), &key("lab"));
    signed.signature = vec![3; 64].into();
    let expected = "SIGNATURE_INVALID LEDGER_MISMATCH ACTOR_MISMATCH TIME_WINDOW";
    assert_eq!(reasons(&check(signed.clone()).await), expected);
    // Without key and signature neither is checked.
    (signed.public_key, signed.signature) = Default::default();
    assert_eq!(reasons(&check(signed).await), "LEDGER_MISMATCH TIME_WINDOW");

    // Not canonical: the answer has the bytes to sign, however long.
    let mut bytes = good.command.to_vec();
    bytes.extend_from_slice(&[0x12, 0]);
    let answer = check(sign_bytes(bytes, &key("provider"))).await;
    assert_eq!(reasons(&answer), "MALFORMED NON_CANONICAL");
    assert_eq!(running.engine.published().size, size);
}

#[tokio::test]
async fn a_check_tells_the_rules_only_to_the_actor() {
    let running = Running::peopled().await;
    running
        .record("provider", record("digits", 1, b"digits"))
        .await;
    let mut client = running.ledger_client().await;
    let mut check = async |signed: &proto::SignedCommand, token: Option<&str>| {
        let message = proto::CheckCommandRequest {
            signed_command: Some(signed.clone()),
            min_log_size: 0,
        };
        let request = match token {
            Some(party) => running.request(party, message),
            None => tonic::Request::new(message),
        };
        let answer = client.check_command(request).await.unwrap().into_inner();
        let refusals = answer.refusals.iter();
        refusals
            .map(|refusal| refusal.reason.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let taken = running.sign("provider", record("digits", 1, b"digits"));
    assert_eq!(check(&taken, None).await, "NAME_TAKEN");
    let unsigned = proto::SignedCommand {
        command: taken.command.clone(),
        ..Default::default()
    };
    assert_eq!(check(&unsigned, None).await, "");
    assert_eq!(check(&unsigned, Some("lab")).await, "");
    assert_eq!(check(&unsigned, Some("provider")).await, "NAME_TAKEN");
    assert_eq!(check(&unsigned, Some("auditor")).await, "NAME_TAKEN");
    let forged = proto::SignedCommand {
        signature: vec![1; 64].into(),
        ..taken
    };
    assert_eq!(check(&forged, None).await, "SIGNATURE_INVALID");
}

#[tokio::test]
async fn a_deadline_is_kept_and_answered_as_one() {
    let running = Running::founded(Setup::default()).await;
    let mut client = running.ledger_client().await;
    // The read waits for a size that does not come.
    let mut request = tonic::Request::new(proto::GetLedgerRequest { min_log_size: 99 });
    request.set_timeout(std::time::Duration::from_millis(50));
    let begun = std::time::Instant::now();
    let status = client.get_ledger(request).await.unwrap_err();
    assert!(begun.elapsed() < PATIENCE);
    assert!(
        matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled),
        "{status:?}"
    );
}
