//! Tokens: what is written, what is accepted, and every way in which one is refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::*;
use crate::domain::{KeyId, LedgerId, Signer, UnixMillis};

const NOW: UnixMillis = UnixMillis(1_700_000_000_500);
const LEDGER: LedgerId = LedgerId([5; 32]);

fn key() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

fn signed(header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(key().sign(signed.as_bytes()).0);
    format!("{signed}.{signature}")
}

fn header() -> Value {
    json!({"alg": "EdDSA", "kid": key().key_id().to_string()})
}

fn claims(issued_at: u64, expires_at: u64) -> Value {
    let aud = LEDGER.to_string();
    json!({"iss": "school", "aud": aud, "iat": issued_at, "exp": expires_at})
}

/// The answer to a token, as the start of its message; `ok` for a good one.
fn answer(token: &str) -> String {
    let public = key().public_key();
    let checked = BearerToken::parse(token).and_then(|token| {
        let claims = token.check(&StrictVerifier, &public, &LEDGER, NOW);
        claims.map(|claims| claims.party.to_string())
    });
    match checked {
        Ok(party) => format!("ok {party}"),
        Err(error) => error.to_string(),
    }
}

fn check(header: &Value, claims: &Value, expected: &str) {
    let answer = answer(&signed(header, claims));
    assert!(answer.contains(expected), "{answer:?}, not {expected:?}");
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}

#[test]
fn an_issued_token_is_accepted() {
    let party = "school".parse().unwrap();
    let token = issue_token(&key(), &party, &LEDGER, NOW);
    assert_eq!(answer(&token), "ok school");
    let parsed = BearerToken::parse(&token).unwrap();
    assert_eq!(*parsed.key_id(), key().key_id());
    assert_eq!(parsed.claims().issued_at, 1_700_000_000);
    assert_eq!(parsed.claims().expires_at, 1_700_000_300);
}

#[test]
fn headers_that_are_refused() {
    let good = claims(1_700_000_000, 1_700_000_300);
    check(&header(), &good, "ok school");
    check(&with(header(), "x5u", json!("ignored")), &good, "ok school");
    for other in ["none", "HS256", "RS256", "eddsa", "Ed25519", ""] {
        check(
            &with(header(), "alg", json!(other)),
            &good,
            "signed with EdDSA",
        );
    }
    check(&without(header(), "alg"), &good, "signed with EdDSA");
    check(&with(header(), "crit", json!(["exp"])), &good, "crit");
    check(&with(header(), "crit", Value::Null), &good, "crit");
    check(&without(header(), "kid"), &good, "needs \"kid\"");
    check(&with(header(), "kid", json!("ab")), &good, "needs \"kid\"");
    let other = KeyId([0; 32]).to_string();
    check(
        &with(header(), "kid", json!(other)),
        &good,
        "names the key 0000",
    );
    check(
        &json!(["EdDSA"]),
        &good,
        "header of the bearer token is not",
    );
}

#[test]
fn claims_that_are_refused() {
    let good = claims(1_700_000_000, 1_700_000_300);
    for name in ["iss", "aud", "iat", "exp"] {
        let needs = format!("needs {name:?}");
        check(&header(), &without(good.clone(), name), &needs);
        check(&header(), &with(good.clone(), name, json!(1.5)), &needs);
        check(&header(), &with(good.clone(), name, json!(["a"])), &needs);
    }
    check(
        &header(),
        &with(good.clone(), "nbf", json!("x")),
        "needs \"nbf\"",
    );
    check(
        &header(),
        &with(good.clone(), "iss", json!("No Name")),
        "needs \"iss\"",
    );
    let other = LedgerId([6; 32]).to_string();
    check(
        &header(),
        &with(good, "aud", json!(other)),
        "for the ledger 0606",
    );
    check(
        &header(),
        &json!("text"),
        "claims of the bearer token is not",
    );
}

#[test]
fn times_that_are_refused() {
    // Now is half a second after 1_700_000_000.
    for (issued_at, expires_at, expected) in [
        (1_700_000_030, 1_700_000_031, "ok school"),
        (
            1_700_000_031,
            1_700_000_032,
            "not valid before 2023-11-14T22:13:51.000Z",
        ),
        (1_699_999_671, 1_699_999_971, "ok school"),
        (
            1_699_999_670,
            1_699_999_970,
            "ended at 2023-11-14T22:12:50.000Z",
        ),
        (1_700_000_000, 1_700_000_301, "lives 1 to 300 s"),
        (1_700_000_000, 1_700_000_000, "lives 1 to 300 s"),
        (1_700_000_000, 1_699_999_999, "lives 1 to 300 s"),
        (0, u64::MAX, "lives 1 to 300 s"),
        (u64::MAX - 1, u64::MAX, "not valid before"),
    ] {
        check(&header(), &claims(issued_at, expires_at), expected);
    }
    let good = claims(1_700_000_000, 1_700_000_300);
    check(
        &header(),
        &with(good.clone(), "nbf", json!(1_700_000_031)),
        "not valid",
    );
    check(
        &header(),
        &with(good, "nbf", json!(1_700_000_030)),
        "ok school",
    );
}

#[test]
fn forms_that_are_refused() {
    let good = signed(&header(), &claims(1_700_000_000, 1_700_000_300));
    assert_eq!(answer(&good), "ok school");
    let parts: Vec<&str> = good.split('.').collect();
    let forged = parts[1].replace('a', "b");
    for (token, expected) in [
        (String::new(), "three parts"),
        (parts[0].to_owned(), "three parts"),
        (parts[..2].join("."), "three parts"),
        (format!("{}.{}.", parts[0], parts[1]), "three parts"),
        (format!("{good}="), "three parts"),
        (format!("{good}.e30"), "three parts"),
        (format!(" {good}"), "three parts"),
        (good[..good.len() - 4].to_owned(), "three parts"),
        (
            format!("e30.{}.{}", parts[1], parts[2]),
            "signed with EdDSA",
        ),
        (format!("{}.e30.{}", parts[0], parts[2]), "needs \"iss\""),
        (format!("{good}{}", "A".repeat(4096)), "at most 4096 bytes"),
    ] {
        let answer = answer(&token);
        assert!(answer.contains(expected), "{token}: {answer}");
    }
    assert_ne!(forged, parts[1]);
    assert!(!answer(&[parts[0], &forged, parts[2]].join(".")).starts_with("ok"));
    // The same claims, later: the signature no longer fits.
    let later = claims(1_700_000_001, 1_700_000_300);
    let later = signed(&header(), &later);
    let mixed = format!("{}.{}", later.rsplit_once('.').unwrap().0, parts[2]);
    assert!(answer(&mixed).contains("changed or forged"));
}
