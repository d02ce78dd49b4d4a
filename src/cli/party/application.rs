//! The file in which an application goes from a party to the operator.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cli::CommandError;
use crate::cli::choices::Choice;
use crate::cli::report::{Report, facts};
use crate::domain::{
    APPLICATION_TYPE, Application, ContentHash, KeyId, LedgerId, PartyName, PublicKey, Role,
    Signature, Verifier, signing_bytes,
};
use crate::keys::StrictVerifier;
use crate::wire::decode_application;

/// What stands in the file: the signed bytes and the signature.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli) struct ApplicationFile {
    /// The exact bytes of the application, in hex.
    pub(super) application: String,
    /// The applicant's signature over them.
    pub(super) signature: Signature,
}

/// A verified application.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Signed {
    pub(super) ledger: LedgerId,
    pub(super) name: PartyName,
    pub(super) roles: Vec<Role>,
    pub(super) public_key: PublicKey,
    /// What applicant and operator compare by another way.
    pub(super) fingerprint: KeyId,
    pub(super) terms_hash: ContentHash,
    #[serde(skip)]
    pub(super) application: Application,
    #[serde(skip)]
    pub(super) bytes: Vec<u8>,
    #[serde(skip)]
    pub(super) signature: Signature,
}

impl ApplicationFile {
    pub(super) fn read(path: &Path) -> Result<Self, CommandError> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| CommandError::input(format!("{shown} cannot be read: {error}")))?;
        serde_json::from_str(&text).map_err(|error| {
            CommandError::input(format!("{shown} is no application: {error}"))
                .hint("It is the file that `fenrun party apply` writes.")
        })
    }

    /// Decodes the application and verifies its signature.
    pub(in crate::cli) fn verified(&self) -> Result<Signed, CommandError> {
        let bytes = hex::decode(&self.application)
            .map_err(|error| CommandError::input(format!("the application is no hex: {error}")))?;
        let application = decode_application(&bytes)?;
        let signed = signing_bytes(APPLICATION_TYPE, &bytes);
        if !StrictVerifier.verify(&application.public_key, &signed, &self.signature) {
            let error = "the signature does not verify: the application was changed";
            return Err(CommandError::input(error).hint("Ask the applicant for the file again."));
        }
        Ok(Signed {
            ledger: application.ledger,
            name: application.name.clone(),
            roles: application.roles.clone(),
            public_key: application.public_key,
            fingerprint: KeyId::of(&application.public_key),
            terms_hash: application.terms_hash,
            signature: self.signature,
            application,
            bytes,
        })
    }
}

impl Report for Signed {
    fn text(&self) -> String {
        facts(&[
            ("party", self.name.to_string()),
            ("roles", roles(&self.roles)),
            ("public key", self.public_key.to_string()),
            ("fingerprint", self.fingerprint.to_string()),
            ("ledger", self.ledger.to_string()),
            ("terms", self.terms_hash.to_string()),
        ])
    }
}

/// Returns roles as a list for people.
pub(super) fn roles(roles: &[Role]) -> String {
    let roles: Vec<&str> = roles.iter().map(|role| Choice(*role).as_str()).collect();
    roles.join(", ")
}
