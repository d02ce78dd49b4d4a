//! Founding and charter: `Found`, `AmendCharter`, `Upgrade`, and proofs of possession.

use bytes::Bytes;
use prost::Message;
use prost::encoding::{DecodeContext, decode_key, skip_field};

use super::command::decode_command;
use super::fields::{Fields, Read};
use super::proto;
use super::values::bytes_of;
use crate::domain::{
    Action, ActionKind, AmendCharter, Found, LedgerId, NewLogKey, Nonce, Origin, PartyName,
    PublicKey, TIME_WINDOW_MS, Upgrade,
};

/// The number of the field of `Command` that holds an `AmendCharter`.
const AMEND_CHARTER: u32 = ActionKind::AmendCharter as u32;

impl Read for Found {
    type Message = proto::Found;

    fn read(message: proto::Found, fields: &mut Fields<'_>) -> Option<Self> {
        let origin = fields.parse::<Origin>("origin", &message.origin);
        let operator = fields.parse::<PartyName>("operator", &message.operator);
        let operator_key = fields.bytes("operator_key", &message.operator_key);
        let log_key = fields.bytes("log_key", &message.log_key);
        let log_key_possession = fields.bytes("log_key_possession", &message.log_key_possession);
        let rules_version = read_rules_version(fields, message.rules_version);
        let time_window_ms = read_time_window(fields, message.time_window_ms);
        if !message.approvals.is_empty() {
            fields.wrong("approvals", "is empty in rules version 1");
        }
        let terms_hash = fields.bytes("terms_hash", &message.terms_hash);
        Some(Self {
            origin: origin?,
            operator: operator?,
            operator_key: operator_key?,
            log_key: log_key?,
            log_key_possession: log_key_possession?,
            rules_version,
            time_window_ms,
            approvals: message.approvals,
            terms_hash: terms_hash?,
        })
    }
}

impl From<&Found> for proto::Found {
    fn from(found: &Found) -> Self {
        Self {
            origin: found.origin.as_str().to_owned(),
            operator: found.operator.as_str().to_owned(),
            operator_key: bytes_of(&found.operator_key.0),
            log_key: bytes_of(&found.log_key.0),
            log_key_possession: bytes_of(&found.log_key_possession.0),
            rules_version: found.rules_version,
            time_window_ms: found.time_window_ms,
            approvals: found.approvals.clone(),
            terms_hash: bytes_of(&found.terms_hash.0),
        }
    }
}

impl Read for AmendCharter {
    type Message = proto::AmendCharter;

    fn read(message: proto::AmendCharter, fields: &mut Fields<'_>) -> Option<Self> {
        let time_window_ms = read_time_window(fields, message.time_window_ms);
        let stays = message.log_key.is_empty() && message.log_key_possession.is_empty();
        let log_key = if stays {
            None
        } else {
            let key = fields.bytes("log_key", &message.log_key);
            let possession = fields.bytes("log_key_possession", &message.log_key_possession);
            Some(NewLogKey {
                key: key?,
                possession: possession?,
            })
        };
        Some(Self {
            time_window_ms,
            log_key,
        })
    }
}

impl From<&AmendCharter> for proto::AmendCharter {
    fn from(amendment: &AmendCharter) -> Self {
        let new = amendment.log_key.as_ref();
        Self {
            time_window_ms: amendment.time_window_ms,
            log_key: new.map(|new| bytes_of(&new.key.0)).unwrap_or_default(),
            log_key_possession: new
                .map(|new| bytes_of(&new.possession.0))
                .unwrap_or_default(),
        }
    }
}

impl Read for Upgrade {
    type Message = proto::Upgrade;

    fn read(message: proto::Upgrade, fields: &mut Fields<'_>) -> Option<Self> {
        let rules_version = read_rules_version(fields, message.rules_version);
        Some(Self { rules_version })
    }
}

impl From<&Upgrade> for proto::Upgrade {
    fn from(upgrade: &Upgrade) -> Self {
        Self {
            rules_version: upgrade.rules_version,
        }
    }
}

/// Returns the key that an entry's command puts in force for the log; none for every other command
/// and for bytes that are none.
///
/// Others than `AmendCharter` are told apart by one field and not decoded: a start asks for every
/// entry that it reads.
pub fn new_log_key(command: &[u8]) -> Option<PublicKey> {
    if !has_field(command, AMEND_CHARTER) {
        return None;
    }
    let command = decode_command(&Bytes::copy_from_slice(command)).ok()?;
    match command.action {
        Action::AmendCharter(amend) => amend.log_key.map(|new| new.key),
        _ => None,
    }
}

/// Says whether a message has a field of this number at its outermost level.
fn has_field(mut message: &[u8], number: u32) -> bool {
    while let Ok((found, wire_type)) = decode_key(&mut message) {
        let context = DecodeContext::default();
        if found == number {
            return true;
        }
        if skip_field(wire_type, found, &mut message, context).is_err() {
            return false;
        }
    }
    false
}

/// Returns the payload that a key signs to prove that its holder has it.
///
/// `ledger` is none in `Found` only; `party_or_origin` is the name of the party that the key is
/// for, or the origin of the log; `nonce` is the one of the command that carries the proof.
pub fn encode_possession(
    ledger: Option<&LedgerId>,
    party_or_origin: &str,
    public_key: &PublicKey,
    nonce: &Nonce,
) -> Vec<u8> {
    let possession = proto::Possession {
        ledger: ledger.map(|id| bytes_of(&id.0)).unwrap_or_default(),
        party_or_origin: party_or_origin.to_owned(),
        public_key: bytes_of(&public_key.0),
        nonce: bytes_of(&nonce.0),
    };
    possession.encode_to_vec()
}

fn read_time_window(fields: &mut Fields<'_>, milliseconds: u64) -> u64 {
    fields.within(
        "time_window_ms",
        milliseconds,
        &TIME_WINDOW_MS,
        " milliseconds",
    )
}

/// Checks only that there is a version: whether this program knows it is for the rules to say.
fn read_rules_version(fields: &mut Fields<'_>, version: u32) -> u32 {
    fields.within("rules_version", version, &(1..=u32::MAX), "")
}
