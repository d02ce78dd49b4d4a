//! Parties and their keys: `Application`, `AdmitParty`, `RotateKey`, `RevokeKey`, `ReplaceKey`.

use bytes::Bytes;
use prost::Message;

use super::choices::Choice;
use super::fields::{Fields, Findings, Read};
use super::values::bytes_of;
use super::{canonical, proto};
use crate::domain::{
    AdmitParty, Application, PartyName, Reason, Rejection, ReplaceKey, RevokeKey, RotateKey,
};

/// Returns the bytes of an application, over which the applicant's key signs.
pub fn encode_application(application: &Application) -> Vec<u8> {
    proto::Application::from(application).encode_to_vec()
}

/// Decodes the bytes of an application.
///
/// # Errors
/// `TOO_LARGE`, `MALFORMED` with every field that is wrong, or `NON_CANONICAL`.
pub fn decode_application(bytes: &[u8]) -> Result<Application, Rejection> {
    let message: proto::Application = canonical::decode(bytes, "an application")?;
    let canonical = canonical::check(&message, bytes);
    let mut findings = Findings::default();
    let application = Application::read(message, &mut findings.fields());
    let violations = findings.into_violations();
    match application {
        Some(application) if violations.is_empty() => canonical.map(|()| application),
        _ => Err(Rejection::with_violations(Reason::Malformed, violations)),
    }
}

impl Read for Application {
    type Message = proto::Application;

    fn read(message: proto::Application, fields: &mut Fields<'_>) -> Option<Self> {
        let ledger = fields.bytes("ledger", &message.ledger);
        let name = fields.parse::<PartyName>("name", &message.name);
        let roles = fields.choices("roles", &message.roles);
        if message.roles.is_empty() {
            fields.wrong("roles", "names at least one role");
        }
        let public_key = fields.bytes("public_key", &message.public_key);
        let terms_hash = fields.bytes("terms_hash", &message.terms_hash);
        Some(Self {
            ledger: ledger?,
            name: name?,
            roles: roles?,
            public_key: public_key?,
            terms_hash: terms_hash?,
        })
    }
}

impl From<&Application> for proto::Application {
    fn from(application: &Application) -> Self {
        Self {
            ledger: bytes_of(&application.ledger.0),
            name: application.name.as_str().to_owned(),
            roles: application.roles.iter().map(|role| role.number()).collect(),
            public_key: bytes_of(&application.public_key.0),
            terms_hash: bytes_of(&application.terms_hash.0),
        }
    }
}

impl Read for AdmitParty {
    type Message = proto::AdmitParty;

    fn read(message: proto::AdmitParty, fields: &mut Fields<'_>) -> Option<Self> {
        let application = read_enclosed_application(fields, &message.application);
        let signature = fields.bytes("signature", &message.signature);
        let named = Some(message.beneficial_owner).filter(|name| !name.is_empty());
        let beneficial_owner =
            named.and_then(|name| fields.parse::<PartyName>("beneficial_owner", &name));
        Some(Self {
            application: application?,
            application_bytes: message.application.to_vec(),
            signature: signature?,
            beneficial_owner,
        })
    }
}

/// Reads the application that a command encloses; whatever is wrong with it is the command's.
fn read_enclosed_application(fields: &mut Fields<'_>, bytes: &[u8]) -> Option<Application> {
    let mut enclosed = fields.field("application");
    let decoded = canonical::decode::<proto::Application>(bytes, "an application");
    let message = match decoded {
        Ok(message) => message,
        Err(rejection) => {
            enclosed.wrong_here(rejection.message);
            return None;
        }
    };
    if let Err(rejection) = canonical::check(&message, bytes) {
        enclosed.wrong_here(rejection.message);
    }
    Application::read(message, &mut enclosed)
}

impl From<&AdmitParty> for proto::AdmitParty {
    fn from(admission: &AdmitParty) -> Self {
        let owner = admission.beneficial_owner.as_ref();
        Self {
            application: Bytes::copy_from_slice(&admission.application_bytes),
            signature: bytes_of(&admission.signature.0),
            beneficial_owner: owner.map_or("", PartyName::as_str).to_owned(),
        }
    }
}

impl Read for RotateKey {
    type Message = proto::RotateKey;

    fn read(message: proto::RotateKey, fields: &mut Fields<'_>) -> Option<Self> {
        let new_key = fields.bytes("new_key", &message.new_key);
        let possession = fields.bytes("possession", &message.possession);
        Some(Self {
            new_key: new_key?,
            possession: possession?,
        })
    }
}

impl From<&RotateKey> for proto::RotateKey {
    fn from(rotation: &RotateKey) -> Self {
        Self {
            new_key: bytes_of(&rotation.new_key.0),
            possession: bytes_of(&rotation.possession.0),
        }
    }
}

impl Read for RevokeKey {
    type Message = proto::RevokeKey;

    fn read(message: proto::RevokeKey, fields: &mut Fields<'_>) -> Option<Self> {
        let public_key = fields.bytes("public_key", &message.public_key);
        Some(Self {
            public_key: public_key?,
            suspect_from: message.suspect_from,
        })
    }
}

impl From<&RevokeKey> for proto::RevokeKey {
    fn from(revocation: &RevokeKey) -> Self {
        Self {
            public_key: bytes_of(&revocation.public_key.0),
            suspect_from: revocation.suspect_from,
        }
    }
}

impl Read for ReplaceKey {
    type Message = proto::ReplaceKey;

    fn read(message: proto::ReplaceKey, fields: &mut Fields<'_>) -> Option<Self> {
        let party = fields.parse::<PartyName>("party", &message.party);
        let new_key = fields.bytes("new_key", &message.new_key);
        let possession = fields.bytes("possession", &message.possession);
        Some(Self {
            party: party?,
            new_key: new_key?,
            possession: possession?,
        })
    }
}

impl From<&ReplaceKey> for proto::ReplaceKey {
    fn from(replacement: &ReplaceKey) -> Self {
        Self {
            party: replacement.party.as_str().to_owned(),
            new_key: bytes_of(&replacement.new_key.0),
            possession: bytes_of(&replacement.possession.0),
        }
    }
}
