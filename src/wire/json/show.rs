//! Shows a message: fields in the order of their numbers, defaults left out.

use chrono::{DateTime, SecondsFormat};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage, Value};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::TIMESTAMP;

/// A message as JSON.
pub(super) struct Shown<'a>(pub &'a DynamicMessage);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.descriptor().full_name() == TIMESTAMP
            && let Some(text) = rfc_3339(self.0)
        {
            return serializer.serialize_str(&text);
        }
        let mut map = serializer.serialize_map(None)?;
        for (field, value) in self.0.fields() {
            if self.0.has_field(&field) {
                map.serialize_entry(field.name(), &Part(&field, value))?;
            }
        }
        map.end()
    }
}

/// A value of a field, or one item of it.
struct Part<'a>(&'a FieldDescriptor, &'a Value);

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(field, value) = self;
        match value {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::I32(value) => serializer.serialize_i32(*value),
            Value::U32(value) => serializer.serialize_u32(*value),
            // As text, because many readers of JSON lose what is beyond 53 bits.
            Value::I64(value) => serializer.collect_str(value),
            Value::U64(value) => serializer.collect_str(value),
            Value::F32(value) => serializer.serialize_f32(*value),
            Value::F64(value) => serializer.serialize_f64(*value),
            Value::String(value) => serializer.serialize_str(value),
            Value::Bytes(value) => serializer.serialize_str(&hex::encode(value)),
            Value::EnumNumber(number) => match choice(field, *number) {
                Some(name) => serializer.serialize_str(&name),
                None => serializer.serialize_i32(*number),
            },
            Value::Message(message) => Shown(message).serialize(serializer),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Part(field, item))?;
                }
                list.end()
            }
            // No message of ours has one.
            Value::Map(_) => serializer.serialize_none(),
        }
    }
}

fn choice(field: &FieldDescriptor, number: i32) -> Option<String> {
    match field.kind() {
        Kind::Enum(choices) => Some(choices.get_value(number)?.name().to_owned()),
        _ => None,
    }
}

/// Returns a time as text; none beyond the range of the form, which shows its numbers instead.
fn rfc_3339(time: &DynamicMessage) -> Option<String> {
    let seconds = time.get_field_by_name("seconds")?.as_i64()?;
    let nanos = time.get_field_by_name("nanos")?.as_i32()?;
    let nanos = u32::try_from(nanos)
        .ok()
        .filter(|nanos| *nanos < 1_000_000_000)?;
    let time = DateTime::from_timestamp(seconds, nanos)?;
    let text = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    // A year that is not of four digits has another form, which is not read back.
    DateTime::parse_from_rfc3339(&text).ok().map(|_| text)
}
