//! Valuations: `ImportWeights`, and those that the service is asked for.

use serde_json::Value;

use super::fields::{Fields, Read};
use super::proto;
use super::values::bytes_of;
use crate::domain::{
    CommitReveal, ContentHash, FinishValuation, ImportWeights, METHOD_CHARACTERS_MAX,
    PARAMETERS_BYTES_MAX, Period, PoolName, StartValuation,
};

impl Read for ImportWeights {
    type Message = proto::ImportWeights;

    fn read(message: proto::ImportWeights, fields: &mut Fields<'_>) -> Option<Self> {
        let pool = fields.parse::<PoolName>("pool", &message.pool);
        let period = fields.parse::<Period>("period", &message.period);
        check_method(fields, &message.method, &message.parameters);
        let validation_hash = fields.optional_bytes("validation_hash", &message.validation_hash);
        let table_hash = fields.bytes("table_hash", &message.table_hash);
        Some(Self {
            pool: pool?,
            period: period?,
            method: message.method,
            parameters: message.parameters,
            validation_hash,
            table_hash: table_hash?,
        })
    }
}

impl From<&ImportWeights> for proto::ImportWeights {
    fn from(weights: &ImportWeights) -> Self {
        Self {
            pool: weights.pool.as_str().to_owned(),
            period: weights.period.to_string(),
            method: weights.method.clone(),
            parameters: weights.parameters.clone(),
            validation_hash: bytes_if_any(weights.validation_hash.as_ref()),
            table_hash: bytes_of(&weights.table_hash.0),
        }
    }
}

impl Read for CommitReveal {
    type Message = proto::CommitReveal;

    fn read(message: proto::CommitReveal, fields: &mut Fields<'_>) -> Option<Self> {
        let pool = fields.parse::<PoolName>("pool", &message.pool);
        let commitment = fields.bytes("commitment", &message.commitment);
        Some(Self {
            pool: pool?,
            commitment: commitment?,
        })
    }
}

impl From<&CommitReveal> for proto::CommitReveal {
    fn from(commit: &CommitReveal) -> Self {
        Self {
            pool: commit.pool.as_str().to_owned(),
            commitment: bytes_of(&commit.commitment.0),
        }
    }
}

impl Read for StartValuation {
    type Message = proto::StartValuation;

    fn read(message: proto::StartValuation, fields: &mut Fields<'_>) -> Option<Self> {
        let pool = fields.parse::<PoolName>("pool", &message.pool);
        let period = fields.parse::<Period>("period", &message.period);
        check_method(fields, &message.method, &message.parameters);
        let validation_hash = fields.optional_bytes("validation_hash", &message.validation_hash);
        let commitment = fields.optional_bytes("commitment", &message.commitment);
        Some(Self {
            pool: pool?,
            period: period?,
            method: message.method,
            parameters: message.parameters,
            validation_hash,
            commitment,
        })
    }
}

impl From<&StartValuation> for proto::StartValuation {
    fn from(start: &StartValuation) -> Self {
        Self {
            pool: start.pool.as_str().to_owned(),
            period: start.period.to_string(),
            method: start.method.clone(),
            parameters: start.parameters.clone(),
            validation_hash: bytes_if_any(start.validation_hash.as_ref()),
            commitment: bytes_if_any(start.commitment.as_ref()),
        }
    }
}

impl Read for FinishValuation {
    type Message = proto::FinishValuation;

    fn read(message: proto::FinishValuation, fields: &mut Fields<'_>) -> Option<Self> {
        let request = fields.bytes("request", &message.request);
        let table_hash = fields.bytes("table_hash", &message.table_hash);
        let reveal = fields.optional_bytes("reveal", &message.reveal);
        Some(Self {
            request: request?,
            table_hash: table_hash?,
            reveal,
        })
    }
}

impl From<&FinishValuation> for proto::FinishValuation {
    fn from(finish: &FinishValuation) -> Self {
        let reveal = finish.reveal.as_ref();
        Self {
            request: bytes_of(&finish.request.0),
            table_hash: bytes_of(&finish.table_hash.0),
            reveal: reveal.map(|reveal| bytes_of(&reveal.0)).unwrap_or_default(),
        }
    }
}

fn bytes_if_any(hash: Option<&ContentHash>) -> bytes::Bytes {
    hash.map(|hash| bytes_of(&hash.0)).unwrap_or_default()
}

fn check_method(fields: &mut Fields<'_>, method: &str, parameters: &str) {
    if !is_method(method) {
        let form = format!("is 1 to {METHOD_CHARACTERS_MAX} of a-z, 0-9 and -");
        fields.wrong("method", form);
    }
    if let Err(description) = check_parameters(parameters) {
        fields.wrong("parameters", description);
    }
}

fn is_method(text: &str) -> bool {
    (1..=METHOD_CHARACTERS_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Checks that a text is a JSON object in its canonical form, so that it has one hash: keys
/// ascending by their bytes, none twice, no white space, whole numbers of 64 bits.
fn check_parameters(text: &str) -> Result<(), String> {
    if text.len() > PARAMETERS_BYTES_MAX {
        let found = text.len();
        return Err(format!(
            "has {found} bytes, not 2 to {PARAMETERS_BYTES_MAX}"
        ));
    }
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
    if !value.is_object() {
        return Err("is not a JSON object such as {\"k\":5}".to_owned());
    }
    if has_fraction(&value) {
        return Err("has a number that is no integer of 64 bits; write it as a text".to_owned());
    }
    let canonical = value.to_string();
    if canonical != text {
        return Err(format!("is written {canonical} in canonical form"));
    }
    Ok(())
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}
