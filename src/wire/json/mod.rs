//! Signed bytes as JSON for people, and JSON that people write as bytes to sign.
//!
//! The form is that of protobuf's JSON with two differences that make it readable: fields have
//! the names of the protos, and bytes are hex, as ids and hashes are written everywhere else.
//! It is a view and never what is signed or kept. What must stay true: bytes that decode to a
//! command, shown and read back, are the same bytes.

mod read;
mod show;

use std::sync::LazyLock;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};

use super::proto;
use crate::domain::{Reason, Rejection, Violation, json::Json};

/// The name of the type that times have.
const TIMESTAMP: &str = "google.protobuf.Timestamp";

/// Returns a command's bytes as JSON on one line; none where they do not decode.
///
/// Fields that the protos do not know are left out: the byte rule refuses them elsewhere.
pub fn command_json(bytes: &[u8]) -> Option<String> {
    shown("fenrun.v1.Command", bytes)
}

/// Returns an application's bytes as JSON on one line; none where they do not decode.
pub fn application_json(bytes: &[u8]) -> Option<String> {
    shown("fenrun.v1.Application", bytes)
}

/// Returns the bytes to sign for a command that somebody wrote as JSON.
///
/// Whether its fields are in their range is for [`decode_command`](super::decode_command) to say.
///
/// # Errors
/// `MALFORMED`, with every place that is no such message.
pub fn command_bytes(json: &str) -> Result<Vec<u8>, Rejection> {
    let message = read("fenrun.v1.Command", json)?;
    // Written by generated code, whose bytes are the canonical ones.
    let command = proto::Command::decode(message.encode_to_vec().as_slice()).map_err(|error| {
        let text = format!("the JSON gives no command: {error}");
        Rejection::new(Reason::Malformed, text)
    })?;
    Ok(command.encode_to_vec())
}

fn read(message: &str, json: &str) -> Result<DynamicMessage, Rejection> {
    let refused = |violations| Rejection::with_violations(Reason::Malformed, violations);
    let json = Json::parse(json).map_err(|violation| refused(vec![violation]))?;
    let Some(descriptor) = descriptor(message) else {
        let text = format!("this program does not know {message}");
        return Err(refused(vec![Violation::new("", text)]));
    };
    let mut found = Vec::new();
    let message = read::message(descriptor, &json, &mut found);
    if found.is_empty() {
        Ok(message)
    } else {
        Err(refused(found))
    }
}

fn shown(message: &str, bytes: &[u8]) -> Option<String> {
    let message = DynamicMessage::decode(descriptor(message)?, bytes).ok()?;
    serde_json::to_string(&show::Shown(&message)).ok()
}

fn descriptor(message: &str) -> Option<MessageDescriptor> {
    static POOL: LazyLock<Option<DescriptorPool>> =
        LazyLock::new(|| DescriptorPool::decode(proto::FILE_DESCRIPTORS).ok());
    POOL.as_ref()?.get_message_by_name(message)
}
