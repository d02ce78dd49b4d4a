//! Commands as JSON for people, and back to the same bytes.

use proptest::prelude::*;

use super::*;
use crate::wire::{command_bytes, command_json};

#[test]
fn a_command_as_people_see_it() {
    let zeros = "0".repeat(62);
    let json = command_json(&encode_command(&sample())).unwrap();
    let expected = format!(
        r#"{{"ledger":"{ledger}","actor":"school","nonce":"{nonce}",
        "created_at":"2025-06-15T15:06:40.250Z",
        "record_contribution":{{"dataset":"digits","version":2,
        "kind":"CONTRIBUTION_KIND_MERGE","content_hash":"{content}",
        "content_bytes":"123456","rows":"1797",
        "parents":[{{"contribution":"{first}","upstream_bps":1000}},
        {{"contribution":"{second}","upstream_bps":1000}}],
        "terms":{{"pools":"POOL_CONSENT_GRANTED","derivation":"DERIVATION_CONSENT_FREE",
        "upstream_bps_min":250,"licence_spdx":"CC-BY-4.0 OR MIT"}},
        "description":"Digits, written by hand."}}}}"#,
        ledger = "07".repeat(32),
        nonce = "09".repeat(16),
        content = "05".repeat(32),
        first = "01".repeat(32),
        second = "02".repeat(32),
    );
    assert_eq!(json, expected.replace("\n        ", ""));
    assert!(!json.contains(&zeros));
    assert_eq!(command_json(b"\xff"), None);
    assert_eq!(command_json(b"").as_deref(), Some("{}"));
}

#[test]
fn what_people_write_becomes_the_bytes_of_generated_code() {
    // Fields in any order, defaults written out, numbers as numbers, a time in another zone.
    let json = format!(
        r#"{{"amend_charter": {{"time_window_ms": 60000}}, "actor": "operator",
        "created_at": "2026-10-01T10:00:00.5+02:00", "nonce": "{}", "ledger": ""}}"#,
        "0a".repeat(16)
    );
    let bytes = command_bytes(&json).unwrap();
    let message = proto::Command::decode(bytes.as_slice()).unwrap();
    assert_eq!(message.encode_to_vec(), bytes);
    assert_eq!(message.actor, "operator");
    let created_at = message.created_at.unwrap();
    assert_eq!(
        (created_at.seconds, created_at.nanos),
        (1_790_841_600, 500_000_000)
    );
}

#[track_caller]
fn check(json: &str, expected: &[&str]) {
    let rejection = command_bytes(json).unwrap_err();
    assert_eq!(rejection.reason, Reason::Malformed);
    let found: Vec<String> = rejection
        .violations
        .iter()
        .map(ToString::to_string)
        .collect();
    let alike = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, expected)| found.starts_with(expected));
    assert!(alike, "found {found:#?}, expected {expected:#?}");
}

#[test]
fn everything_wrong_is_listed_with_its_path() {
    check("{", &["this is not JSON: "]);
    check("[]", &["is an object"]);
    check(
        r#"{"actr": "a", "nonce": "0g", "created_at": "yesterday",
        "record_contribution": {"version": -1, "kind": "ORIGINAL", "parents": [{}, 1],
        "content_bytes": "many", "terms": {"licence_spdx": "MIT", "licence_hash": ""}},
        "settle": {}}"#,
        &[
            "actr: Command has no such field",
            "nonce: is bytes in hex",
            "created_at: is a time in RFC 3339",
            "record_contribution.version: is an integer from 0",
            "record_contribution.kind: is one of CONTRIBUTION_KIND_ORIGINAL, ",
            "record_contribution.parents[1]: is an object",
            "record_contribution.content_bytes: is an integer from 0",
            "record_contribution.terms.licence_hash: stands beside",
            "settle: stands beside",
        ],
    );
}

#[test]
fn a_time_beyond_its_form_shows_its_numbers() {
    let at = |seconds, nanos| proto::Command {
        created_at: Some(prost_types::Timestamp { seconds, nanos }),
        ..proto::Command::default()
    };
    for (seconds, nanos) in [(i64::MAX, 0), (-1, -1), (0, 1_000_000_000), (1 << 40, 0)] {
        let bytes = at(seconds, nanos).encode_to_vec();
        let json = command_json(&bytes).unwrap();
        assert_eq!(command_bytes(&json).unwrap(), bytes, "{json}");
    }
}

proptest! {
    #[test]
    fn every_command_shown_and_read_back_is_the_same_bytes(
        command in strategies::command(),
    ) {
        let bytes = encode_command(&command);
        let json = command_json(&bytes).unwrap();
        prop_assert_eq!(command_bytes(&json).unwrap(), bytes);
    }
}
