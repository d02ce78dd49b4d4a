//! Bearer tokens for reads: JSON web tokens that a party signs with one of its own keys.
//!
//! One algorithm, five fields and a short life: what else the standard offers is refused or, where
//! it says so, ignored. The caller finds the key by its id and knows whether it is active.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::domain::{KeyId, LedgerId, PartyName, PublicKey, Signature, Signer};
use crate::domain::{UnixMillis, Verifier};

/// The longest time between a token's issue and its expiry, in seconds.
pub const TOKEN_SECONDS_MAX: u32 = 300;
/// The same in the width of the claims.
const LIFETIME_MAX: u64 = TOKEN_SECONDS_MAX as u64;
/// How far two clocks may be apart, in milliseconds.
const SKEW: u64 = 30_000;
/// The largest token, in bytes.
const SIZE_LIMIT: usize = 4096;

/// Why a token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is too large.
    #[error("a bearer token has at most {SIZE_LIMIT} bytes, this one has {found}")]
    TooLarge {
        /// The size as given, in bytes.
        found: usize,
    },
    /// A part is not as it must be.
    #[error("the bearer token is not three parts of base64url with dots between; it was cut off")]
    Form,
    /// The header or the claims are not a JSON object.
    #[error("the {part} of the bearer token is not a JSON object")]
    NotObject {
        /// Header or claims.
        part: &'static str,
    },
    /// It is signed in another way, or not at all.
    #[error("bearer tokens are signed with EdDSA; this one says {found:?}")]
    Algorithm {
        /// The algorithm as given; empty if it is missing.
        found: String,
    },
    /// It demands extensions.
    #[error("the bearer token has a crit header; no extension is supported")]
    Critical,
    /// A field is missing or of the wrong kind.
    #[error("the bearer token needs {name:?}: {expected}")]
    Field {
        /// The name of the field.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// It was made with another key than the one at hand.
    #[error("the bearer token names the key {found}, not {expected}")]
    OtherKey {
        /// The id of the key at hand.
        expected: KeyId,
        /// The id in the token.
        found: KeyId,
    },
    /// The signature is wrong.
    #[error("the signature of the bearer token is wrong: it was changed or forged")]
    BadSignature,
    /// It is for another ledger.
    #[error("the bearer token is for the ledger {found}, this one is {expected}")]
    OtherLedger {
        /// The ledger at hand.
        expected: LedgerId,
        /// The ledger in the token.
        found: LedgerId,
    },
    /// It lives too long, or ends before it begins.
    #[error(
        "a bearer token lives 1 to {LIFETIME_MAX} s; this one: from {issued_at} to {expires_at}"
    )]
    Lifetime {
        /// When it was issued, in unix seconds.
        issued_at: u64,
        /// When it ends, in unix seconds.
        expires_at: u64,
    },
    /// It begins later.
    #[error("the bearer token is not valid before {from}, and it is {now}; check the clocks")]
    NotYetValid {
        /// The first moment at which it is valid.
        from: UnixMillis,
        /// The time of the check.
        now: UnixMillis,
    },
    /// It has ended.
    #[error("the bearer token ended at {until}, and it is {now}; sign a new one")]
    Expired {
        /// The end.
        until: UnixMillis,
        /// The time of the check.
        now: UnixMillis,
    },
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The party that signed it.
    pub party: PartyName,
    /// The ledger that it is for.
    pub ledger: LedgerId,
    /// When it was issued, in unix seconds.
    pub issued_at: u64,
    /// When it ends, in unix seconds.
    pub expires_at: u64,
    /// From when on it is valid, if that is not when it was issued, in unix seconds.
    pub not_before: Option<u64>,
}

/// A token that was read; nothing in it is proved until [`BearerToken::check`] says so.
#[derive(Debug, Clone)]
pub struct BearerToken {
    key: KeyId,
    claims: Claims,
    signed: String,
    signature: Signature,
}

impl BearerToken {
    /// Reads a token, without the word `Bearer`.
    ///
    /// # Errors
    /// The form, the algorithm or a field is not as the specification says.
    pub fn parse(token: &str) -> Result<Self, TokenError> {
        let found = token.len();
        if found > SIZE_LIMIT {
            return Err(TokenError::TooLarge { found });
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Form)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Form)?;
        let header = object("header", header)?;
        let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or("");
        if algorithm != "EdDSA" {
            let found = algorithm.chars().take(40).collect();
            return Err(TokenError::Algorithm { found });
        }
        if header.contains_key("crit") {
            return Err(TokenError::Critical);
        }
        let key = parsed(&header, "kid", "the key id in hex")?;
        let claims = object("claims", claims)?;
        let claims = Claims {
            party: parsed(&claims, "iss", "the name of the party")?,
            ledger: parsed(&claims, "aud", "the ledger id in hex")?,
            issued_at: seconds(&claims, "iat")?,
            expires_at: seconds(&claims, "exp")?,
            not_before: match claims.get("nbf") {
                Some(_) => Some(seconds(&claims, "nbf")?),
                None => None,
            },
        };
        let signature = URL_SAFE_NO_PAD.decode(signature).ok();
        let signature = signature.and_then(|bytes| Signature::try_from(bytes.as_slice()).ok());
        Ok(Self {
            key,
            claims,
            signed: signed.to_owned(),
            signature: signature.ok_or(TokenError::Form)?,
        })
    }

    /// Returns the id of the key that must be used for the check.
    pub fn key_id(&self) -> &KeyId {
        &self.key
    }

    /// Returns what the token says, proved or not.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Checks the token under `key`, for `ledger` and at `now`, and returns what it says.
    ///
    /// That the key belongs to the party and is active is for the caller to check.
    ///
    /// # Errors
    /// Key, signature, ledger or time do not fit.
    pub fn check(
        &self,
        verifier: &dyn Verifier,
        key: &PublicKey,
        ledger: &LedgerId,
        now: UnixMillis,
    ) -> Result<&Claims, TokenError> {
        let (expected, found) = (KeyId::of(key), self.key);
        if expected != found {
            return Err(TokenError::OtherKey { expected, found });
        }
        if !verifier.verify(key, self.signed.as_bytes(), &self.signature) {
            return Err(TokenError::BadSignature);
        }
        let (expected, found) = (*ledger, self.claims.ledger);
        if expected != found {
            return Err(TokenError::OtherLedger { expected, found });
        }
        self.check_time(now)?;
        Ok(&self.claims)
    }

    fn check_time(&self, now: UnixMillis) -> Result<(), TokenError> {
        let Claims {
            issued_at,
            expires_at,
            ..
        } = self.claims;
        let lifetime = expires_at.checked_sub(issued_at);
        if !lifetime.is_some_and(|lifetime| (1..=LIFETIME_MAX).contains(&lifetime)) {
            return Err(TokenError::Lifetime {
                issued_at,
                expires_at,
            });
        }
        // Saturating: a time beyond the range of milliseconds is as far away as the last one.
        let millis = |seconds: u64| UnixMillis(seconds.saturating_mul(1000));
        let from = millis(issued_at.max(self.claims.not_before.unwrap_or(0)));
        if from.0 > now.0.saturating_add(SKEW) {
            return Err(TokenError::NotYetValid { from, now });
        }
        let until = millis(expires_at);
        if now.0 >= until.0.saturating_add(SKEW) {
            return Err(TokenError::Expired { until, now });
        }
        Ok(())
    }
}

/// Signs a token for `party` that is valid from `now` on for 300 seconds.
pub fn issue_token(
    signer: &dyn Signer,
    party: &PartyName,
    ledger: &LedgerId,
    now: UnixMillis,
) -> String {
    let issued_at = now.0 / 1000;
    let header = json!({
        "alg": "EdDSA",
        "kid": KeyId::of(&signer.public_key()).to_string(),
        "typ": "JWT",
    });
    let claims = json!({
        "iss": party.as_str(),
        "aud": ledger.to_string(),
        "iat": issued_at,
        "exp": issued_at.saturating_add(LIFETIME_MAX),
    });
    let encode = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(signer.sign(signed.as_bytes()).0);
    format!("{signed}.{signature}")
}

fn object(part: &'static str, encoded: &str) -> Result<Map<String, Value>, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded);
    let bytes = bytes.map_err(|_| TokenError::Form)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::NotObject { part })
}

fn parsed<T: std::str::FromStr>(
    object: &Map<String, Value>,
    name: &'static str,
    expected: &'static str,
) -> Result<T, TokenError> {
    let text = object.get(name).and_then(Value::as_str);
    let value = text.and_then(|text| text.parse().ok());
    value.ok_or(TokenError::Field { name, expected })
}

fn seconds(object: &Map<String, Value>, name: &'static str) -> Result<u64, TokenError> {
    let expected = "a time in whole unix seconds";
    let value = object.get(name).and_then(Value::as_u64);
    value.ok_or(TokenError::Field { name, expected })
}
