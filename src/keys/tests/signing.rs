//! Strict verification against published vectors, and every edge of the rule.

use std::path::PathBuf;

use serde::Deserialize;

use super::super::*;
use crate::domain::{PublicKey, Signature, Signer, Verifier};

#[derive(Deserialize)]
struct EdgeCase {
    number: u32,
    key: PublicKey,
    sig: Signature,
    msg: String,
    flags: Option<Vec<String>>,
}

/// Reads the edge cases of C2SP/CCTV.
fn edge_cases() -> Vec<EdgeCase> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let bytes = std::fs::read(PathBuf::from(folder).join("ed25519-edge-cases.json")).unwrap();
    let cases: Vec<EdgeCase> = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(cases.len(), 914);
    cases
}

#[test]
fn edge_cases_are_judged_by_the_strict_rule() {
    let cached = VerifyingKeys::new(8);
    for case in edge_cases() {
        let flags = case.flags.unwrap_or_default();
        let has = |flag: &str| flags.iter().any(|f| f == flag);
        let refused = [
            "low_order_A",
            "low_order_R",
            "non_canonical_A",
            "non_canonical_R",
        ];
        // A low-order residue only vanishes in the equation with the cofactor.
        let good = !refused.into_iter().any(has) && !has("low_order_residue");
        let message = case.msg.as_bytes();
        let (key, signature) = (&case.key, &case.sig);
        assert_eq!(
            StrictVerifier.verify(key, message, signature),
            good,
            "case {}: {flags:?}",
            case.number
        );
        assert_eq!(cached.verify(key, message, signature), good);
        assert_eq!(cached.verify(key, message, signature), good);
    }
}

/// Four of the cases of C2SP/CCTV, by their numbers: the rules by which libraries differ.
#[test]
fn signatures_on_which_libraries_disagree() {
    let (zero, mixed) = ("00".repeat(32), "10eb7c3acfb2bed3e0d6ab89bf5a3d6a");
    let mixed = format!("{mixed}fddd1176ce4812e38d9fd485058fdb1f");
    let point = "36684ea91032ba5b1dbab2d02f4debc74c3327f2b3802e2e4d371aa42b12b56b";
    for (number, key, r, s, message, good) in [
        // A is of small order.
        (
            3,
            &zero,
            point,
            "05ba9a796274d80437afa36f1236563f2f3b0aa84cecddc3d20914615ba4fe02",
            "ed25519vectors 3",
            false,
        ),
        // R is of small order.
        (
            5,
            &mixed,
            &zero,
            "9472a69cd9a701a50d130ed52189e2455b23767db52cacb8716fb896ffeeac09",
            "ed25519vectors 3",
            false,
        ),
        // The equation holds with the cofactor only.
        (
            6,
            &mixed,
            point,
            "c02e2b9e63e385c058bf62b14b3a2b29ccefe8e38ddb536bc3f9865320a3d801",
            "ed25519vectors 10",
            false,
        ),
        // A and R have a part of small order, and the equation holds without the cofactor.
        (
            7,
            &mixed,
            point,
            "bbfd00bd9c259d8d222d15e67a3d8228585050dbb9b9585be20d8fadc721da03",
            "ed25519vectors",
            true,
        ),
    ] {
        let signature: Signature = format!("{r}{s}").parse().unwrap();
        let key: PublicKey = key.parse().unwrap();
        let verified = StrictVerifier.verify(&key, message.as_bytes(), &signature);
        assert_eq!(verified, good, "case {number}");
    }
}

#[test]
fn rfc_8032_signs_and_verifies() {
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let seed: [u8; 32] = hex::decode(seed).unwrap().try_into().unwrap();
    let key = SecretKey::from_seed(&seed);
    let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    assert_eq!(key.public_key().to_string(), public);
    let signature = key.sign(b"");
    assert!(
        signature
            .to_string()
            .starts_with("e5564300c360ac729086e2cc806e828a")
    );
    assert!(StrictVerifier.verify(&key.public_key(), b"", &signature));
    assert!(!StrictVerifier.verify(&key.public_key(), b"x", &signature));
}

#[test]
fn an_unreduced_scalar_is_refused() {
    let key = SecretKey::from_seed(&[7; 32]);
    let mut signature = key.sign(b"message");
    assert!(StrictVerifier.verify(&key.public_key(), b"message", &signature));
    // The order of the group, little-endian; S + L satisfies the same equation.
    let order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let mut carry = 0_u16;
    for (byte, add) in signature.0[32..]
        .iter_mut()
        .zip(hex::decode(order).unwrap())
    {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    assert_eq!(carry, 0);
    assert!(!StrictVerifier.verify(&key.public_key(), b"message", &signature));
}

#[test]
fn a_full_memory_of_keys_forgets_and_goes_on() {
    let verifiers = [VerifyingKeys::new(0), VerifyingKeys::new(2)];
    for turn in 0..3 {
        for seed in 0..5 {
            let key = SecretKey::from_seed(&[seed; 32]);
            let signature = key.sign(&[turn]);
            for verifier in &verifiers {
                assert!(verifier.verify(&key.public_key(), &[turn], &signature));
                assert!(!verifier.verify(&key.public_key(), &[9], &signature));
            }
        }
    }
}

#[test]
fn pem_round_trips_and_reads_what_openssl_writes() {
    let key = SecretKey::from_seed(&[1; 32]);
    let pem = key.to_pem().unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI"));
    let again = SecretKey::from_pem(&pem).unwrap();
    assert_eq!(again.public_key(), key.public_key());
    // The example of RFC 8410, section 10.3.
    let written = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";
    let read = SecretKey::from_pem(written).unwrap();
    assert_eq!(*read.to_pem().unwrap(), written);
    let public = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
    assert_eq!(read.public_key().to_string(), public);
}

#[test]
fn what_is_not_a_secret_key_is_refused() {
    let pem = SecretKey::from_seed(&[1; 32]).to_pem().unwrap();
    let public = pem.replace("PRIVATE", "PUBLIC");
    for text in [
        "",
        "secret",
        &public,
        &pem[..60],
        &pem.replace("K2Vw", "K2Vu"),
    ] {
        assert!(SecretKey::from_pem(text).is_err(), "{text}");
    }
}

#[test]
fn a_secret_key_is_not_shown() {
    let key = SecretKey::from_seed(&[0xab; 32]);
    assert_eq!(
        format!("{key:?}"),
        format!("SecretKey(of {})", key.public_key())
    );
}
