//! The verification pool: signatures are checked on as many threads as there are processors,
//! before the one thread that decides.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use super::door::Inspected;
use super::intake::{Intake, SignatureState};
use super::published::Publication;
use crate::domain::{PublicKey, Verifier};
use crate::ledger::{KeyRow, View, ViewFault, key};

/// How many known keys are remembered.
const KNOWN_KEYS_MAX: usize = 65_536;

/// Checks signatures of keys that the ledger knows; others are left to the decider, because the
/// entry that makes a key known may still be on its way.
pub(super) struct Checker {
    verifier: Arc<dyn Verifier>,
    publication: Arc<Publication>,
    /// Keys that the ledger knows; a key that is known once is known for ever.
    known: RwLock<HashSet<PublicKey>>,
}

impl Checker {
    pub(super) fn new(verifier: Arc<dyn Verifier>, publication: Arc<Publication>) -> Self {
        Self {
            verifier,
            publication,
            known: RwLock::default(),
        }
    }

    fn check(&self, inspected: &Inspected) -> SignatureState {
        if !self.is_known(&inspected.public_key) {
            return SignatureState::KeyUnknown;
        }
        match inspected.verify(self.verifier.as_ref()) {
            true => SignatureState::Valid,
            false => SignatureState::Invalid,
        }
    }

    fn is_known(&self, public_key: &PublicKey) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.contains(public_key) {
            return true;
        }
        drop(known);
        // What the storage cannot say now the decider asks again, and stops if it still cannot.
        let found = key_is_known(&self.publication.current().view, public_key);
        if !matches!(found, Ok(true)) {
            return false;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_KEYS_MAX {
            known.clear();
        }
        known.insert(*public_key);
        true
    }
}

/// Says whether the ledger has, or had, a key.
pub(super) fn key_is_known(view: &dyn View, public_key: &PublicKey) -> Result<bool, ViewFault> {
    Ok(view.get(&key::<KeyRow>(public_key))?.is_some())
}

/// One thread of the pool; it ends when the intake is closed and everything is verified.
pub(super) fn run(checker: &Checker, intake: &Intake) {
    while let Some(piece) = intake.to_verify() {
        let states = piece.submitted.iter();
        let states = states.map(|submitted| checker.check(&submitted.inspected));
        let states = states.collect();
        intake.verified(piece, states);
    }
}
