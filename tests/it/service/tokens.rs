//! Bearer tokens: which are good, what a bad one learns, and what becomes of streams.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fenrun::domain::{LedgerId, Reason, RevokeKey, Signer, UnixMillis};
use fenrun::keys::issue_token;
use fenrun::wire::proto;
use tonic::{Request, Status};

use super::refused;
use crate::running::{OPERATOR, Running, key, with_token};

fn party(name: &str) -> proto::GetPartyRequest {
    proto::GetPartyRequest {
        name: name.to_owned(),
        min_log_size: 0,
    }
}

async fn ask(running: &Running, request: Request<proto::GetPartyRequest>) -> Result<(), Status> {
    let mut client = running.registry_client().await;
    client.get_party(request).await.map(|_| ())
}

fn token(party: &str, signer: &str, ledger: LedgerId, now: u64) -> String {
    issue_token(
        &key(signer),
        &party.parse().unwrap(),
        &ledger,
        UnixMillis(now),
    )
}

#[tokio::test]
async fn which_tokens_are_good() {
    let running = Running::peopled().await;
    let (ledger, now) = (running.ledger, 1_760_000_000_000_u64);
    let good = token("lab", "lab", ledger, now);
    ask(&running, with_token(party("lab"), &good))
        .await
        .unwrap();
    let mut spelt = Request::new(party("lab"));
    let header = format!("bearer {good}").parse().unwrap();
    spelt.metadata_mut().insert("authorization", header);
    ask(&running, spelt).await.unwrap();

    let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), "e30");
    let cut = &good[..good.len() - 4];
    let bad = [
        ("too old", token("lab", "lab", ledger, now - 331_000)),
        ("from the future", token("lab", "lab", ledger, now + 31_000)),
        (
            "another ledger",
            token("lab", "lab", LedgerId([1; 32]), now),
        ),
        ("another's key", token("lab", "provider", ledger, now)),
        ("a key of nobody", token("lab", "nobody", ledger, now)),
        ("nobody", token("nobody", "nobody", ledger, now)),
        ("another's name", token("provider", "lab", ledger, now)),
        ("not signed", unsigned),
        ("cut off", cut.to_owned()),
        ("no token at all", "gibberish".to_owned()),
    ];
    for (what, token) in bad {
        let status = ask(&running, with_token(party("lab"), &token))
            .await
            .unwrap_err();
        refused(&status, Reason::Unauthenticated);
        assert!(!status.message().contains(&token), "{what}");
    }
    // Skew is borne in both directions.
    for time in [now - 329_000, now + 29_000] {
        let token = token("lab", "lab", ledger, time);
        ask(&running, with_token(party("lab"), &token))
            .await
            .unwrap();
    }
    let none = ask(&running, Request::new(party("lab"))).await.unwrap_err();
    refused(&none, Reason::Unauthenticated);
    let mut twice = with_token(party("lab"), &good);
    let header = format!("Bearer {good}").parse().unwrap();
    twice.metadata_mut().append("authorization", header);
    refused(
        &ask(&running, twice).await.unwrap_err(),
        Reason::Unauthenticated,
    );
    let mut basic = Request::new(party("lab"));
    basic
        .metadata_mut()
        .insert("authorization", "Basic bGFiOmxhYg==".parse().unwrap());
    refused(
        &ask(&running, basic).await.unwrap_err(),
        Reason::Unauthenticated,
    );
}

#[tokio::test]
async fn nobody_finds_out_who_is_admitted() {
    let running = Running::peopled().await;
    let answer = async |name: &str, signer: &str| {
        let token = token(name, signer, running.ledger, running.clock_now());
        ask(&running, with_token(party("lab"), &token))
            .await
            .unwrap_err()
    };
    let admitted = answer("lab", "stranger").await;
    let nobody = answer("nobody", "stranger").await;
    assert_eq!(admitted.message(), nobody.message());
    // The right key id with a wrong signature is no better.
    let good = token("lab", "lab", running.ledger, running.clock_now());
    let (signed, _) = good.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode([1; 64]));
    let forged = ask(&running, with_token(party("lab"), &forged))
        .await
        .unwrap_err();
    assert_eq!(forged.message(), nobody.message());
}

#[tokio::test]
async fn a_revoked_key_reads_no_more_and_its_streams_end() {
    let running = Running::peopled().await;
    // More than the windows below take at once, so that the stream cannot run ahead.
    running.fill("provider", 120).await;
    let mut client = running.slow_log_client().await;
    let request = running.request("auditor", proto::ListEntriesRequest::default());
    let mut parts = client.list_entries(request).await.unwrap().into_inner();
    assert!(parts.message().await.unwrap().is_some());
    // A stream outlives the end of its token.
    running.clock.advance(std::time::Duration::from_secs(400));
    assert!(parts.message().await.unwrap().is_some());

    let revoke = RevokeKey {
        public_key: key("auditor").public_key(),
        suspect_from: None,
    };
    running.record(OPERATOR, revoke).await;
    let ended = loop {
        match parts.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream ran to its end"),
            Err(status) => break status,
        }
    };
    refused(&ended, Reason::Unauthenticated);
    let token = running.token("auditor");
    let status = ask(&running, with_token(party("auditor"), &token))
        .await
        .unwrap_err();
    refused(&status, Reason::Unauthenticated);
}

#[tokio::test]
async fn what_is_public_needs_no_token_and_minds_no_bad_one() {
    let running = Running::peopled().await;
    let mut ledger = running.ledger_client().await;
    let mut log = running.log_client().await;
    ledger
        .get_ledger(with_token(proto::GetLedgerRequest::default(), "bad"))
        .await
        .unwrap();
    log.get_checkpoint(proto::GetCheckpointRequest::default())
        .await
        .unwrap();
    log.get_checkpoint(with_token(Default::default(), "bad"))
        .await
        .unwrap();
}
