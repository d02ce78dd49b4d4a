//! The byte rule, size and zeros: which bytes are a command, whatever its fields say.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use crate::domain::{ActionKind, COMMAND_BYTES_MAX};
use crate::wire::{decode_application, policy_hash};

proptest! {
    #[test]
    fn a_command_comes_back_from_its_bytes(command in strategies::command()) {
        let bytes = encode_command(&command);
        prop_assert_eq!(decode_command(&bytes).unwrap(), command);
    }

    #[test]
    fn one_changed_byte_is_refused_or_is_another_command(
        command in strategies::command(),
        at in any::<prop::sample::Index>(),
        mask in 1..=u8::MAX,
    ) {
        let bytes = encode_command(&command);
        let mut spoilt = bytes.clone();
        spoilt[at.index(bytes.len())] ^= mask;
        if let Ok(other) = decode_command(&spoilt) {
            // A time within the same millisecond is the same to the domain.
            prop_assert!(other != command || proto_nanos(&spoilt) != proto_nanos(&bytes));
        }
    }

    #[test]
    fn hostile_bytes_are_refused_without_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        prop_assert!(decode_command(&bytes).is_err());
        prop_assert!(decode_application(&bytes).is_err());
    }

    #[test]
    fn a_cut_or_spliced_command_is_refused_or_whole(
        command in strategies::command(),
        other in strategies::command(),
        at in any::<prop::sample::Index>(),
    ) {
        let (bytes, other) = (encode_command(&command), encode_command(&other));
        let cut = at.index(bytes.len());
        prop_assert!(decode_command(&bytes[..cut]).is_err());
        let spliced = [&bytes[..cut], &other[cut.min(other.len())..]].concat();
        if decode_command(&spliced).is_ok() {
            let again = proto::Command::decode(spliced.as_slice()).unwrap().encode_to_vec();
            prop_assert_eq!(again, spliced);
        }
    }
}

fn proto_nanos(bytes: &[u8]) -> i32 {
    let time = proto::Command::decode(bytes).unwrap().created_at.unwrap();
    time.nanos
}

#[test]
fn the_strategies_reach_every_action() {
    let mut runner = TestRunner::deterministic();
    let strategy = strategies::command();
    let reached: BTreeSet<ActionKind> = (0..1_000)
        .map(|_| {
            strategy
                .new_tree(&mut runner)
                .unwrap()
                .current()
                .action
                .kind()
        })
        .collect();
    assert_eq!(reached.into_iter().collect::<Vec<_>>(), ActionKind::ALL);
}

/// Bytes that decode to the sample, and where they first differ from the ones to write.
fn check_not_canonical(what: &str, bytes: &[u8], first_difference: usize) {
    let canonical = encode_command(&sample());
    let decoded = proto::Command::decode(bytes).unwrap();
    assert_eq!(decoded, sample_message(), "{what}: not the same command");
    let rejection = decode_command(bytes).unwrap_err();
    assert_eq!(rejection.reason, Reason::NonCanonical, "{what}");
    let expected = vec![
        ("first_difference", first_difference.to_string()),
        ("reencoded", hex::encode(canonical)),
    ];
    assert_eq!(rejection.facts, expected, "{what}");
}

/// Where the action begins in the sample: after ledger, actor, nonce and time.
const ACTION_AT: usize = 34 + 8 + 18 + 13;

fn tagged(field: u32, wire_type: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(u64::from(field << 3 | wire_type), &mut bytes);
    if wire_type == 2 {
        prost::encoding::encode_varint(payload.len() as u64, &mut bytes);
    }
    bytes.extend_from_slice(payload);
    bytes
}

#[test]
fn other_bytes_for_the_same_command_are_refused() {
    let bytes = encode_command(&sample());
    let size = bytes.len();
    let (ledger, rest) = bytes.split_at(34);
    let (actor, rest) = rest.split_at(8);
    let (envelope, action) = bytes.split_at(ACTION_AT);
    let unknown = tagged(15, 2, b"x");
    check_not_canonical("unknown field", &[&bytes, &unknown[..]].concat(), size);
    let later = tagged(55, 2, b"");
    check_not_canonical("later action", &[&bytes, &later[..]].concat(), size);
    let reordered = [actor, ledger, rest].concat();
    check_not_canonical("reordered fields", &reordered, 0);
    let late_ledger = [actor, rest, ledger].concat();
    check_not_canonical("ledger last", &late_ledger, 0);
    check_not_canonical("duplicated field", &[actor, &bytes].concat(), 0);
    let default = tagged(2, 2, b"");
    check_not_canonical("explicit default", &[&default, &bytes[..]].concat(), 0);
    check_not_canonical(
        "action in two parts",
        &[envelope, action, &tagged(24, 2, b"")].concat(),
        size,
    );
    // The actor's length in two bytes where one is enough.
    let overlong = [ledger, &[0x12, 0x86, 0x00], &actor[2..], rest].concat();
    check_not_canonical("overlong varint", &overlong, 35);
}

#[test]
fn other_bytes_in_nested_messages_are_refused() {
    let sent = |inner: &[u8]| {
        let bytes = encode_command(&sample());
        [&bytes[..ACTION_AT], &tagged(24, 2, inner)].concat()
    };
    let Some(proto::command::Action::RecordContribution(contribution)) = sample_message().action
    else {
        panic!("the sample is a contribution");
    };
    let inner = contribution.encode_to_vec();
    assert_eq!(sent(&inner), encode_command(&sample()));
    // The length of the action, two bytes after a tag of two, is what differs first.
    let length_at = ACTION_AT + 2;
    check_not_canonical(
        "unknown",
        &sent(&[&inner, &tagged(15, 0, &[1])[..]].concat()),
        length_at,
    );
    check_not_canonical(
        "default",
        &sent(
            &[
                &inner,
                &tagged(6, 0, &[0])[..],
                &tagged(6, 0, &[0x85, 0x0e]),
            ]
            .concat(),
        ),
        length_at,
    );
    let (dataset, rest) = inner.split_at(8);
    check_not_canonical("order", &sent(&[rest, dataset].concat()), length_at + 2);
    let terms = contribution.terms.as_ref().unwrap().encode_to_vec();
    let mut split = contribution.clone();
    split.terms = None;
    let split = split.encode_to_vec();
    // `terms` after `description`: of the same length, so that only the bytes tell.
    let moved = sent(&[&split, &tagged(8, 2, &terms)[..]].concat());
    assert_eq!(moved.len(), encode_command(&sample()).len());
    let terms_at = encode_command(&sample())
        .iter()
        .zip(&moved)
        .take_while(|(l, r)| l == r)
        .count();
    check_not_canonical("order of the last", &moved, terms_at);
}

#[test]
fn repeated_numbers_stand_packed() {
    let application = proto::Application {
        ledger: vec![1; 32].into(),
        name: "school".to_owned(),
        roles: vec![2, 3],
        public_key: vec![2; 32].into(),
        terms_hash: vec![3; 32].into(),
    };
    let bytes = application.encode_to_vec();
    let packed = tagged(3, 2, &[2, 3]);
    let at = bytes
        .windows(4)
        .position(|window| window == packed)
        .unwrap();
    let loose = [
        &bytes[..at],
        &tagged(3, 0, &[2]),
        &tagged(3, 0, &[3]),
        &bytes[at + 4..],
    ]
    .concat();
    assert_eq!(loose.len(), bytes.len());
    assert_eq!(
        proto::Application::decode(loose.as_slice()).unwrap(),
        application
    );
    assert!(decode_application(&bytes).is_ok());
    assert_eq!(
        decode_application(&loose).unwrap_err().reason,
        Reason::NonCanonical
    );
}

#[test]
fn a_command_is_never_too_large_by_one_byte() {
    let sized = |size: usize| {
        let bytes = encode_command(&sample());
        let head = tagged(15, 2, &vec![1; size])[..].len() - size;
        let filler = tagged(15, 2, &vec![1; size - bytes.len() - head]);
        [bytes, filler].concat()
    };
    let most = sized(COMMAND_BYTES_MAX);
    assert_eq!(most.len(), COMMAND_BYTES_MAX);
    assert_eq!(reason(&most), Some(Reason::NonCanonical));
    assert_eq!(
        reason(&sized(COMMAND_BYTES_MAX + 1)),
        Some(Reason::TooLarge)
    );
    assert_eq!(
        reason(&vec![0; COMMAND_BYTES_MAX + 1]),
        Some(Reason::TooLarge)
    );
}

#[test]
fn a_long_run_of_zeros_is_malformed_and_a_shorter_one_is_not() {
    let with_zeros =
        |count: usize| [encode_command(&sample()), tagged(15, 2, &vec![0; count])].concat();
    assert_eq!(reason(&with_zeros(256)), Some(Reason::Malformed));
    assert_eq!(reason(&with_zeros(255)), Some(Reason::NonCanonical));
}

#[test]
fn the_hash_of_a_policy_is_the_hash_of_its_bytes() {
    let policy = crate::domain::Policy {
        name: "fair".parse().unwrap(),
        time_zone: "UTC".to_owned(),
        objection_days: 14,
        terms: crate::domain::PolicyTerms::default(),
    };
    let bytes = b"\x0a\x04fair\x12\x03UTC\x18\x0e";
    assert_eq!(policy_hash(&policy), ContentHash::of(bytes));
}
