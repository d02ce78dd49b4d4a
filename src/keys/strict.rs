//! Strict verification: every implementation that follows the rule gives the same answer.
//!
//! RFC 8032 leaves room at the edges: points of small order, points that are not canonical, the
//! cofactor. A signature in the log must be judged alike by all, so there is no room here:
//! S < L, A and R canonical and not of small order, and the equation without cofactor.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use ed25519_dalek::{Verifier as _, VerifyingKey};

use crate::domain::{PublicKey, Signature, Verifier};

/// The y coordinates of the eight points of small order, encoded: 0, 1, -1 and those of order 8.
#[rustfmt::skip]
const SMALL_ORDER: [[u8; 32]; 5] = [
    [
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ],
    [
        0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0,
        0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
        0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39,
        0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f,
        0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
        0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6,
        0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
];

/// Verifies by the strict rule and remembers nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct StrictVerifier;

impl Verifier for StrictVerifier {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        decode(key).is_some_and(|key| verify_decoded(&key, message, signature))
    }
}

/// Verifies by the strict rule and remembers decoded keys, which saves about a fifth of the work.
///
/// When it is full it forgets all keys at once; those in use come back with their next signature.
#[derive(Debug)]
pub struct VerifyingKeys {
    decoded: RwLock<HashMap<PublicKey, VerifyingKey>>,
    capacity: usize,
}

impl VerifyingKeys {
    /// Makes an empty memory for at most `capacity` keys, of about 230 bytes each.
    pub fn new(capacity: usize) -> Self {
        let decoded = RwLock::default();
        Self { decoded, capacity }
    }

    fn decoded(&self, key: &PublicKey) -> Option<VerifyingKey> {
        // A panic elsewhere cannot leave a half-written entry, so a poisoned lock is as good.
        let known = self.decoded.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(decoded) = known.get(key) {
            return Some(*decoded);
        }
        drop(known);
        let decoded = decode(key)?;
        let mut known = self.decoded.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= self.capacity {
            known.clear();
        }
        if self.capacity > 0 {
            known.insert(*key, decoded);
        }
        Some(decoded)
    }
}

impl Verifier for VerifyingKeys {
    fn verify(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
        self.decoded(key)
            .is_some_and(|key| verify_decoded(&key, message, signature))
    }
}

/// Decodes a public key that is canonical and not of small order.
fn decode(key: &PublicKey) -> Option<VerifyingKey> {
    let decoded = VerifyingKey::from_bytes(&key.0).ok()?;
    // Decoding also takes y coordinates above the field and a sign on zero; encoding tells.
    let canonical = decoded.to_edwards().compress().to_bytes() == key.0;
    (canonical && !decoded.is_weak()).then_some(decoded)
}

/// Verifies under a key that [`decode`] has let pass.
///
/// The library compares the encoding of the point it computes with that of R, which so must be
/// canonical, and refuses S >= L. What is left is the order of R, which its encoding tells: the
/// strict function of the library would decode R for that, at an eighth of the whole cost.
fn verify_decoded(key: &VerifyingKey, message: &[u8], signature: &Signature) -> bool {
    let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
    !is_small_order(signature.r_bytes()) && key.verify(message, &signature).is_ok()
}

fn is_small_order(encoded: &[u8; 32]) -> bool {
    let mut y = *encoded;
    let [.., sign] = &mut y;
    *sign &= 0x7f;
    SMALL_ORDER.contains(&y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_above_the_field_are_refused() {
        let mut decodable = 0;
        // The field ends at 2^255 - 19, so y = 2^255 - 19 + 0..19 encodes 0..19 once more.
        for (low, high) in (0xed..=0xff).flat_map(|low| [(low, 0x7f), (low, 0xff)]) {
            let mut encoded = [0xff; 32];
            (encoded[0], encoded[31]) = (low, high);
            decodable += usize::from(VerifyingKey::from_bytes(&encoded).is_ok());
            assert!(decode(&PublicKey(encoded)).is_none());
        }
        assert!(
            decodable > 8,
            "the library decodes some of them: {decodable}"
        );
    }

    #[test]
    fn points_of_small_order_are_refused() {
        let mut points = Vec::new();
        for y in SMALL_ORDER {
            for sign in [0, 0x80] {
                let mut encoded = y;
                encoded[31] |= sign;
                let point = VerifyingKey::from_bytes(&encoded).unwrap();
                assert!(point.is_weak());
                assert!(decode(&PublicKey(encoded)).is_none());
                assert!(is_small_order(&encoded));
                points.push(point.to_edwards().compress().to_bytes());
            }
        }
        points.sort_unstable();
        points.dedup();
        assert_eq!(points.len(), 8);
        let key = ed25519_dalek::SigningKey::from_bytes(&[1; 32]).verifying_key();
        assert!(decode(&PublicKey(key.to_bytes())).is_some());
        assert!(!is_small_order(key.as_bytes()));
    }
}
