//! Who calls: the one place that reads bearer tokens.
//!
//! A token is good where it verifies under the active key of an admitted party in the published
//! state. That there is no such party, no such key or no such signature is one answer, so that
//! nobody finds out by guessing who is admitted.

use tonic::metadata::MetadataMap;

use super::status::Failure;
use crate::domain::{KeyId, LedgerId, PartyName, PublicKey, Reason, UnixMillis, Verifier};
use crate::keys::{BearerToken, TokenError};
use crate::ledger::{Caller, View, ViewFault};

/// The header that carries the token.
const HEADER: &str = "authorization";
/// The word before it.
const SCHEME: &str = "Bearer";

/// A caller and the key that its token was signed with.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// Who reads.
    pub caller: Caller,
    /// The key.
    key: PublicKey,
}

/// What a token is checked against.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    /// The published state.
    pub view: &'a dyn View,
    /// The ledger that tokens must be for.
    pub ledger: &'a LedgerId,
    /// The time.
    pub now: UnixMillis,
    /// The rule for signatures.
    pub verifier: &'a dyn Verifier,
}

/// A bearer token as it came; none where the call carries none.
///
/// It is shown nowhere: whoever sees a token can use it until it ends.
pub(super) struct Presented(Option<String>);

impl Presented {
    /// Takes the token of a call.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` where the header is there twice or is not of the form `Bearer TOKEN`.
    pub fn take(headers: &MetadataMap) -> Result<Self, Failure> {
        let mut values = headers.get_all(HEADER).iter();
        let Some(value) = values.next() else {
            return Ok(Self(None));
        };
        if values.next().is_some() {
            return Err(refused("there is more than one authorization header"));
        }
        let parts = value.to_str().ok().and_then(|text| text.split_once(' '));
        match parts {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) => {
                Ok(Self(Some(token.trim().to_owned())))
            }
            _ => Err(refused(
                "the authorization header is not of the form Bearer TOKEN",
            )),
        }
    }

    /// Returns who presents the token; none where there is none.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, or a fault of the storage.
    pub fn check(&self, desk: Desk<'_>) -> Result<Option<Identity>, Failure> {
        let Some(token) = &self.0 else {
            return Ok(None);
        };
        let token = BearerToken::parse(token).map_err(|error| refused(error.to_string()))?;
        let name = &token.claims().party;
        let known = Caller::by_active_key(desk.view, name, token.key_id())?;
        let Some((caller, key)) = known else {
            return Err(unknown());
        };
        match token.check(desk.verifier, &key, desk.ledger, desk.now) {
            Ok(_) => Ok(Some(Identity { caller, key })),
            Err(TokenError::BadSignature) => Err(unknown()),
            Err(error) => Err(refused(error.to_string())),
        }
    }

    /// Returns who presents the token.
    ///
    /// # Errors
    /// As [`Presented::check`], and `UNAUTHENTICATED` where there is none.
    pub fn require(&self, desk: Desk<'_>) -> Result<Identity, Failure> {
        let text = "this call needs a bearer token of an admitted party";
        self.check(desk)?.ok_or_else(|| refused(text))
    }
}

impl Identity {
    /// Says whether the key may still speak for its party.
    ///
    /// # Errors
    /// Fails when the storage does.
    pub fn holds(&self, view: &dyn View) -> Result<bool, ViewFault> {
        let id = KeyId::of(&self.key);
        Ok(Caller::by_active_key(view, self.name(), &id)?.is_some())
    }

    /// Returns the name of the party.
    pub fn name(&self) -> &PartyName {
        &self.caller.name
    }
}

/// Refuses a stream whose key was revoked, rotated or replaced while it ran.
pub(super) fn ended() -> Failure {
    refused("the key of the token is no longer active; begin again with the party's active key")
}

fn unknown() -> Failure {
    refused("the token does not verify under the active key of a party that is admitted here")
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::refused(Reason::Unauthenticated, message)
}
