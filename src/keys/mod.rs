//! Ed25519 keys: signing, strict verification, the PEM form of a key, and bearer tokens.
//!
//! There is one rule for a good signature, [`StrictVerifier`]; [`VerifyingKeys`] decides the
//! same and is quicker for keys that come again. Randomness and time are arguments, and files
//! are the caller's.

mod secret;
mod strict;
mod token;

#[cfg(test)]
mod tests;

pub use secret::{SecretKey, SecretKeyError};
pub use strict::{StrictVerifier, VerifyingKeys};
pub use token::{BearerToken, Claims, TOKEN_SECONDS_MAX, TokenError, issue_token};
