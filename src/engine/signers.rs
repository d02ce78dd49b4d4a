//! The log's secret keys: one signs, and at a change of keys the next one with it.

use std::sync::Arc;

use crate::domain::{PublicKey, Signer};

/// Where the log's secret keys are.
///
/// A change of keys is an entry. It is refused unless the new key is here when it is decided, so
/// the key has to be put here first; which key signs is then for the charter to say.
pub trait LogSigners: Send + Sync {
    /// Returns the signer that has this public key; none where its secret is not here.
    fn signer(&self, key: &PublicKey) -> Option<Arc<dyn Signer>>;
}

/// Keys that are handed over at the start.
#[derive(Clone, Default)]
pub struct GivenSigners(pub(super) Vec<Arc<dyn Signer>>);

impl GivenSigners {
    /// Returns the keys of a log that has never had another one.
    pub fn one(signer: impl Signer + 'static) -> Self {
        Self(vec![Arc::new(signer)])
    }

    /// Adds a key that a change may put in force.
    #[must_use]
    pub fn and(mut self, signer: impl Signer + 'static) -> Self {
        self.0.push(Arc::new(signer));
        self
    }
}

impl LogSigners for GivenSigners {
    fn signer(&self, key: &PublicKey) -> Option<Arc<dyn Signer>> {
        let found = self.0.iter().find(|signer| signer.public_key() == *key);
        found.map(Arc::clone)
    }
}
