//! What differs between two commands, field by field.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::Entry;
use crate::wire::command_json;

/// The most differences that are named.
const DIFFERENCES_MAX: usize = 5;
/// The most characters of a value that are shown.
const VALUE_CHARACTERS_MAX: usize = 80;

/// Says in which fields two entries differ: `post_revenue.amount.minor_units is 1, not 2`.
pub(super) fn differences(expected: &Entry, found: &Entry) -> String {
    let (expected, found) = (fields(expected), fields(found));
    let mut paths: Vec<&String> = expected.keys().chain(found.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut told = Vec::new();
    let mut more = 0usize;
    for path in paths {
        let (expected, found) = (expected.get(path), found.get(path));
        if expected == found {
            continue;
        }
        if told.len() < DIFFERENCES_MAX {
            let (expected, found) = (shown(expected), shown(found));
            told.push(format!("{path} is {found}, not {expected}"));
        } else {
            more = more.saturating_add(1);
        }
    }
    if more > 0 {
        told.push(format!("and {more} more fields differ"));
    }
    told.join("; ")
}

fn shown(value: Option<&String>) -> String {
    let Some(value) = value else {
        return "absent".to_owned();
    };
    let mut start: String = value.chars().take(VALUE_CHARACTERS_MAX).collect();
    if start.len() < value.len() {
        start.push_str("...");
    }
    start
}

/// Returns every value of an entry with its path; a command that does not decode as its bytes.
fn fields(entry: &Entry) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut put = |name: &str, text: String| fields.insert(name.to_owned(), text);
    put("recorded time", entry.recorded_at.to_string());
    put("public key", entry.public_key.to_string());
    put("signature", entry.signature.to_string());
    let json = command_json(&entry.command).and_then(|text| serde_json::from_str(&text).ok());
    match json {
        Some(json) => flatten("", &json, &mut fields),
        None => {
            put("command", hex::encode(&entry.command));
        }
    }
    fields
}

fn flatten(path: &str, value: &Value, fields: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            let dot = if path.is_empty() { "" } else { "." };
            for (name, member) in members {
                flatten(&format!("{path}{dot}{name}"), member, fields);
            }
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                flatten(&format!("{path}[{position}]"), item, fields);
            }
        }
        Value::String(text) => {
            fields.insert(path.to_owned(), text.clone());
        }
        other => {
            fields.insert(path.to_owned(), other.to_string());
        }
    }
}
