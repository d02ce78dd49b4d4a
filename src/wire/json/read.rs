//! Reads a message from JSON: every place that is wrong is found, by its path.

use chrono::DateTime;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::TIMESTAMP;
use crate::domain::Violation;
use crate::domain::json::{Json, Path};

type Found = Vec<Violation>;

/// Returns the message that a document gives; what is wrong is added to `found`.
pub(super) fn message(
    descriptor: MessageDescriptor,
    json: &Json,
    found: &mut Found,
) -> DynamicMessage {
    read_message(descriptor, json, &Path::Root, found)
}

fn read_message(
    descriptor: MessageDescriptor,
    json: &Json,
    path: &Path<'_>,
    found: &mut Found,
) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    let Json::Object(entries) = json else {
        found.push(path.violation("is an object"));
        return message;
    };
    for (key, json) in entries {
        let path = Path::Key(path, key);
        let Some(field) = descriptor.get_field_by_name(key) else {
            let text = format!("{} has no such field", descriptor.name());
            found.push(path.violation(text));
            continue;
        };
        let others = field.containing_oneof();
        let taken = |other: FieldDescriptor| message.has_field(&other);
        if message.has_field(&field) || others.is_some_and(|one| one.fields().any(taken)) {
            found.push(path.violation("stands beside the same or another choice of it"));
            continue;
        }
        if let Some(value) = read_field(&field, json, &path, found) {
            message.set_field(&field, value);
        }
    }
    message
}

fn read_field(
    field: &FieldDescriptor,
    json: &Json,
    path: &Path<'_>,
    found: &mut Found,
) -> Option<Value> {
    if !field.is_list() {
        return read_value(&field.kind(), json, path, found);
    }
    let mut items = Vec::new();
    for (position, item) in json.list(path, found)?.iter().enumerate() {
        let path = Path::Item(path, position);
        items.extend(read_value(&field.kind(), item, &path, found));
    }
    Some(Value::List(items))
}

fn read_value(kind: &Kind, json: &Json, path: &Path<'_>, found: &mut Found) -> Option<Value> {
    match kind {
        Kind::Bool => json.boolean(path, found).map(Value::Bool),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
            integer(json, "an integer of 32 bits", path, found).map(Value::I32)
        }
        Kind::Uint32 | Kind::Fixed32 => {
            integer(json, "an integer from 0 to 4294967295", path, found).map(Value::U32)
        }
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
            integer(json, "an integer of 64 bits", path, found).map(Value::I64)
        }
        Kind::Uint64 | Kind::Fixed64 => integer(
            json,
            "an integer from 0 to 18446744073709551615",
            path,
            found,
        )
        .map(Value::U64),
        Kind::String => {
            let text = json.text(path, found)?;
            Some(Value::String(text.to_owned()))
        }
        Kind::Bytes => {
            let bytes = hex::decode(json.text(path, found)?);
            if bytes.is_err() {
                found.push(path.violation("is bytes in hex, two digits each"));
            }
            bytes.ok().map(|bytes| Value::Bytes(bytes.into()))
        }
        Kind::Enum(choices) => {
            let value = match json {
                Json::Text(name) => choices.get_value_by_name(name).map(|one| one.number()),
                Json::Integer(number) => i32::try_from(*number).ok(),
                _ => None,
            };
            if value.is_none() {
                let names: Vec<String> = choices
                    .values()
                    .skip(1)
                    .map(|one| one.name().to_owned())
                    .collect();
                found.push(path.violation(format!("is one of {}", names.join(", "))));
            }
            value.map(Value::EnumNumber)
        }
        Kind::Message(descriptor) => {
            let value = match json {
                Json::Text(text) if descriptor.full_name() == TIMESTAMP => {
                    read_time(descriptor.clone(), text, path, found)?
                }
                _ => read_message(descriptor.clone(), json, path, found),
            };
            Some(Value::Message(value))
        }
        Kind::Float | Kind::Double => {
            found.push(path.violation("is a floating point number, which commands do not have"));
            None
        }
    }
}

/// Reads an integer that is written as a number, or as text where it may be beyond 53 bits.
fn integer<Number: TryFrom<i128>>(
    json: &Json,
    expected: &str,
    path: &Path<'_>,
    found: &mut Found,
) -> Option<Number> {
    let number = match json {
        Json::Integer(number) => Some(*number),
        Json::Text(text) => text.parse().ok(),
        _ => None,
    };
    let number = number.and_then(|number| Number::try_from(number).ok());
    if number.is_none() {
        found.push(path.violation(format!("is {expected}")));
    }
    number
}

fn read_time(
    descriptor: MessageDescriptor,
    text: &str,
    path: &Path<'_>,
    found: &mut Found,
) -> Option<DynamicMessage> {
    let Ok(time) = DateTime::parse_from_rfc3339(text) else {
        found.push(path.violation("is a time in RFC 3339, such as 2026-10-01T08:00:00Z"));
        return None;
    };
    let mut message = DynamicMessage::new(descriptor);
    let nanos = i32::try_from(time.timestamp_subsec_nanos()).unwrap_or_default();
    message.set_field_by_name("seconds", Value::I64(time.timestamp()));
    message.set_field_by_name("nanos", Value::I32(nanos));
    Some(message)
}
